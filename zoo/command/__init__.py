"""The command line behind `python train.py` and `zoo train`: flags, help, completion, the run or the runs."""
