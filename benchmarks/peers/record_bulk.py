"""The record of a population: many runs that have ended, written at once."""

import time
from typing import Any

import numpy as np

from benchmarks.peers.stores import opened
from zoo import tracking
from zoo.config import Tracking


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Write runs of 200 points of four metrics each.

    Args:
        spec: `store`, `runs`.

    Returns:
        `milliseconds_per_run`: amortised.
    """
    steps = np.arange(1, 201)
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    began = time.time()
    runs = [
        tracking.FinishedRun(
            name=f"run {number}",
            params={"seed": number, "optimizer": {"name": "adam", "learning_rate": 0.01}},
            tags={"model": "xor_mlp", "outcome": "completed"},
            steps=steps,
            curves={name: np.cos(steps * (number + 1) + index) for index, name in enumerate(names)},
            summary={"best_val_loss": 0.5, "train_seconds": 1.0},
            last_step=200,
            status="FINISHED",
            began=began - 1,
            ended=began,
        )
        for number in range(spec["runs"])
    ]
    with opened(spec["store"]) as store:
        connected = tracking.connect(Tracking(name="mlflow", uri=store.uri), "bulk")
        parent = connected.start("sweep")
        at = time.perf_counter()
        ids = connected.add(runs, parent.id)
        seconds = time.perf_counter() - at
        parent.finish("FINISHED")
        if len(tracking.children([str(parent.id)], store.uri)) != len(set(ids)) or len(ids) != len(runs):
            raise RuntimeError("Not all runs are recorded.")
    return {"milliseconds_per_run": 1000 * seconds / len(runs)}
