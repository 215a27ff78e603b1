"""Side-by-side measurements of the zoo, stock Keras and PyTorch; `python -m benchmarks` or `make bench`."""
