"""Many processes that record runs in one store at once: how long each waits for it, and whether all is kept."""

import multiprocessing
import time
from typing import Any

from benchmarks.peers.stores import opened
from zoo import tracking
from zoo.config import Tracking


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Record runs.

    Args:
        spec: `store`, `processes`, `runs` of each, `points` of each.

    Returns:
        `wait_seconds`: the longest that a process waited for the store, to open it, to log, or to end a run.
        `runs_per_second`: of all processes together.
    """
    spawned = multiprocessing.get_context("spawn")
    queue = spawned.Queue()
    with opened(spec["store"]) as store:
        tracking.connect(Tracking(name="mlflow", uri=store.uri), "load")
        together = spawned.Barrier(spec["processes"])
        words = store.uri, spec["runs"], spec["points"], together, queue
        processes = [spawned.Process(target=_record, args=(number, *words)) for number in range(spec["processes"])]
        for process in processes:
            process.start()
        told = [queue.get(timeout=1500) for _ in processes]
        for process in processes:
            process.join()
        began, ended = min(one[1] for one in told), max(one[2] for one in told)
        _check(store.uri, spec)
    count = spec["processes"] * spec["runs"]
    return {"wait_seconds": max(one[0] for one in told), "runs_per_second": count / (ended - began)}


def _record(process: int, uri: str, runs: int, points: int, together: Any, queue: Any) -> None:
    tracking.connect(Tracking(name="mlflow", uri=uri), "load")  # imports MLflow, which is no wait for the store
    together.wait()
    longest, began = 0.0, time.time()
    for number in range(runs):
        at = time.perf_counter()
        one = tracking.open_run(Tracking(name="mlflow", uri=uri), experiment="load", name=f"{process}-{number}")
        longest = max(longest, time.perf_counter() - at)
        at = time.perf_counter()
        one.log_params({"process": process, "number": number})
        for step in range(points):
            one.log_metrics({"loss": process + number / 1000 + step}, step)
            longest, at = max(longest, time.perf_counter() - at), time.perf_counter()
        one.finish("FINISHED")
        longest = max(longest, time.perf_counter() - at)
    queue.put((longest, began, time.time()))


def _check(uri: str, spec: dict[str, Any]) -> None:
    """See that every point of every run is there once."""
    found = [one for one in tracking.newest(10**6, "load", uri) if "process" in one.params]
    expected = {(str(process), str(run)) for process in range(spec["processes"]) for run in range(spec["runs"])}
    have = [(one.params["process"], one.params["number"]) for one in found]
    if sorted(have) != sorted(expected):
        raise RuntimeError(f"{len(have):,} runs are recorded, {len(expected):,} were to be.")
    for curves in tracking.curves([one.id for one in found], ["loss"], uri).values():
        if curves["loss"][:, 0].tolist() != list(range(spec["points"])):
            raise RuntimeError("The points of a run are not those that were recorded.")
