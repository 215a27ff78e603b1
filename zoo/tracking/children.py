"""Many tracked runs at once: the runs of a sweep, or all that a filter finds, and the curves of all of them.

Databases are read by queries of our own, since MLflow's client takes milliseconds for every curve of every run;
servers are asked through the client.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from zoo.config import BadInput
from zoo.tracking import queries
from zoo.tracking.address import database_file, is_sql, mask, resolve, ui_command
from zoo.tracking.errors import refusals_in_words
from zoo.tracking.lookup import find
from zoo.tracking.mlflow_run import MlflowRun
from zoo.tracking.queries import PARENT, SWEEP, Curve, RunRecord
from zoo.tracking.store import open_client

_PAGE = 1000
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
    else:
        found = [one for parent in parent_ids for one in _search(uri, f"tags.`{PARENT}` = '{parent}'")]
    having = {record.parent for record in found}
    for parent in parent_ids:
        if parent not in having and not or_none:
            name = find(parent, uri).name  # which says so if there is no such run
            raise BadInput(
                f"Run {parent} ({name}) has no runs of its own. A sweep is named by the id of its parent run, which "
                "`python train.py -m ...` prints at its end; `last` is the newest."
            )
    return found


def matching(filter_string: str, tracking_uri: str | None = None) -> list[RunRecord]:
    """Return the runs that an MLflow filter finds in all experiments, without the parent runs of sweeps.

    Args:
        filter_string: In MLflow's language, such as `tags.model = 'xor_mlp' and metrics.best_val_loss < 0.1`.
        tracking_uri: The store; the default one if left out.

    Raises:
        BadInput: MLflow can't read the filter, nothing fits it, or the store can't be read.
    """
    uri = resolve(tracking_uri)
    file = database_file(uri)
    exists = file is None or file.exists()  # a database that is not there would be made
    found = [record for record in _search(uri, filter_string) if record.tags.get(SWEEP) != "true"] if exists else []
    if not found:
        raise BadInput(
            f'No run in {mask(uri)} fits filter="{filter_string}". Filters are MLflow\'s, such as '
            "filter=\"tags.model = 'xor_mlp'\"; tracking.uri or MLFLOW_TRACKING_URI says where runs are kept."
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
    return _search(uri, condition, "attributes.start_time DESC", limit, [experiment] if experiment else None)


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
        newest = _search(uri, f"tags.{SWEEP} = 'true'", order="attributes.start_time DESC", limit=1)
        found = newest[0].id if newest else None
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


def _search(
    uri: str,
    condition: str,
    order: str = "attributes.start_time ASC",
    limit: int = 0,
    experiments: Sequence[str] | None = None,
) -> list[RunRecord]:
    """Return what MLflow's own search finds in experiments (by name; None: all), page by page."""
    client = open_client(uri)
    from mlflow.exceptions import MlflowException

    found: list[RunRecord] = []
    with refusals_in_words(uri):
        known = client.search_experiments(max_results=_PAGE)
        searched = [one.experiment_id for one in known if experiments is None or one.name in experiments]
        token: str | None = None
        while True:
            try:
                page = client.search_runs(searched, condition, 1, limit or _PAGE, [order], token)
            except MlflowException as error:
                if error.error_code != "INVALID_PARAMETER_VALUE":
                    raise
                reason = mask(str(error)).partition("\n")[0]
                raise BadInput(f'MLflow can\'t read filter="{condition}": {reason}') from None
            for run in page:
                info, data = run.info, run.data
                measured = {key: queries.as_measured(value) for key, value in data.metrics.items()}
                found.append(
                    RunRecord(
                        info.run_id, info.run_name, info.experiment_id, info.status, info.start_time, data.params,
                        data.tags, measured,
                    )
                )  # fmt: skip
            token = page.token
            if limit or not token:
                return found
