"""A run recorded in MLflow, new or going on.

Metrics are buffered and written in batches, because a call of MLflow costs milliseconds however little it carries.
What could not be written stays in the buffer, and a row that is sent twice is stored once.
"""

import contextlib
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.tracking import entries
from zoo.tracking.address import ui_command
from zoo.tracking.errors import TrackingError, failures_without_secrets
from zoo.tracking.run import Run, Status

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

WRITE_SECONDS = 2.0
# The metrics that MLflow takes in one call.
BATCH = 1000
_ATTEMPTS = 10
# SQLite, PostgreSQL and MySQL on a row that is there already.
_DUPLICATE = re.compile("unique constraint|duplicate", re.IGNORECASE)


class MlflowRun(Run):
    """The record of one run in MLflow.

    Args:
        client: The client of the opened store.
        uri: The store's resolved address.
        experiment_id: The experiment that the run is in.
        run_id: A run that exists.
        name: Its name.
    """

    def __init__(self, client: "MlflowClient", uri: str, experiment_id: str, run_id: str, name: str):
        self.id: str = run_id
        self.name = name
        self.ui_command = ui_command(uri, experiment_id, run_id)
        self._client = client
        self._waiting: list[Metric] = []
        self._last_write = time.monotonic()
        self._finished = False

    @classmethod
    def create(
        cls,
        client: "MlflowClient",
        uri: str,
        experiment_id: str,
        name: str,
        origin: Mapping[str, str],
        start_time: int | None = None,
    ) -> "MlflowRun":
        """Start a new run.

        Args:
            client: The client of the opened store.
            uri: The store's resolved address.
            experiment_id: The experiment that the run is put in.
            name: Its name.
            origin: Its first tags; see `entries.origin`.
            start_time: Milliseconds since the epoch. Defaults to now.
        """
        run = client.create_run(experiment_id, start_time=start_time, tags=dict(origin), run_name=name)
        return cls(client, uri, experiment_id, run.info.run_id, name)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record what the run was asked to do."""
        from mlflow.entities import Param

        rows = [Param(key, value) for key, value in entries.params(params)]
        with failures_without_secrets():
            self._client.log_batch(self.id, params=rows, synchronous=True)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Record labels."""
        from mlflow.entities import RunTag

        rows = [RunTag(key, value) for key, value in entries.tags(tags)]
        with failures_without_secrets():
            self._client.log_batch(self.id, tags=rows, synchronous=True)

    def log_metrics(self, metrics: Mapping[str, float], step: int, timestamp: int | None = None) -> None:
        """Record measurements, in batches; `timestamp` is in milliseconds since the epoch, now by default."""
        from mlflow.entities import Metric

        when = time.time_ns() // 1_000_000 if timestamp is None else timestamp
        self._waiting += [Metric(entries.key(key), float(value), when, step) for key, value in metrics.items()]
        if len(self._waiting) >= BATCH or time.monotonic() - self._last_write >= WRITE_SECONDS:
            self.flush()

    def log_dataset(self, name: str, digest: str, source: str, splits: Mapping[str, int]) -> None:
        """Record the data as inputs of the run, one for each split."""
        from mlflow.entities import Dataset, DatasetInput, InputTag
        from mlflow.exceptions import MlflowException

        inputs = [
            DatasetInput(
                Dataset(split.name, split.digest, split.source_type, split.source, profile=split.profile),
                [InputTag(entries.CONTEXT_TAG, split.context)],
            )
            for split in entries.splits(name, digest, source, splits)
        ]
        with failures_without_secrets():
            for attempt in range(1, _ATTEMPTS + 1):
                try:
                    self._client.log_inputs(self.id, datasets=inputs)
                    return
                except MlflowException as error:
                    # Another process was faster to record the same data set: the next attempt finds it there.
                    if attempt == _ATTEMPTS or not _DUPLICATE.search(str(error)):
                        raise
                    time.sleep(0.05 * attempt)

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Keep a file."""
        with failures_without_secrets():
            self._client.log_artifact(self.id, str(path), folder)

    def log_artifacts(self, folder: Path) -> None:
        """Keep everything in a folder."""
        with failures_without_secrets():
            self._client.log_artifacts(self.id, str(folder))

    def flush(self) -> None:
        """Write the metrics that wait, in the order they came."""
        while self._waiting:
            with failures_without_secrets():
                self._client.log_batch(self.id, metrics=self._waiting[:BATCH], synchronous=True)
            del self._waiting[:BATCH]
        self._last_write = time.monotonic()

    def finish(self, status: Status, end_time: int | None = None) -> None:
        """Write what waits and close the run; one whose last metrics can't be written is closed as FAILED.

        Args:
            status: How the run ended.
            end_time: When, in milliseconds since the epoch. Defaults to now.
        """
        if self._finished:
            return
        try:
            self.flush()
        except TrackingError:
            with contextlib.suppress(TrackingError):
                self._close("FAILED")
            raise
        self._close(status, end_time)

    def _close(self, status: Status, end_time: int | None = None) -> None:
        with failures_without_secrets():
            self._client.set_terminated(self.id, status, end_time)
        self._finished = True
