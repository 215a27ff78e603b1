"""Finding a tracked run again: by its id, the beginning of its id, or as the last one."""

import posixpath
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from zoo.config import BadInput
from zoo.tracking import process
from zoo.tracking.address import database_file, local_folder, mask, resolve
from zoo.tracking.errors import failures_without_secrets, refusals_in_words
from zoo.tracking.store import open_client

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SHORTEST_PREFIX = 6
_SHOWN = 3


@dataclass(frozen=True)
class StoredRun:
    """A run as it was recorded.

    Attributes:
        id: Its whole id.
        name: Its name.
        experiment_id: The experiment it is in.
        status: RUNNING, FINISHED, FAILED or KILLED.
        started: When it began, in milliseconds since the epoch.
        params: What it was asked to do, as text.
        tags: Its labels.
        metrics: The last value of each metric.
        uri: The resolved address of the store.
    """

    id: str
    name: str
    experiment_id: str
    status: str
    started: int
    params: dict[str, str]
    tags: dict[str, str]
    metrics: dict[str, float]
    uri: str
    _artifact_uri: str = field(repr=False)
    _client: "MlflowClient" = field(repr=False, compare=False)

    @property
    def parent(self) -> str | None:
        """The id of the run that this one is a part of."""
        return self.tags.get("mlflow.parentRunId")

    @property
    def artifact_folder(self) -> Path | None:
        """The folder of the run's artifacts, where they are kept on this machine."""
        return local_folder(self._artifact_uri)

    def history(self, metric: str) -> list[tuple[int, float]]:
        """Return the (step, value) pairs of a metric in the order of steps; empty if it was never recorded."""
        with failures_without_secrets():
            rows = self._client.get_metric_history(self.id, metric)
        return [(row.step, row.value) for row in sorted(rows, key=lambda row: (row.step, row.timestamp))]

    def artifacts(self, folder: str | None = None) -> list[str]:
        """Return the paths of the files and folders kept at the root of the run's artifacts, or in a folder of them."""
        with failures_without_secrets():
            return [info.path for info in self._client.list_artifacts(self.id, folder)]

    def download(self, artifact: str) -> Path:
        """Return a local path of an artifact: the file itself where the store is local, else a copy.

        Args:
            artifact: Its path among the run's artifacts, such as `model.keras`. What is returned is to be read, not
                changed; a copy is removed when the process ends.

        Raises:
            BadInput: The run has no such artifact.
        """
        artifact = posixpath.normpath(artifact)
        inside = not artifact.startswith(("/", ".."))
        if not inside or artifact not in self.artifacts(posixpath.dirname(artifact) or None):
            held = ", ".join(self.artifacts()) or "none"
            raise BadInput(f"Run {self.id} has no artifact '{artifact}'. It has: {held}.")
        if self.artifact_folder is not None:
            return self.artifact_folder / artifact
        with failures_without_secrets():
            folder = Path(copies().name, self.id)
            folder.mkdir(exist_ok=True)
            return Path(self._client.download_artifacts(self.id, artifact, str(folder)))


class _Row(NamedTuple):
    id: str
    name: str
    status: str


def find(run_id: str, tracking_uri: str | None = None) -> StoredRun:
    """Return the tracked run with an id.

    Args:
        run_id: The id, the first six or more characters of it, or `last` for what was started last: a run, or the
            whole sweep where that is one of its runs.
        tracking_uri: The store to look in. Defaults to where new runs are recorded.

    Raises:
        BadInput: There is no such run, there are several, or the store can't be read.
    """
    uri = resolve(tracking_uri)
    rows = _started(uri, "" if run_id == "last" else run_id, 1 if run_id == "last" else _SHOWN)
    exact = [row for row in rows if row.id == run_id]
    if not rows:
        raise BadInput(_not_found(uri, run_id))
    if not exact and run_id != "last":
        if len(run_id) < _SHORTEST_PREFIX:
            raise BadInput(
                f"'{run_id}' is too short for a run id: give all of it, its first {_SHORTEST_PREFIX} or more "
                "characters, or `last`."
            )
        if len(rows) > 1:
            raise BadInput(f"Several runs begin with '{run_id}': {_listed(rows)}. Give more of the id.")
    client = open_client(uri)
    with refusals_in_words(uri):
        run = client.get_run((exact or rows)[0].id)
        if run_id == "last" and (parent := run.data.tags.get("mlflow.parentRunId")):
            run = client.get_run(parent)
    info, data = run.info, run.data
    return StoredRun(
        info.run_id, info.run_name, info.experiment_id, info.status, info.start_time, data.params, data.tags,
        data.metrics, uri, info.artifact_uri, client,
    )  # fmt: skip


def unfinished(tracking_uri: str | None = None) -> StoredRun:
    """Return the run that was started last and can go on: it was interrupted, failed, or its process is gone.

    Runs that are parts of a sweep, and sweeps themselves, go on with the sweep.

    Args:
        tracking_uri: The store to look in. Defaults to where new runs are recorded.

    Raises:
        BadInput: There is none, or the store can't be read.
    """
    uri = resolve(tracking_uri)
    if (file := database_file(uri)) is None or file.exists():
        client = open_client(uri)
        with refusals_in_words(uri):
            experiments = [experiment.experiment_id for experiment in client.search_experiments(max_results=1000)]
            found = client.search_runs(
                experiments, "attributes.status != 'FINISHED'", max_results=200, order_by=["attributes.start_time DESC"]
            )
        for run in found:
            if _can_go_on(run.info.status, run.data.tags):
                return find(run.info.run_id, uri)
    raise BadInput(
        f"No run in {mask(uri)} was left unfinished. A finished one goes on with resume=<its id> epochs=... ."
    )


def _can_go_on(status: str, tags: Mapping[str, str]) -> bool:
    if "overrides" not in tags or "mlflow.parentRunId" in tags or tags.get("outcome") == "diverged":
        return False
    return status != "RUNNING" or process.is_gone(tags)


def _started(uri: str, prefix: str, limit: int) -> list[_Row]:
    """Return the runs whose id begins with `prefix`, the latest first."""
    if not re.fullmatch(r"[\w-]*", prefix, re.ASCII):
        return []
    if file := database_file(uri):
        return _started_in_sqlite(uri, file, prefix, limit)
    client = open_client(uri)
    with refusals_in_words(uri):
        experiments = [experiment.experiment_id for experiment in client.search_experiments(max_results=1000)]
        condition = f"attributes.run_id LIKE '{prefix}%'" if prefix else ""
        found = client.search_runs(experiments, condition, max_results=limit, order_by=["attributes.start_time DESC"])
        return [_Row(run.info.run_id, run.info.run_name, run.info.status) for run in found]


def _started_in_sqlite(uri: str, file: Path, prefix: str, limit: int) -> list[_Row]:
    """Answer without MLflow, whose import alone takes seconds: most wrong ids are typing mistakes."""
    if not file.exists():
        return []
    query = (
        "SELECT run_uuid, name, status FROM runs WHERE lifecycle_stage = 'active' AND run_uuid GLOB ? "
        "ORDER BY start_time DESC LIMIT ?"
    )
    with (
        refusals_in_words(uri),
        closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=20)) as connection,
    ):
        return [_Row(*row) for row in connection.execute(query, (f"{prefix}*", limit))]


def _not_found(uri: str, run_id: str) -> str:
    latest = _started(uri, "", _SHOWN)
    where = f"in {mask(uri)}"
    if run_id == "last" or not latest:
        return (
            f"No run '{run_id}' {where}: nothing is recorded there. "
            "If runs are kept elsewhere, say so with tracking.uri or MLFLOW_TRACKING_URI."
        )
    return f"No run '{run_id}' {where}. The latest runs are {_listed(latest)}."


def _listed(rows: list[_Row]) -> str:
    return ", ".join(f"{row.id} ({row.name}, {row.status})" for row in rows)


@cache
def copies() -> TemporaryDirectory[str]:
    """Return the folder of copies of remote artifacts, which lasts as long as the process."""
    return TemporaryDirectory(prefix="zoo-artifacts-")
