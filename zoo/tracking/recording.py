"""The store that runs are recorded in: opened once, it starts runs, goes on with them, and takes many at once."""

import logging
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from zoo.config import BadInput, Tracking
from zoo.tracking import bulk, entries, process
from zoo.tracking.address import mask, resolve
from zoo.tracking.errors import TrackingError, failures_without_secrets, refusals_in_words
from zoo.tracking.finished import FinishedRun
from zoo.tracking.lookup import StoredRun, find
from zoo.tracking.mlflow_run import MlflowRun
from zoo.tracking.outbox import is_passing, spool_folder
from zoo.tracking.remote import Remote, is_server
from zoo.tracking.run import Off, Run
from zoo.tracking.spool import waiting
from zoo.tracking.store import experiment_id, open_client

log = logging.getLogger(__name__)


def connect(tracking: Tracking, experiment: str) -> "Store":
    """Open the store that runs are recorded in.

    Args:
        tracking: Where to record: `mlflow` with a store's address and an experiment, or `off`.
        experiment: The experiment, unless `tracking.experiment` names another.

    Raises:
        BadInput: The store can't be reached, read or written; told within ten seconds.
    """
    return Store(tracking, experiment)


class Store:
    """An opened store; see `connect`."""

    def __init__(self, tracking: Tracking, experiment: str):
        self._client = None
        self._uri = ""
        if tracking.name != "off":
            self._uri = resolve(tracking.uri)
            self._client = open_client(self._uri)
            self._experiment = tracking.experiment or experiment
            self._experiment_id = self._open_experiment(tracking.offline == "spool")

    def _open_experiment(self, may_be_away: bool) -> str:
        """Return the id of the experiment; nothing where the server is away and may be."""
        assert self._client is not None
        try:
            return experiment_id(self._client, self._uri, self._experiment)
        except BadInput as error:
            reason = error.__context__
            passing = is_server(self._uri) and isinstance(reason, Exception) and is_passing(reason)
            if not passing:
                raise
            if not may_be_away:
                raise BadInput(f"{error} Or let the record wait for the server with tracking.offline=spool.") from None
            log.warning(f"{mask(self._uri)} does not answer: the record waits in {spool_folder()} until it does.")
            return ""

    @property
    def is_away(self) -> bool:
        """Whether the server did not answer at the start, and what is recorded waits for it."""
        return self._client is not None and not self._experiment_id

    @property
    def uri(self) -> str | None:
        """The resolved address; None where nothing is recorded."""
        return self._uri or None

    @property
    def address(self) -> Tracking:
        """What another process needs to open the same store: the address in full, with what secrets it holds."""
        if self._client is None:
            return Tracking(name="off")
        return Tracking(name="mlflow", uri=self._uri, experiment=self._experiment)

    def join(self, parent: str) -> None:
        """Record runs in the experiment of a run from now on, so that MLflow shows them below it.

        Raises:
            BadInput: There is no such run here.
        """
        if self._client is not None:
            self._experiment_id = find(parent, self._uri).experiment_id

    def start(self, name: str, parent: str | None = None, tags: Mapping[str, str] | None = None) -> Run:
        """Start the record of a run.

        Args:
            name: The name of the run.
            parent: The id of the run that this one is a part of.
            tags: That it has from the first moment, whatever becomes of its process.

        Returns:
            The open run. It stays RUNNING in MLflow until its `finish` is called.
        """
        if self._client is None:
            return Off(name)
        first = {**entries.origin(parent), **process.mark(), **dict(entries.tags(tags or {}))}
        if self.is_away:
            began = time.time_ns() // 1_000_000
            run = {"experiment": self._experiment, "name": name, "tags": first, "began": began}
            return MlflowRun.offline(self._client, self._uri, run)
        with refusals_in_words(self._uri):
            return MlflowRun.create(self._client, self._uri, self._experiment_id, name, first)

    def reopen(self, run: StoredRun) -> Run:
        """Go on with the record of a run; it is RUNNING again until its `finish` is called.

        What is recorded already is not recorded again: params stay as they are, and so does a metric at its step.
        Runs that are recorded here from now on are in its experiment.
        """
        assert self._client is not None
        for one in waiting():  # what an earlier process could not tell comes first
            if one.file.stem == run.id and not (said := one.send(self._uri)).done:
                raise BadInput(said.sentence)
        self._experiment_id = run.experiment_id
        with refusals_in_words(self._uri):
            self._client.update_run(run.id, status="RUNNING")
            for tag in {"outcome", "reason"} & set(run.tags):
                self._client.delete_tag(run.id, tag)
            remote = Remote.of(self._client, self._uri, run.id)
            reopened = MlflowRun(
                self._client, self._uri, run.experiment_id, run.id, run.name, run.artifact_folder, remote
            )
            reopened.hold(run.params, {(key, step) for key in run.metrics for step, _ in run.history(key)})
            reopened.set_tags(process.mark())
            return reopened

    def add(self, runs: Iterable[FinishedRun], parent: str | None = None) -> list[str] | list[None]:
        """Record many runs that have ended, each with its whole record: in SQL databases thousands in seconds.

        Args:
            runs: The runs. They are taken and written batch by batch, so that a generator bounds the memory.
            parent: The id of the run that they are parts of.

        Returns:
            The ids of the runs, in their order; None for each if nothing is recorded.

        Raises:
            TrackingError: The store refused or failed. Nothing of the batch at hand is recorded; batches before it are.
        """
        if self._client is None:
            return [None for _ in runs]
        if self.is_away:
            raise TrackingError(f"{mask(self._uri)} does not answer: runs that have ended can't wait for it.")
        return bulk.add(self._client, self._uri, self._experiment_id, runs, parent)

    def keep(self, run_id: str | None, folder: Path) -> None:
        """Keep everything in a folder with a run that exists, ended or not, at the root of its artifacts.

        Args:
            run_id: The run, as `add` returned it; None does nothing.
            folder: The folder; folders in it are kept as such.

        Raises:
            TrackingError: There is no such run or folder, or the store failed.
        """
        if self._client is None or run_id is None:
            return
        if not folder.is_dir():  # MLflow would say nothing
            raise TrackingError(f"The files to be kept should be in a folder that exists. Received: {folder}.")
        with failures_without_secrets():
            self._client.log_artifacts(run_id, str(folder))


def open_run(tracking: Tracking, *, experiment: str, name: str, parent: str | None = None) -> Run:
    """Start the record of a run.

    Args:
        tracking: Where to record: `mlflow` with a store's address and an experiment, or `off`.
        experiment: The experiment, unless `tracking.experiment` names another.
        name: The name of the run.
        parent: The id of the run that this one is a part of.

    Returns:
        The open run. It stays RUNNING in MLflow until its `finish` is called.

    Raises:
        BadInput: The store can't be reached, read or written; told within ten seconds.
    """
    return connect(tracking, experiment).start(name, parent)
