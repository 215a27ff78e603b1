"""A run that has ended, with its whole record; and how one is recorded through MLflow's client."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.tracking.errors import failures_without_secrets
from zoo.tracking.mlflow_run import MlflowRun
from zoo.tracking.run import Status

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True)
class DatasetUsed:
    """What a run was trained, validated and tested on.

    Attributes:
        name: The data set.
        digest: The hash of its arrays.
        source: Where it came from, in words.
        sizes: The number of examples or tokens of each split: `{"train": 60000, "valid": 5000, "test": 5000}`.
    """

    name: str
    digest: str
    source: str
    sizes: Mapping[str, int]


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """A run that has ended, with its whole record.

    Attributes:
        name: What the run is called.
        params: What it was asked to do; nested mappings become dotted names, as in `Run.log_params`.
        tags: Labels to search and group runs by.
        steps: int64 [points]; the optimizer's step of each point of the curves.
        curves: float [points] each; what was measured at the steps.
        summary: What was measured once, recorded at `last_step`.
        last_step: The optimizer's step that the run ended at.
        status: How it ended.
        began: When, in seconds since the epoch.
        ended: When, in seconds since the epoch.
        dataset: What it was trained on, if that is to be recorded.
        id: What MLflow is to know it by, 32 hexadecimal digits; where it is left out, the store chooses.

    Raises:
        ValueError: A curve has not one value a step, the name is empty, or the run ended before it began.
    """

    name: str
    params: Mapping[str, Any]
    tags: Mapping[str, str]
    steps: np.ndarray
    curves: Mapping[str, np.ndarray]
    summary: Mapping[str, float]
    last_step: int
    status: Status
    began: float
    ended: float
    dataset: DatasetUsed | None = None
    id: str | None = None

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("A run should have a name. Received: name=''.")
        if not 0 <= self.began <= self.ended:
            raise ValueError(
                f"A run should end no earlier than it began, in seconds since the epoch. "
                f"Received: began={self.began}, ended={self.ended}."
            )
        for name, curve in self.curves.items():
            if np.ndim(self.steps) != 1 or np.shape(curve) != np.shape(self.steps):
                raise ValueError(
                    f"Each curve should be an array with one value for each of the steps, {np.shape(self.steps)}. "
                    f"Received: '{name}' of shape {np.shape(curve)}."
                )

    @property
    def start_time(self) -> int:
        """When the run began, as MLflow counts: in milliseconds since the epoch."""
        return int(self.began * 1000)

    @property
    def end_time(self) -> int:
        """When the run ended, as MLflow counts: in milliseconds since the epoch."""
        return int(self.ended * 1000)

    def timestamps(self) -> np.ndarray:
        """Return int64 [points], milliseconds since the epoch: the run's time, spread evenly over its steps."""
        share = np.clip(np.asarray(self.steps) / max(self.last_step, 1), 0, 1)
        return self.start_time + (share * (self.end_time - self.start_time)).astype(np.int64)


def record(client: "MlflowClient", uri: str, experiment_id: str, run: FinishedRun, origin: Mapping[str, str]) -> str:
    """Record a run that has ended through MLflow's client; one that can't be recorded whole is deleted again.

    Args:
        client: The client of the opened store.
        uri: The store's resolved address.
        experiment_id: The experiment that the run is put in.
        run: The run.
        origin: Its first tags; see `entries.origin`.

    Returns:
        The id of the run.

    Raises:
        TrackingError: The store refused or failed.
    """
    with failures_without_secrets():
        opened = MlflowRun.create(client, uri, experiment_id, run.name, origin, run.start_time)
    try:
        opened.log_params(run.params)
        opened.set_tags(run.tags)
        if run.dataset:
            opened.log_dataset(run.dataset.name, run.dataset.digest, run.dataset.source, run.dataset.sizes)
        for point, (step, when) in enumerate(zip(run.steps.tolist(), run.timestamps().tolist(), strict=True)):
            opened.log_metrics({name: curve[point] for name, curve in run.curves.items()}, step, when)
        opened.log_metrics(run.summary, run.last_step, run.end_time)
        opened.finish(run.status, run.end_time)
    except BaseException:
        with contextlib.suppress(Exception):
            client.delete_run(opened.id)
        raise
    return opened.id
