"""The rows that MLflow's client would write of runs that have ended, table by table.

Plain tuples, in the order in which MLflow's table classes declare their columns; nothing is written here.
"""

import uuid
from collections.abc import Iterable, Mapping
from itertools import repeat
from operator import itemgetter
from typing import Any

import numpy as np

from zoo.tracking import entries
from zoo.tracking.errors import TrackingError
from zoo.tracking.finished import FinishedRun

Row = tuple[Any, ...]

_RUN_NAME_TAG = "mlflow.runName"
# MLflow compares points by step, time and value to find the latest.
_RECENCY = itemgetter(3, 2, 1)
_LARGEST = np.finfo(np.float64).max


class Rows:
    """The rows of a batch of runs.

    Args:
        experiment_id: The experiment that the runs are put in.
        artifact_location: Where the experiment keeps its artifacts.
        origin: The first tags of each run; see `entries.origin`.

    Attributes:
        ids: The ids of the runs, in the order in which they were added.
        tables: Rows by the name of their table.
        splits: The splits of data sets that the runs used, each with the id of the run.
    """

    def __init__(self, experiment_id: int, artifact_location: str, origin: Mapping[str, str]):
        self.ids: list[str] = []
        self.tables: dict[str, list[Row]] = {"runs": [], "tags": [], "params": [], "metrics": [], "latest_metrics": []}
        self.splits: list[tuple[str, entries.Split]] = []
        self.experiment_id = experiment_id
        self._artifact_location = artifact_location
        self._origin = origin

    def __len__(self) -> int:
        return sum(map(len, self.tables.values()))

    def add(self, run: FinishedRun) -> None:
        """Add the rows of a run.

        Raises:
            TrackingError: Two params of the run have one name in MLflow.
        """
        from mlflow.utils.uri import append_to_uri_path

        run_id = run.id or uuid.uuid4().hex
        tags = {**self._origin, _RUN_NAME_TAG: run.name, **dict(entries.tags(run.tags))}
        params = unique_params(run)
        artifact_uri = append_to_uri_path(self._artifact_location, run_id, "artifacts")
        row = (
            run_id, tags[_RUN_NAME_TAG], "UNKNOWN", "", "", self._origin["mlflow.user"], run.status, run.start_time,
            run.end_time, None, "", "active", artifact_uri, self.experiment_id,
        )  # fmt: skip
        self.ids.append(run_id)
        self.tables["runs"].append(row)
        self.tables["tags"] += zip(tags, tags.values(), repeat(run_id))
        self.tables["params"] += zip(params, params.values(), repeat(run_id))
        for points in _points(run, run_id):
            unique = dict.fromkeys(points)  # the client, too, records equal points once
            self.tables["metrics"] += unique
            self.tables["latest_metrics"].append(max(unique, key=_RECENCY))
        if used := run.dataset:
            self.splits += zip(repeat(run_id), entries.splits(used.name, used.digest, used.source, used.sizes))

    def inputs(self, known: Mapping[tuple[str, str], str]) -> dict[str, list[Row]]:
        """Return the rows of the data sets that the runs used.

        Args:
            known: Ids of the data sets that the experiment has, by name and digest.
        """
        ids = dict(known)
        tables: dict[str, list[Row]] = {"datasets": [], "inputs": [], "input_tags": []}
        for run_id, split in self.splits:
            if (dataset := (split.name, split.digest)) not in ids:
                ids[dataset] = uuid.uuid4().hex
                origin = (split.source_type, split.source, None, split.profile)
                tables["datasets"].append((ids[dataset], self.experiment_id, *dataset, *origin))
            input_id = uuid.uuid4().hex
            tables["inputs"].append((input_id, "DATASET", ids[dataset], "RUN", run_id, 0))
            tables["input_tags"].append((input_id, entries.CONTEXT_TAG, split.context))
        return tables


def unique_params(run: FinishedRun) -> dict[str, str]:
    """Return the params of a run as MLflow takes them.

    Raises:
        TrackingError: Two params of the run have one name in MLflow.
    """
    params = dict(pairs := entries.params(run.params))
    if len(params) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise TrackingError(f"Two params of the run '{run.name}' have the same name in MLflow, '{twice}'.")
    return params


def _points(run: FinishedRun, run_id: str) -> Iterable[list[Row]]:
    """Return the rows of the metrics, one list for each name in MLflow."""
    by_key: dict[str, list[Row]] = {}
    steps, times = run.steps.tolist(), run.timestamps().tolist()
    for name, curve in run.curves.items():
        key = entries.key(name)
        values, nans = _stored(curve)
        by_key.setdefault(key, []).extend(zip(repeat(key), values, times, steps, nans, repeat(run_id)))
    for name, value, nan in zip(run.summary, *_stored(list(run.summary.values())), strict=True):
        key = entries.key(name)
        by_key.setdefault(key, []).append((key, value, run.end_time, run.last_step, nan, run_id))
    return filter(None, by_key.values())


def _stored(values: Any) -> tuple[list[float], list[int]]:
    """Return values as MLflow stores them, NaN as 0 and infinity as the largest float, and 1 where one was NaN."""
    numbers = np.asarray(values, np.float64)
    nan = np.isnan(numbers)
    return np.clip(np.where(nan, 0.0, numbers), -_LARGEST, _LARGEST).tolist(), nan.astype(int).tolist()
