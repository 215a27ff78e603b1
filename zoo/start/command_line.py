"""The command line that asks for the same again, as a user would type it."""

import shlex
import sys
from collections.abc import Sequence

from zoo.start import options


def program() -> str:
    """Return how this program was called: `python train.py`, or `zoo train` where it is installed."""
    return "zoo train" if sys.argv[0] == "zoo train" else f"python {shlex.quote(sys.argv[0])}"


def multirun(words: Sequence[str]) -> str:
    """Return the command of a sweep, with the user's own config folders."""
    folders = [part for folder in options.own_folders() for part in ("--config-dir", str(folder))]
    return f"{program()} -m {shlex.join([*folders, *words])}"
