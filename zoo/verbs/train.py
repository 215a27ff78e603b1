"""`zoo train`: what `python train.py` does, for an installed package."""

import sys
from collections.abc import Sequence


def main(words: Sequence[str]) -> int:
    """Train what the words ask for and return the exit code."""
    from zoo.command.main import main as train

    sys.argv = ["zoo train", *words]
    return train()
