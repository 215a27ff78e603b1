"""`zoo doctor`: put right what says that it runs although its process is gone, and say how it goes on."""

from collections.abc import Mapping
from typing import Any

from zoo import tracking
from zoo.verbs.words import TRACKING_URI, Grammar

GRAMMAR = Grammar(
    "doctor",
    "Looks for runs that MLflow shows as running although their process is gone (killed, or the machine was switched\n"
    "off), marks them as KILLED and interrupted, and says how to go on with each.",
    ("",),
    (TRACKING_URI,),
)


def main(said: Mapping[str, Any]) -> int:
    """Mark the runs whose process is gone and return the exit code.

    Raises:
        BadInput: The store is not as it should be.
    """
    found = tracking.mark_vanished(said["tracking.uri"])
    for run in found:
        again = f"its command and sweep.resume={run.id}" if run.is_sweep else f"python train.py resume={run.id}"
        again = f"python train.py search.resume={run.search}" if run.search else again
        print(f"{run.name}: {run.reason}\n  go on with {again}")
    if waiting := len(tracking.waiting()):
        print(f"The records of {waiting:,} runs wait for a tracking server: python -m zoo sync sends them.")
    elif not found:
        print("All is well: no run says that it runs without a process.")
    return 0
