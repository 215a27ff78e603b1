"""The record of runs in MLflow: `connect` or `open_run` for runs that are made, `find` for one that was made.

The only part of the zoo that knows MLflow; importing it does not import MLflow yet.
"""

from collections.abc import Iterable
from pathlib import Path

from zoo.config import Tracking
from zoo.tracking import bulk, entries
from zoo.tracking.address import mask, resolve, root
from zoo.tracking.children import children, curves, extend, matching, newest_sweep, ui_address
from zoo.tracking.errors import TrackingError, failures_without_secrets, refusals_in_words
from zoo.tracking.finished import DatasetUsed, FinishedRun
from zoo.tracking.lookup import StoredRun, find
from zoo.tracking.mlflow_run import MlflowRun
from zoo.tracking.queries import RunRecord
from zoo.tracking.run import Off, Run, Status
from zoo.tracking.store import experiment_id, open_client
from zoo.tracking.thinning import Thinned, kept_epochs

__all__ = [
    "DatasetUsed",
    "FinishedRun",
    "Run",
    "RunRecord",
    "Status",
    "Store",
    "StoredRun",
    "Thinned",
    "TrackingError",
    "children",
    "connect",
    "curves",
    "extend",
    "find",
    "kept_epochs",
    "mask",
    "matching",
    "newest_sweep",
    "open_run",
    "root",
    "ui_address",
]


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
            self._experiment_id = experiment_id(self._client, self._uri, tracking.experiment or experiment)

    @property
    def uri(self) -> str | None:
        """The resolved address; None where nothing is recorded."""
        return self._uri or None

    def start(self, name: str, parent: str | None = None) -> Run:
        """Start the record of a run.

        Args:
            name: The name of the run.
            parent: The id of the run that this one is a part of.

        Returns:
            The open run. It stays RUNNING in MLflow until its `finish` is called.
        """
        if self._client is None:
            return Off(name)
        with refusals_in_words(self._uri):
            return MlflowRun.create(self._client, self._uri, self._experiment_id, name, entries.origin(parent))

    def reopen(self, run: StoredRun) -> Run:
        """Go on with the record of a run that has ended; it is RUNNING again until its `finish` is called.

        Runs that are recorded here from now on are in its experiment.
        """
        assert self._client is not None
        self._experiment_id = run.experiment_id
        with refusals_in_words(self._uri):
            self._client.update_run(run.id, status="RUNNING")
            return MlflowRun(self._client, self._uri, run.experiment_id, run.id, run.name)

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
