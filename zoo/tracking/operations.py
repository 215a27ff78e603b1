"""What is done to the record of a run, as plain values that can wait on disk, and the one place where it is done.

Each can be done twice without harm: a param, a tag or a status is written over by itself, and a row of a metric that is
there already, to the millisecond, is stored once.
"""

import contextlib
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.tracking import entries

if TYPE_CHECKING:
    from mlflow import MlflowClient

Operation = dict[str, Any]
_ATTEMPTS = 10
# SQLite, PostgreSQL and MySQL on a row that is there already.
_DUPLICATE = re.compile("unique constraint|duplicate", re.IGNORECASE)


def params(rows: Sequence[tuple[str, str]]) -> Operation:
    """Record params: (key, value)."""
    return {"do": "params", "rows": list(rows)}


def tags(rows: Sequence[tuple[str, str]]) -> Operation:
    """Record tags: (key, value)."""
    return {"do": "tags", "rows": list(rows)}


def metrics(rows: Sequence[tuple[str, float, int, int]]) -> Operation:
    """Record metrics: (key, value, milliseconds since the epoch, step)."""
    return {"do": "metrics", "rows": list(rows)}


def dataset(splits: Sequence[entries.Split]) -> Operation:
    """Record what a run was trained on."""
    return {"do": "dataset", "rows": [list(split) for split in splits]}


def artifact(path: Path, folder: str | None) -> Operation:
    """Keep a file."""
    return {"do": "artifact", "path": str(path.absolute()), "folder": folder}


def artifacts(folder: Path) -> Operation:
    """Keep everything in a folder."""
    return {"do": "artifacts", "path": str(folder.absolute())}


def mirror(folder: Path) -> Operation:
    """Keep the files in a folder, under its name, and remove from there what it no longer holds."""
    return {"do": "mirror", "path": str(folder.absolute())}


def finish(status: str, end_time: int) -> Operation:
    """Close the run, at a time in milliseconds since the epoch."""
    return {"do": "finish", "status": status, "end_time": end_time}


def apply(client: "MlflowClient", run_id: str, operation: Mapping[str, Any]) -> None:
    """Do an operation; what MLflow and its drivers raise is passed on."""
    from mlflow.entities import Metric, Param, RunTag

    kind, rows = operation["do"], operation.get("rows", ())
    if kind == "params":
        client.log_batch(run_id, params=[Param(*row) for row in rows], synchronous=True)
    elif kind == "tags":
        client.log_batch(run_id, tags=[RunTag(*row) for row in rows], synchronous=True)
    elif kind == "metrics":
        client.log_batch(run_id, metrics=[Metric(*row) for row in rows], synchronous=True)
    elif kind == "dataset":
        _log_inputs(client, run_id, [entries.Split(*row) for row in rows])
    elif kind == "artifact":
        client.log_artifact(run_id, operation["path"], operation["folder"])
    elif kind == "artifacts":
        client.log_artifacts(run_id, operation["path"])
    elif kind == "mirror":
        _mirror(client, run_id, Path(operation["path"]))
    else:
        client.set_terminated(run_id, operation["status"], operation["end_time"])


def _mirror(client: "MlflowClient", run_id: str, folder: Path) -> None:
    """Send what is new before anything is removed, so that what refers to each other is there at any moment."""
    from mlflow.exceptions import MlflowException
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    names = sorted(path.name for path in folder.glob("*.npz"))
    there = {Path(info.path).name for info in client.list_artifacts(run_id, folder.name)}
    for name in names:
        if name not in there:
            try:
                client.log_artifact(run_id, str(folder / name), folder.name)
            except FileNotFoundError:  # the run has a newer one by now
                return
    if gone := sorted(there - set(names)):
        repository = get_artifact_repository(client.get_run(run_id).info.artifact_uri, tracking_uri=client.tracking_uri)
        with contextlib.suppress(MlflowException, NotImplementedError):  # not every store removes: more is kept there
            for name in gone:
                repository.delete_artifacts(f"{folder.name}/{name}")


def _log_inputs(client: "MlflowClient", run_id: str, splits: Sequence[entries.Split]) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag
    from mlflow.exceptions import MlflowException

    inputs = [
        DatasetInput(
            Dataset(split.name, split.digest, split.source_type, split.source, profile=split.profile),
            [InputTag(entries.CONTEXT_TAG, split.context)],
        )
        for split in splits
    ]
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            client.log_inputs(run_id, datasets=inputs)
            return
        except MlflowException as error:
            # Another process was faster to record the same data set: the next attempt finds it there.
            if attempt == _ATTEMPTS or not _DUPLICATE.search(str(error)):
                raise
            time.sleep(0.05 * attempt)
