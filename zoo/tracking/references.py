"""Names for runs: an id, the newest one, the best one that a filter finds, or what the registry calls a model."""

import contextlib
import math
import re
from typing import TYPE_CHECKING

from zoo.config import BadInput
from zoo.tracking.address import resolve
from zoo.tracking.children import children
from zoo.tracking.errors import refusals_in_words
from zoo.tracking.lookup import StoredRun, find
from zoo.tracking.queries import SWEEP, RunRecord
from zoo.tracking.searching import LEVEL, best_matching
from zoo.tracking.store import open_client

if TYPE_CHECKING:
    from collections.abc import Sequence

BEST = "best:"
REGISTERED = "models:/"
BEST_RUN = "sweep.best"
"""The tag of a sweep that has ended: the id of the run that its leaderboard picked."""


def refer(reference: str, tracking_uri: str | None = None) -> StoredRun:
    """Return the tracked run that a reference stands for.

    Args:
        reference: As `named` takes it. A sweep stands for the best of its runs: the one that its leaderboard picked,
            or, where that has none or lost its model, the one of the best value.
        tracking_uri: The store; the default one if left out.

    Raises:
        BadInput: There is no such run, it is not clear which one is meant, or the store can't be read.
    """
    run = named(reference, tracking_uri)
    return best_run(run) if run.tags.get(SWEEP) == "true" else run


def named(reference: str, tracking_uri: str | None = None) -> StoredRun:
    """Return the tracked run that a reference names, which may be a sweep's own run.

    Args:
        reference: An id or its beginning; `last`, be it a run or a sweep; `best:FILTER`, the best of the runs that an
            MLflow filter finds, by what picked their best weights; or `models:/NAME@ALIAS` and `models:/NAME/VERSION`
            of the registry.
        tracking_uri: The store; the default one if left out.

    Raises:
        BadInput: As `refer` does.
    """
    if reference.startswith(BEST):
        return find(best_matching(reference.removeprefix(BEST), tracking_uri).id, tracking_uri)
    if reference.startswith(REGISTERED):
        return find(_registered(reference, tracking_uri), tracking_uri)
    return find(reference, tracking_uri)


def best_run(sweep: StoredRun) -> StoredRun:
    """Return the run that a sweep stands for.

    Raises:
        BadInput: None of its runs has trained so far, or they do not compare.
    """
    from zoo.tracking.pruning import pruned  # which needs this module

    if sweep.status != "RUNNING" and (picked := sweep.tags.get(BEST_RUN)):
        with contextlib.suppress(BadInput):  # it has been deleted
            if not pruned(run := find(picked, sweep.uri), "models"):
                return run
    return find(_best(children([sweep.id], sweep.uri)).id, sweep.uri)


def best_of(records: "Sequence[RunRecord]") -> dict[str, str]:
    """Return the ids of the best runs of each model and data set, with what each is the best of, in words.

    The losses of a word and of a character do not compare: models of words and of characters have a best each.
    """
    groups: dict[tuple[str, str, str], list[RunRecord]] = {}
    for record in records:
        if not math.isnan(_value(record)):
            name, data = record.tags.get("model", record.experiment_id), record.tags.get("data", "")
            words = f"{name} on {data}" if data else name
            level = record.params.get(LEVEL, "")
            words += f" by {level}" if level else ""
            groups.setdefault((words, record.tags["monitored"], level), []).append(record)
    return {_best(group).id: words for (words, *_), group in groups.items()}


def _best(records: "Sequence[RunRecord]") -> RunRecord:
    found = [(record, _value(record)) for record in records]
    scored = [(record, value) for record, value in found if not math.isnan(value)]
    if not scored:
        raise BadInput(f"None of the {len(records):,} runs has trained so far that it could be the best.")
    metrics = {record.tags["monitored"] for record, _ in scored}
    if len(metrics) > 1:
        raise BadInput(
            f"The best of runs that are judged by different metrics ({', '.join(sorted(metrics))}) is not one run. "
            "Narrow the filter: best:tags.model = 'lstm'."
        )
    sign = -1 if "accuracy" in metrics.pop() else 1  # of nothing else is more better
    return min(scored, key=lambda pair: sign * pair[1])[0]


def _value(record: RunRecord) -> float:
    monitored = record.tags.get("monitored")
    ended = record.status == "FINISHED" and monitored is not None
    return record.metrics.get(f"best_{monitored}", math.nan) if ended else math.nan


def _registered(reference: str, tracking_uri: str | None) -> str:
    match = re.fullmatch(r"models:/(?P<name>[^/@]+)(?:@(?P<alias>[^/@]+)|/(?P<version>\d+))", reference)
    if match is None:
        raise BadInput(f"'{reference}' should be models:/NAME@ALIAS or models:/NAME/VERSION.")
    from mlflow.exceptions import MlflowException

    uri = resolve(tracking_uri)
    client = open_client(uri)
    try:
        if match["alias"]:
            version = client.get_model_version_by_alias(match["name"], match["alias"])
        else:
            version = client.get_model_version(match["name"], match["version"])
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            with refusals_in_words(uri):
                raise
        said = str(error)
        reason = said.partition(": ")[2] or said
        raise BadInput(f"There is no model {reference} in the registry: {reason}") from None
    if not version.run_id:
        raise BadInput(f"{reference} was not made by a run.")
    return str(version.run_id)
