"""Train a model of the zoo: `python train.py model=lstm optimizer=adam`; `python train.py --help` lists the choices."""

import sys

from zoo.entry import enter

if __name__ == "__main__":
    sys.exit(enter("zoo.command.main"))
