"""What of tracked runs takes disk space and can go: checkpoints and models. The record of a run always stays.

A run that is at work is never touched, nor one whose model is registered. What is removed is named here file by file:
nothing else in a folder is, and no link is followed.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.tracking import space
from zoo.tracking.address import local_folder, resolve
from zoo.tracking.children import children
from zoo.tracking.errors import failures_without_secrets, refusals_in_words
from zoo.tracking.lookup import StoredRun, find
from zoo.tracking.queries import SWEEP, RunRecord
from zoo.tracking.references import best_of, refer
from zoo.tracking.registry import logged_models, registered_runs
from zoo.tracking.searching import matching
from zoo.tracking.store import open_client

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

WHAT = ("checkpoints", "models")
TAG = "pruned"


@dataclass(frozen=True)
class Prunable:
    """A run with what of it could go.

    Attributes:
        run: Its record.
        sizes: In bytes, by what it is: `checkpoints`, `models`.
    """

    run: RunRecord
    sizes: Mapping[str, int]
    _paths: Mapping[str, Sequence[Path]]  # on this machine
    _artifacts: Mapping[str, Sequence[str]]  # on a server
    _logged: Sequence["LoggedModel"]
    _artifact_uri: str

    @property
    def size(self) -> int:
        """In bytes, all of it."""
        return sum(self.sizes.values())


@dataclass(frozen=True)
class Survey:
    """What a prune would do.

    Attributes:
        found: Runs with something that could go, in the order in which they began.
        kept: Why runs are left alone, by their ids.
    """

    found: list[Prunable]
    kept: dict[str, str]
    _client: "MlflowClient"
    _uri: str

    def prune(self, one: Prunable) -> int:
        """Mark a run as pruned and remove what can go; return how many bytes that has freed.

        A run that is at work by now is left alone.

        Raises:
            TrackingError: The store refused or failed.
        """
        with failures_without_secrets():
            now = self._client.get_run(one.run.id)
            if now.info.status == "RUNNING" or one.run.id in registered_runs(self._client):
                return 0
            marks = _marks(now.data.tags) | {what: date.today().isoformat() for what in one.sizes}
            self._client.set_tag(one.run.id, TAG, json.dumps(marks))
            freed = sum(map(space.unlink, (path for paths in one._paths.values() for path in paths)))
            freed += self._remove_artifacts(one)
            for model in one._logged:
                freed += space.remove_logged(self._client, model)
        return freed

    def _remove_artifacts(self, one: Prunable) -> int:
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        names = [name for names in one._artifacts.values() for name in names]
        if not names:
            return 0
        sizes = space.artifact_sizes(self._client, one.run.id)
        repository = get_artifact_repository(one._artifact_uri, tracking_uri=self._uri)
        for name in names:
            repository.delete_artifacts(name)
        return sum(sizes.get(name, 0) for name in names)


def survey(
    run_id: str | None, condition: str | None, what: Collection[str], keep: str, tracking_uri: str | None = None
) -> Survey:
    """Find what can go; nothing is removed.

    Args:
        run_id: A run, or a sweep, for the runs of it.
        condition: An MLflow filter; without both, all runs are looked at.
        what: Of `WHAT`.
        keep: `best`: leave alone the best run of each model and data set, among those that are looked at; one run that
            is named is compared with all others of its kind. `none`: leave alone no run for that.
        tracking_uri: The store; the default one if left out.

    Raises:
        BadInput: There is no such run, MLflow can't read the filter, nothing fits it, or the store can't be read.
    """
    uri = resolve(tracking_uri)
    records = _records(run_id, condition, uri)
    client = open_client(uri)
    with refusals_in_words(uri):
        registered = registered_runs(client)
        logged = logged_models(client, {record.experiment_id for record in records}) if "models" in what else {}
        best = best_of(_compared(records, run_id, uri)) if keep == "best" else {}
        among = " among them" if condition or (len(records) > 1 and run_id) else ""
        found, kept = [], {}
        for record in records:
            if record.status == "RUNNING":
                kept[record.id] = "at work"
            elif record.id in registered:
                kept[record.id] = f"registered as {registered[record.id]}"
            elif record.id in best:
                kept[record.id] = f"the best of {best[record.id]}{among}"
            elif (one := _look(client, record, what, logged.get(record.id, []))).sizes:
                found.append(one)
    return Survey(found, kept, client, uri)


def pruned(run: StoredRun, what: str) -> str | None:
    """Return a sentence that says that a run has lost its checkpoints or its models to `zoo prune`, or None."""
    when = _marks(run.tags).get(what)
    return f"Run {run.id} ({run.name}) was pruned of its {what} on {when}, to free disk space." if when else None


def _marks(tags: Mapping[str, str]) -> dict[str, str]:
    try:
        found = json.loads(tags.get(TAG, "{}"))
    except (ValueError, RecursionError):
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _records(run_id: str | None, condition: str | None, uri: str) -> list[RunRecord]:
    if run_id is None:
        return matching(condition or "", uri)
    named = find(run_id, uri) if re.fullmatch(r"[\w-]+", run_id) else refer(run_id, uri)
    if named.tags.get(SWEEP) == "true":
        return children([named.id], uri)
    fields = (named.id, named.name, named.experiment_id, named.status, named.started)
    return [RunRecord(*fields, named.params, named.tags, named.metrics)]


def _compared(records: list[RunRecord], run_id: str | None, uri: str) -> list[RunRecord]:
    """Return the runs among which the best are to be found: one that is named alone would be the best of itself."""
    if run_id is None or len(records) != 1:
        return records
    names = [records[0].tags.get(key, "") for key in ("model", "data")]
    if not all(names) or any(quote in name for name in names for quote in "'\""):
        return matching("", uri)
    return matching(f"tags.model = '{names[0]}' and tags.data = '{names[1]}'", uri)


def _look(
    client: "MlflowClient", record: RunRecord, what: Collection[str], logged: Sequence["LoggedModel"]
) -> Prunable:
    """Return what could go of a run, and how large it is."""
    uri = client.get_run(record.id).info.artifact_uri
    paths: dict[str, list[Path]] = {}
    artifacts: dict[str, list[str]] = {}
    folder = local_folder(uri)
    folders = [] if folder is None else [folder]
    if own := space.own_folder(client, record, folder):
        folders.append(own)
    for one in folders:
        for path in space.files(one):
            paths.setdefault("models" if path.name in space.MODELS else "checkpoints", []).append(path)
    sizes = {kind: sum(path.stat().st_size for path in found) for kind, found in paths.items()}
    if folder is None:
        for name, size in space.artifact_sizes(client, record.id).items():
            kind = "models" if name in space.MODELS else "checkpoints"
            artifacts.setdefault(kind, []).append(name)
            sizes[kind] = sizes.get(kind, 0) + size
    if logged:
        sizes["models"] = sizes.get("models", 0) + sum(map(space.logged_size, logged))
    wanted = {kind: size for kind, size in sizes.items() if kind in what}
    return Prunable(
        record,
        wanted,
        {kind: found for kind, found in paths.items() if kind in what},
        {kind: found for kind, found in artifacts.items() if kind in what},
        logged if "models" in what else [],
        uri,
    )
