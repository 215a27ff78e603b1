"""Many whole runs of the zoo in one process, as a sweep or a notebook has them, and what memory they leave behind."""

import gc
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console

import zoo
from zoo.run import run as run_zoo


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Run the same config again and again, under another seed each time.

    Args:
        spec: `words` for `zoo.compose`, `jobs`.

    Returns:
        `growth_mb`: how much the resident set grew from the end of the first tenth of the jobs to the last.
    """
    process, resident, losses = psutil.Process(), [], []
    began = time.perf_counter()
    for job in range(spec["jobs"]):
        config = zoo.compose(*spec["words"], f"seed={job}")
        with tempfile.TemporaryDirectory() as folder:
            result = run_zoo(config, folder=Path(folder), console=Console(quiet=True))
        losses.append(result.history["loss"][-1])
        gc.collect()  # what is left to it is no growth
        resident.append(process.memory_info().rss / 1024**2)
    return {
        "growth_mb": resident[-1] - resident[len(resident) // 10],
        "resident_mb": resident,
        "seconds_per_job": (time.perf_counter() - began) / spec["jobs"],
        "losses": losses,
    }
