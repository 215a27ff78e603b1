"""Train a model of the zoo: `python train.py model=lstm optimizer=adam`; `python train.py --help` lists the choices."""

import sys

from zoo.command.main import main

if __name__ == "__main__":
    sys.exit(main())
