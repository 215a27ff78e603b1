"""A run recorded in MLflow, new or going on.

Metrics are buffered and written in batches, because a call of MLflow costs milliseconds however little it carries. To a
database they are written at once; on their way to a server they wait in an outbox, so that training never does. What
could not be written stays there, and a row that is sent twice is stored once.
"""

import contextlib
import logging
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.tracking import entries, operations, process
from zoo.tracking.address import local_folder, ui_command
from zoo.tracking.errors import TrackingError, failures_without_secrets
from zoo.tracking.operations import Operation
from zoo.tracking.outbox import DRAIN_SECONDS, is_passing
from zoo.tracking.remote import Remote, is_server
from zoo.tracking.run import Run, Status

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)

WRITE_SECONDS = 2.0
MIRROR_SECONDS = 30.0
# The metrics that MLflow takes in one call.
BATCH = 1000


class MlflowRun(Run):
    """The record of one run in MLflow.

    Args:
        client: The client of the opened store.
        uri: The store's resolved address.
        experiment_id: The experiment that the run is in.
        run_id: A run that exists.
        name: Its name.
        artifact_folder: Where its artifacts are kept, if that is on this machine.
        remote: Sends to a server; None: the store is a database.
    """

    def __init__(
        self,
        client: "MlflowClient",
        uri: str,
        experiment_id: str,
        run_id: str,
        name: str,
        artifact_folder: Path | None = None,
        remote: Remote | None = None,
    ):
        self._id = run_id
        self.name, self.artifact_folder = name, artifact_folder
        self.ui_command = ui_command(uri, experiment_id, run_id)
        self._client, self._remote = client, remote
        self._waiting: list[tuple[str, float, int, int]] = []
        self._last_write = self._last_beat = self._last_mirror = time.monotonic()
        self._finished = False
        self._held_params: Collection[str] = ()
        self._held_points: Collection[tuple[str, int]] = ()

    @property
    def id(self) -> str:
        """The run's id; that of a run which a server does not know yet begins with `offline-`."""
        return self._remote.run_id if self._remote else self._id

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
        began = time.time_ns() // 1_000_000 if start_time is None else start_time
        try:
            run = client.create_run(experiment_id, start_time=began, tags=dict(origin), run_name=name)
        except Exception as error:
            if not (is_server(uri) and is_passing(error)):
                raise
            known = {"experiment_id": experiment_id, "name": name, "tags": dict(origin), "began": began}
            return cls.offline(client, uri, known)
        run_id = run.info.run_id
        remote = Remote.of(client, uri, run_id)
        return cls(client, uri, experiment_id, run_id, name, local_folder(run.info.artifact_uri), remote)

    @classmethod
    def offline(cls, client: "MlflowClient", uri: str, run: Mapping[str, Any]) -> "MlflowRun":
        """Start a run that the server is told of as soon as it answers; for `run` see `Remote.unknown`."""
        remote = Remote.unknown(client, uri, run)
        return cls(client, uri, run.get("experiment_id", ""), remote.run_id, run["name"], None, remote)

    def hold(self, params: Collection[str], points: Collection[tuple[str, int]]) -> None:
        """Leave what is recorded already as it is: the params of these names, and metrics at (name, step)."""
        self._held_params, self._held_points = params, points

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record what the run was asked to do."""
        rows = [(key, value) for key, value in entries.params(params) if key not in self._held_params]
        self._do(operations.params(rows))

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Record labels."""
        self._do(operations.tags(entries.tags(tags)))

    def log_metrics(self, metrics: Mapping[str, float], step: int, timestamp: int | None = None) -> None:
        """Record measurements, in batches; `timestamp` is in milliseconds since the epoch, now by default."""
        when = time.time_ns() // 1_000_000 if timestamp is None else timestamp
        rows = [(entries.key(key), float(value), when, step) for key, value in metrics.items()]
        self._waiting += [row for row in rows if (row[0], step) not in self._held_points]
        if len(self._waiting) >= BATCH or time.monotonic() - self._last_write >= WRITE_SECONDS:
            self.flush()

    def log_dataset(self, name: str, digest: str, source: str, splits: Mapping[str, int]) -> None:
        """Record the data as inputs of the run, one for each split."""
        self._do(operations.dataset(entries.splits(name, digest, source, splits)))

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Keep a file."""
        self._do(operations.artifact(path, folder))

    def log_artifacts(self, folder: Path) -> None:
        """Keep everything in a folder."""
        self._do(operations.artifacts(folder))

    def mirror(self, folder: Path, *, at_once: bool = False) -> None:
        """Let the artifacts hold the files that a folder holds, and no others there."""
        is_there = self.artifact_folder is not None and folder.is_relative_to(self.artifact_folder)
        if not is_there and (at_once or time.monotonic() - self._last_mirror >= MIRROR_SECONDS):
            self._last_mirror = time.monotonic()
            self._do(operations.mirror(folder))

    def beat(self) -> None:
        """Record every half a minute that the process lives."""
        if time.monotonic() - self._last_beat >= process.BEAT_SECONDS:
            self._last_beat = time.monotonic()
            self.set_tags(process.beat())

    def flush(self) -> None:
        """Write the metrics that wait, in the order they came."""
        while self._waiting:
            self._do(operations.metrics(self._waiting[:BATCH]))
            del self._waiting[:BATCH]
        self._last_write = time.monotonic()

    def finish(self, status: Status, end_time: int | None = None) -> None:
        """Write what waits and close the run; one whose last metrics can't be written is closed as FAILED.

        What a server could not be told by then waits on disk.

        Args:
            status: How the run ended.
            end_time: When, in milliseconds since the epoch. Defaults to now.

        Raises:
            TrackingError: The store refused or failed.
        """
        if self._finished:
            return
        closed = time.time_ns() // 1_000_000 if end_time is None else end_time
        try:
            self.flush()
        except TrackingError:
            with contextlib.suppress(TrackingError):
                self._close("FAILED", closed)
            raise
        self._close(status, closed)

    def _close(self, status: Status, end_time: int) -> None:
        self._do(operations.finish(status, end_time))
        self._finished = True
        if self._remote:
            self._remote.end(DRAIN_SECONDS)

    def _do(self, operation: Operation) -> None:
        if self._remote:
            self._remote.put(operation)
            return
        with failures_without_secrets():
            operations.apply(self._client, self._id, operation)
