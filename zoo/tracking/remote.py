"""Recording a run on a server that may be away, now or from the start."""

import logging
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.tracking import operations, process
from zoo.tracking.address import mask
from zoo.tracking.errors import TrackingError
from zoo.tracking.operations import Operation
from zoo.tracking.outbox import Outbox, read, spool_folder

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)

OFFLINE = "offline-"  # begins the id of a run until a server has given it one
_TAG = "offline_id"
# The outbox tries again by itself, and a request that hangs should not keep the end of a run waiting.
_PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}


def is_server(uri: str) -> bool:
    """Tell whether a resolved address is that of a server."""
    return uri.startswith(("http://", "https://"))


class Remote:
    """One run's way to a server.

    Args:
        client: MLflow's client for the server.
        uri: The server's address.
        run_id: The run's, or one that begins with `offline-`, before the server knows it.
    """

    def __init__(self, client: "MlflowClient", uri: str, run_id: str):
        for key, value in _PATIENCE.items():
            os.environ.setdefault(key, value)
        self._sender = Sender(client, run_id)
        header = {"run_id": run_id, "uri": mask(uri), **process.mark()}
        self._outbox = Outbox(self._sender, spool_folder() / f"{run_id}.jsonl", header)

    @classmethod
    def of(cls, client: "MlflowClient", uri: str, run_id: str) -> "Remote | None":
        """Return the way to a run of a server; None for a database, which is written to at once."""
        return cls(client, uri, run_id) if is_server(uri) else None

    @classmethod
    def unknown(cls, client: "MlflowClient", uri: str, run: Mapping[str, Any]) -> "Remote":
        """Return the way to a run that a server is told of as soon as it answers.

        Args:
            client: MLflow's client for the server.
            uri: The server's address.
            run: Its `experiment` (a name) or `experiment_id`, its `name` and first `tags`, and when it `began`, in
                milliseconds since the epoch.
        """
        own = f"{OFFLINE}{secrets.token_hex(8)}"
        remote = cls(client, uri, own)
        remote.put({**run, "do": "create", "tags": {**run["tags"], _TAG: own}})
        return remote

    @property
    def run_id(self) -> str:
        """The run's id, as far as it is known."""
        return self._sender.run_id

    def put(self, operation: Operation) -> None:
        """Send an operation when its turn comes."""
        self._outbox.put(operation)

    def end(self, seconds: float) -> None:
        """Wait for what is on its way; leave on disk what the server does not take within some seconds.

        Raises:
            TrackingError: The server refused something for good.
        """
        self._outbox.drain(seconds)
        if left := self._outbox.close():
            log.warning(
                f"The tracking server is still away. {left} entries of the record wait in {self._outbox.file}: "
                "send them with `python -m zoo sync` when it is back."
            )
        if self._outbox.refused:
            raise TrackingError(f"The tracking server refused a part of the record: {self._outbox.refused[0]}")


class Sender:
    """Does operations on a run of a server, one after another, the first of which may make the run."""

    def __init__(self, client: "MlflowClient", run_id: str):
        self._client, self.run_id = client, run_id

    def __call__(self, operation: Operation) -> None:
        """Do one operation."""
        if operation["do"] == "create":
            self.run_id = self._create(operation)
        else:
            operations.apply(self._client, self.run_id, operation)

    def _create(self, asked: Mapping[str, Any]) -> str:
        """Return the id of the run, which is made unless an attempt before made it."""
        found = asked.get("experiment_id") or self._experiment(asked["experiment"])
        known = self._client.search_runs([found], f"tags.{_TAG} = '{asked['tags'][_TAG]}'", max_results=1)
        if known:
            return str(known[0].info.run_id)
        run = self._client.create_run(found, start_time=asked["began"], tags=asked["tags"], run_name=asked["name"])
        return str(run.info.run_id)

    def _experiment(self, name: str) -> str:
        experiment = self._client.get_experiment_by_name(name)
        return str(self._client.create_experiment(name) if experiment is None else experiment.experiment_id)


def send_file(file: Path, client: "MlflowClient") -> tuple[str, int]:
    """Send all that waits in a file, and remove it.

    Args:
        file: In `spool_folder()`.
        client: MLflow's client for the server.

    Returns:
        The run's id, and how many entries were sent.

    Raises:
        Exception: What MLflow raises; the file stays as it is, and sending it again does no harm.
    """
    header, waiting = read(file)
    send = Sender(client, str(header["run_id"]))
    for operation in waiting:
        try:
            send(operation)
        except FileNotFoundError as error:
            log.warning(f"{error.filename or error} is gone: the run does without it.")
    file.unlink()
    return send.run_id, len(waiting)
