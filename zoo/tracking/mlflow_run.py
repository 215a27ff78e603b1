"""A run recorded in MLflow, new or going on.

Metrics are buffered and written in batches, because a call of MLflow costs milliseconds however little it carries.
What could not be written stays in the buffer, and a row that is sent twice is stored once.
"""

import contextlib
import getpass
import json
import posixpath
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.config import flatten
from zoo.tracking import provenance
from zoo.tracking.address import mask, root, ui_command
from zoo.tracking.errors import TrackingError, failures_without_secrets
from zoo.tracking.run import Run, Status

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

WRITE_SECONDS = 2.0
# MLflow's limits: metrics in one call, characters of a value, a key and a digest.
BATCH = 1000
PARAM_LENGTH = 6000
TAG_LENGTH = 8000
KEY_LENGTH = 250
DIGEST_LENGTH = 36
_CONTEXTS = {"train": "training", "valid": "validation", "test": "test"}


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
    def create(cls, client: "MlflowClient", uri: str, experiment_id: str, name: str, parent: str | None) -> "MlflowRun":
        """Start a new run, tagged with user, source and commit."""
        tags = {"mlflow.user": _user(), "mlflow.source.name": sys.argv[0] or "<console>", "mlflow.source.type": "LOCAL"}
        if commit := provenance.commit(root()):
            tags["mlflow.source.git.commit"] = commit
        if parent is not None:
            tags["mlflow.parentRunId"] = parent
        run = client.create_run(experiment_id, tags=tags, run_name=name)
        return cls(client, uri, experiment_id, run.info.run_id, name)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record what the run was asked to do."""
        from mlflow.entities import Param

        rows = [Param(_key(key), _cut(mask(str(value)), PARAM_LENGTH)) for key, value in flatten(params).items()]
        with failures_without_secrets():
            self._client.log_batch(self.id, params=rows, synchronous=True)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Record labels."""
        from mlflow.entities import RunTag

        rows = [RunTag(_key(key), _cut(mask(str(value)), TAG_LENGTH)) for key, value in tags.items()]
        with failures_without_secrets():
            self._client.log_batch(self.id, tags=rows, synchronous=True)

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Record measurements, in batches."""
        from mlflow.entities import Metric

        now = time.time_ns() // 1_000_000
        self._waiting += [Metric(_key(key), float(value), now, step) for key, value in metrics.items()]
        if len(self._waiting) >= BATCH or time.monotonic() - self._last_write >= WRITE_SECONDS:
            self.flush()

    def log_dataset(self, name: str, digest: str, source: str, splits: Mapping[str, int]) -> None:
        """Record the data as inputs of the run, one for each split."""
        from mlflow.entities import Dataset, DatasetInput, InputTag

        inputs = []
        for split, size in splits.items():
            # MLflow takes inputs of equal name and digest for one and the same, and keeps the first.
            own_digest = f"{digest[: DIGEST_LENGTH - 1 - len(split)]}-{split}"
            origin = json.dumps({"uri": mask(source)}, ensure_ascii=False)
            profile = json.dumps({"num_rows": size, "digest_of_all_splits": digest})
            dataset = Dataset(name, own_digest, source_type="local", source=origin, profile=profile)
            inputs.append(DatasetInput(dataset, [InputTag("mlflow.data.context", _CONTEXTS.get(split, split))]))
        with failures_without_secrets():
            self._client.log_inputs(self.id, datasets=inputs)

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

    def finish(self, status: Status) -> None:
        """Write what waits and close the run; one whose last metrics can't be written is closed as FAILED."""
        if self._finished:
            return
        try:
            self.flush()
        except TrackingError:
            with contextlib.suppress(TrackingError):
                self._close("FAILED")
            raise
        self._close(status)

    def _close(self, status: Status) -> None:
        with failures_without_secrets():
            self._client.set_terminated(self.id, status)
        self._finished = True


def _key(name: str) -> str:
    """Return the nearest name that MLflow takes: letters, digits and `_-. :/`, and no path that leads elsewhere."""
    name = re.sub(r"[^\w\-. :/]", "_", name)
    return posixpath.normpath("/" + name).lstrip("/")[:KEY_LENGTH] or "_"


def _cut(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    mark = f" ... (cut, {len(text):,} characters in all)"
    return text[: limit - len(mark)] + mark


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container whose user has no name
        return "unknown"
