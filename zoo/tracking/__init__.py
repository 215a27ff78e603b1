"""The record of runs in MLflow: `connect` or `open_run` for a run that is made, `find` for one that was made.

The only part of the zoo that knows MLflow; importing it does not import MLflow yet.
"""

from zoo.config import Tracking
from zoo.tracking.address import mask, resolve, root
from zoo.tracking.errors import TrackingError, refusals_in_words
from zoo.tracking.lookup import StoredRun, find
from zoo.tracking.mlflow_run import MlflowRun
from zoo.tracking.run import Off, Run, Status
from zoo.tracking.store import experiment_id, open_client
from zoo.tracking.thinning import Thinned

__all__ = [
    "Run",
    "Status",
    "Store",
    "StoredRun",
    "Thinned",
    "TrackingError",
    "connect",
    "find",
    "mask",
    "open_run",
    "root",
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
        if tracking.name != "off":
            self._uri = resolve(tracking.uri)
            self._client = open_client(self._uri)
            self._experiment_id = experiment_id(self._client, self._uri, tracking.experiment or experiment)

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
            return MlflowRun.create(self._client, self._uri, self._experiment_id, name, parent)


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
