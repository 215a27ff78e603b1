"""The command line that asks for the same again, as a user would type it."""

import shlex
import sys
from collections.abc import Sequence

from zoo.start import options


def program() -> str:
    """Return how this program was called: `python train.py`, or `zoo train` where it is installed."""
    return "zoo train" if sys.argv[0] == "zoo train" else f"python {shlex.quote(sys.argv[0])}"


def resume(run_id: str | None, words: Sequence[str]) -> str:
    """Return the command that goes on with a run.

    Args:
        run_id: The run's.
        words: That it was started with; one about where it is recorded is needed again.
    """
    again = [f"resume={run_id}", *(word for word in words if word.startswith("tracking.uri="))]
    return f"{program()} {shlex.join([*_folders(), *again])}"


def multirun(words: Sequence[str]) -> str:
    """Return the command of a sweep, with the user's own config folders."""
    return f"{program()} -m {shlex.join([*_folders(), *words])}"


def run(words: Sequence[str]) -> str:
    """Return the command of a run or a search, with the user's own config folders."""
    return f"{program()} {shlex.join([*_folders(), *words])}"


def _folders() -> list[str]:
    return [part for folder in options.own_folders() for part in ("--config-dir", str(folder))]
