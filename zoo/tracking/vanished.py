"""Runs that say RUNNING although their process is gone: found, and marked as what they are."""

import time
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from zoo.tracking import process
from zoo.tracking.address import database_file, resolve
from zoo.tracking.errors import refusals_in_words
from zoo.tracking.store import open_client

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run


class Vanished(NamedTuple):
    """A run whose process is gone.

    Attributes:
        id: Its id.
        name: Its name.
        is_sweep: Whether it is a sweep.
        search: The id of the search that it is, or is a trial of; None where it is neither.
        reason: What is known of its end, in a sentence.
    """

    id: str
    name: str
    is_sweep: bool
    search: str | None
    reason: str


def mark_vanished(tracking_uri: str | None = None) -> list[Vanished]:
    """Mark the runs whose process is gone as KILLED and interrupted, and return them.

    A run of another machine counts as gone when nothing was heard of it for ten minutes; one that does not say whose
    process it belongs to is left alone.

    Args:
        tracking_uri: The store. Defaults to where new runs are recorded.

    Raises:
        BadInput: The store can't be reached, read or written.
    """
    uri = resolve(tracking_uri)
    if (file := database_file(uri)) is not None and not file.exists():
        return []
    client = open_client(uri)
    found = []
    with refusals_in_words(uri):
        experiments = [experiment.experiment_id for experiment in client.search_experiments(max_results=1000)]
        token: str | None = None
        running: list[Run] = []
        while True:
            page = client.search_runs(experiments, "attributes.status = 'RUNNING'", max_results=1000, page_token=token)
            running += page
            if not (token := page.token):
                break
        for run in running:
            if not process.is_gone(run.data.tags):
                continue
            last = float(run.data.tags[process.BEAT_TAG])
            heard = datetime.fromtimestamp(last).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")
            reason = f"Its process is gone without a word; it was last heard of at {heard}."
            _mark(client, run.info.run_id, reason, last)
            tags = run.data.tags
            search = run.info.run_id if "search" in tags else None
            search = tags.get("mlflow.parentRunId") if "trial" in tags else search
            is_sweep = tags.get("sweep") == "true"
            found.append(Vanished(run.info.run_id, run.info.run_name, is_sweep, search, reason))
    return found


def give_up(run_id: str, reason: str, tracking_uri: str | None = None) -> None:
    """Mark a run as KILLED and interrupted, of which is known that its process is gone.

    Args:
        run_id: Its whole id.
        reason: What is known of its end, in a sentence.
        tracking_uri: The store. Defaults to where new runs are recorded.

    Raises:
        BadInput: The store can't be reached or written, or there is no such run.
    """
    uri = resolve(tracking_uri)
    with refusals_in_words(uri):
        _mark(open_client(uri), run_id, reason, time.time())


def _mark(client: "MlflowClient", run_id: str, reason: str, last: float) -> None:
    client.set_tag(run_id, "outcome", "interrupted")
    client.set_tag(run_id, "reason", reason)
    client.set_terminated(run_id, "KILLED", int(min(last, time.time()) * 1000))
