"""Many tracked runs at once: those of a sweep, the newest ones, and the curves of all of them.

Databases are read by queries of our own, since MLflow's client takes milliseconds for every curve of every run;
servers are asked through the client.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from zoo.config import BadInput
from zoo.tracking import queries, service
from zoo.tracking.address import is_sql, mask, resolve, ui_command
from zoo.tracking.errors import refusals_in_words
from zoo.tracking.lookup import find
from zoo.tracking.mlflow_run import MlflowRun
from zoo.tracking.queries import PARENT, SWEEP, Curve, RunRecord
from zoo.tracking.searching import FIRST, LATEST, search
from zoo.tracking.store import open_client

_REQUESTS = 8  # to a server, at a time


def children(parent_ids: Sequence[str], tracking_uri: str | None = None, *, or_none: bool = False) -> list[RunRecord]:
    """Return the runs that are parts of others, in the order in which they began.

    Args:
        parent_ids: The others' whole ids.
        tracking_uri: The store; the default one if left out.
        or_none: Whether a parent may be without any.

    Raises:
        BadInput: There is no such parent, it has no children, or the store can't be read.
    """
    uri = resolve(tracking_uri)
    if is_sql(uri):
        with queries.reading(uri) as db:
            found = [] if db is None else queries.records(db, queries.ids_by_parent(db, parent_ids))
    elif service.is_at(uri):
        found = service.children(uri, parent_ids)
    else:
        found = [one for parent in parent_ids for one in search(uri, f"tags.`{PARENT}` = '{parent}'", FIRST)]
    having = {record.parent for record in found}
    for parent in parent_ids:
        if parent not in having and not or_none:
            name = find(parent, uri).name  # which says so if there is no such run
            raise BadInput(
                f"Run {parent} ({name}) has no runs of its own. A sweep is named by the id of its parent run, which "
                "`python train.py -m ...` prints at its end; `last` is the newest."
            )
    return found


def newest(limit: int, experiment: str | None = None, tracking_uri: str | None = None) -> list[RunRecord]:
    """Return the runs that were started last, the latest first; a sweep's own run stands for its runs.

    Args:
        limit: How many, at most.
        experiment: The name of the experiment they are in; None: of any.
        tracking_uri: The store; the default one if left out.

    Raises:
        BadInput: The store can't be read.
    """
    uri = resolve(tracking_uri)
    if is_sql(uri):
        with queries.reading(uri) as db:
            return [] if db is None else queries.records(db, queries.newest(db, limit, experiment))[::-1]
    condition = f"tags.`{PARENT}` IS NULL"
    return list(islice(search(uri, condition, LATEST, limit, [experiment] if experiment else None), limit))


def newest_sweep(tracking_uri: str | None = None) -> str:
    """Return the id of the sweep that was started last.

    Raises:
        BadInput: There is none, or the store can't be read.
    """
    uri = resolve(tracking_uri)
    if is_sql(uri):
        with queries.reading(uri) as db:
            found = None if db is None else queries.newest_sweep(db)
    else:
        last = next(search(uri, f"tags.{SWEEP} = 'true'", LATEST, 1), None)
        found = last.id if last else None
    if found is None:
        raise BadInput(
            f"No sweep is recorded in {mask(uri)}. Make one with `python train.py -m ...`, or say where runs are kept "
            "with tracking.uri or MLFLOW_TRACKING_URI."
        )
    return found


def curves(
    run_ids: Sequence[str], metrics: Sequence[str], tracking_uri: str | None = None
) -> dict[str, dict[str, Curve]]:
    """Return the recorded points of some metrics of many runs.

    Args:
        run_ids: The runs.
        metrics: The names.
        tracking_uri: The store; the default one if left out.

    Returns:
        For each run that has any of the metrics, its curves by metric. Of points at one step, the latest counts; NaN
        and infinities are what they were.

    Raises:
        BadInput: The store can't be read.
    """
    uri = resolve(tracking_uri)
    if is_sql(uri):
        with queries.reading(uri) as db:
            return {} if db is None else queries.points(db, run_ids, metrics)
    if service.is_at(uri):
        return service.curves(uri, run_ids, metrics)
    client = open_client(uri)
    asked = [(run, metric) for run in run_ids for metric in metrics]
    found: dict[str, dict[str, Curve]] = {}
    with refusals_in_words(uri), ThreadPoolExecutor(_REQUESTS) as pool:
        histories = pool.map(lambda one: client.get_metric_history(*one), asked)
        for (run, metric), rows in zip(asked, histories, strict=True):
            ordered = sorted(rows, key=lambda row: (row.step, row.timestamp))
            if ordered:
                found.setdefault(run, {})[metric] = queries.curve((row.step, row.value, False) for row in ordered)
    return found


def extend(
    run_id: str,
    tracking_uri: str | None = None,
    *,
    tags: Mapping[str, str] | None = None,
    metrics: Mapping[str, float] | None = None,
    artifacts: Path | None = None,
) -> None:
    """Add to the record of a run that exists, ended or not; its status stays.

    Args:
        run_id: Its whole id.
        tracking_uri: The store; the default one if left out.
        tags: Labels; a later value replaces an earlier one.
        metrics: Values, at step 0; of several the latest is shown.
        artifacts: A folder, all of whose content is kept at the root of the run's artifacts.

    Raises:
        BadInput: There is no such run, or the store can't be opened.
        TrackingError: The store refused or failed.
    """
    found = find(run_id, tracking_uri)
    run = MlflowRun(open_client(found.uri), found.uri, found.experiment_id, found.id, found.name)
    if artifacts is not None:
        run.log_artifacts(artifacts)
    run.set_tags(tags or {})
    run.log_metrics(metrics or {}, 0)
    run.flush()


def ui_address(tracking_uri: str | None = None) -> tuple[str | None, str]:
    """Return where a server's pages are, or None for a database, and the command that serves those of a database."""
    uri = resolve(tracking_uri)
    said = ui_command(uri, "", "")
    return (None, said) if is_sql(uri) else (said.partition("/#/")[0], "")
