"""Runs that have ended, sent to a server of the zoo's in batches, and read there."""

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from zoo.tracking import entries, service
from zoo.tracking.finished import DatasetUsed, FinishedRun
from zoo.tracking.rows import unique_params

_ID = re.compile("[0-9a-f]{32}")
_BATCH_POINTS = 50_000  # of curves: about a megabyte


def send(uri: str, experiment_id: str, runs: Iterable[FinishedRun], origin: Mapping[str, str]) -> list[str]:
    """Send runs in batches. Each is asked for again until it is answered, and recorded once.

    Args:
        uri: The server's address.
        experiment_id: The experiment that the runs are put in.
        runs: The runs, taken batch by batch.
        origin: The first tags of each run.

    Returns:
        The ids of the runs, in their order.

    Raises:
        TrackingError: The server refused or failed. Batches before the one at hand are recorded.
    """
    ids: list[str] = []
    for batch in _batches(runs):
        body = {"experiment_id": experiment_id, "origin": dict(origin), "runs": [to_json(run) for run in batch]}
        service.ask(uri, service.RUNS, body)
        ids += [str(run.id) for run in batch]
    return ids


def to_json(run: FinishedRun) -> dict[str, Any]:
    """Return a run as values that JSON holds, its numbers to the last bit.

    Raises:
        TrackingError: Two params of the run have one name in MLflow.
    """
    return {
        "id": run.id,
        "name": run.name,
        "params": unique_params(run),
        "tags": dict(entries.tags(run.tags)),
        "steps": run.steps.tolist(),
        "curves": {name: np.asarray(curve, np.float64).tolist() for name, curve in run.curves.items()},
        "summary": {name: float(value) for name, value in run.summary.items()},
        "last_step": int(run.last_step),
        "status": run.status,
        "began": run.began,
        "ended": run.ended,
        "dataset": None if run.dataset is None else {**asdict(run.dataset), "sizes": dict(run.dataset.sizes)},
    }


def from_json(value: Mapping[str, Any]) -> FinishedRun:
    """Return the run that `to_json` has made a value of.

    Raises:
        ValueError: It is no such value.
    """
    try:
        if not _ID.fullmatch(value["id"]):
            raise ValueError(f"A run's id should be 32 hexadecimal digits. Received: {value['id']!r:.60}.")
        used = value["dataset"]
        return FinishedRun(
            name=_text(value["name"]), params=_texts(value["params"]), tags=_texts(value["tags"]),
            steps=np.asarray(value["steps"], np.int64),
            curves={_text(name): np.asarray(curve, np.float64) for name, curve in value["curves"].items()},
            summary={_text(name): float(one) for name, one in value["summary"].items()},
            last_step=int(value["last_step"]), status=value["status"], began=float(value["began"]),
            ended=float(value["ended"]),
            dataset=None if used is None else DatasetUsed(
                _text(used["name"]), _text(used["digest"]), _text(used["source"]),
                {_text(split): int(size) for split, size in used["sizes"].items()},
            ),
            id=value["id"],
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"This is no run that has ended: {type(error).__name__} {error}.") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.60} should be a text")
    return value


def _texts(value: Mapping[str, Any]) -> dict[str, str]:
    return {_text(key): _text(one) for key, one in value.items()}


def _batches(runs: Iterable[FinishedRun]) -> Iterator[list[FinishedRun]]:
    batch: list[FinishedRun] = []
    points = 0
    for run in runs:
        batch.append(run if run.id else replace(run, id=uuid.uuid4().hex))
        points += len(run.steps) * len(run.curves) + len(run.params) + len(run.tags)
        if points >= _BATCH_POINTS:
            yield batch
            batch, points = [], 0
    if batch:
        yield batch


def parse(body: bytes) -> tuple[str, dict[str, str], list[FinishedRun]]:
    """Return the experiment, the first tags and the runs that a request brings.

    Raises:
        ValueError: It is no such request.
    """
    said = json.loads(body)
    if not isinstance(said, dict) or not isinstance(said.get("runs"), list) or not said["runs"]:
        raise ValueError("A request should be an object with experiment_id, origin and runs.")
    experiment = said.get("experiment_id")
    if not isinstance(experiment, str) or not experiment.isdecimal():
        raise ValueError(f"experiment_id should be a number as text. Received: {experiment!r:.60}.")
    try:
        origin = _texts(said["origin"])
        origin["mlflow.user"]
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"origin should be tags, mlflow.user among them: {error}.") from None
    return experiment, origin, [from_json(run) for run in said["runs"]]
