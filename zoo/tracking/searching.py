"""Runs that a filter of MLflow's finds, asked for through its client, no more of them than are needed."""

import math
from collections.abc import Iterator, Sequence
from typing import NoReturn

from zoo.config import BadInput
from zoo.tracking import queries
from zoo.tracking.address import database_file, is_sql, mask, resolve
from zoo.tracking.errors import refusals_in_words
from zoo.tracking.queries import PARENT, SWEEP, RunRecord
from zoo.tracking.store import open_client

FIRST, LATEST = "attributes.start_time ASC", "attributes.start_time DESC"
LEVEL = "data.level"  # the parameter that says what a language model tells: words or characters
_PAGE = 1000
_SERVER_PAGE = 200  # a server needs seconds for a thousand runs


def matching(
    filter_string: str,
    tracking_uri: str | None = None,
    limit: int | None = None,
    *,
    experiment: str | None = None,
    parent: str | None = None,
) -> list[RunRecord]:
    """Return the runs that an MLflow filter finds, without the parent runs of sweeps.

    Args:
        filter_string: In MLflow's language, such as `tags.model = 'xor_mlp' and metrics.best_val_loss < 0.1`.
        tracking_uri: The store; the default one if left out.
        limit: How many, those that were started last; None: all.
        experiment: The name of the experiment they are in; None: of any.
        parent: The id of the sweep they are parts of; None: of any, or of none.

    Returns:
        The runs, in the order in which they began.

    Raises:
        BadInput: MLflow can't read the filter, nothing fits it, or the store can't be read.
    """
    uri = resolve(tracking_uri)
    found: list[RunRecord] = []
    condition = f"{filter_string} and tags.`{PARENT}` = '{parent}'" if parent else filter_string
    among = [experiment] if experiment else None
    for record in search(uri, condition, LATEST, limit, among, filter_string) if _exists(uri) else ():
        if record.tags.get(SWEEP) != "true":
            found.append(record)
            if len(found) == limit:
                break
    where = f" of experiment '{experiment}'" if experiment else f" of sweep {parent}" if parent else ""
    return found[::-1] or _refuse_none(uri, filter_string, where)


def best_matching(filter_string: str, tracking_uri: str | None = None) -> RunRecord:
    """Return the best of the runs that an MLflow filter finds, by what picked their best weights.

    The store is asked for that one alone, however many there are.

    Args:
        filter_string: In MLflow's language.
        tracking_uri: The store; the default one if left out.

    Raises:
        BadInput: MLflow can't read the filter, no run that fits it has finished, they are judged by different
            metrics or by losses that do not compare, or the store can't be read.
    """
    uri = resolve(tracking_uri)
    fits = f"{filter_string} and " if filter_string.strip() else ""
    finished = f"{fits}attributes.status = 'FINISHED' and tags.monitored"
    one = next(search(uri, f"{finished} LIKE '%'", LATEST, 1, told=filter_string), None) if _exists(uri) else None
    if one is None:
        found = matching(filter_string, uri, 1)
        raise BadInput(f"No run like {found[0].id} ({found[0].name}) has finished, so that it could be the best.")
    metric = one.tags["monitored"]
    if other := next(search(uri, f"{finished} != '{metric}'", LATEST, 1), None):
        raise BadInput(
            f"The best of runs that are judged by different metrics ({metric}, {other.tags['monitored']}) is not one "
            "run. Narrow the filter: best:tags.model = 'lstm'."
        )
    level = one.params.get(LEVEL, "")
    told = f"{finished} = '{metric}' and params.`{LEVEL}` != '{level}'"
    if level and (other := next(search(uri, told, LATEST, 1), None)):
        raise BadInput(
            f"Some of the runs tell words, others characters ({one.id[:8]} and {other.id[:8]} do), whose losses do not "
            f'compare: the best of them is not one run. Narrow the filter: best:params.`{LEVEL}` = "{level}".'
        )
    # Of no other metric is more better.
    order = f"metrics.best_{metric} {'DESC' if 'accuracy' in metric else 'ASC'}"
    best = next(search(uri, f"{finished} = '{metric}'", order, 1))
    if math.isnan(best.metrics.get(f"best_{metric}", math.nan)):
        raise BadInput(f"None of the runs that fit has a best {metric}.")
    return best


def _exists(uri: str) -> bool:
    file = database_file(uri)
    return file is None or file.exists()  # a database that is not there would be made


def _refuse_none(uri: str, filter_string: str, where: str) -> NoReturn:
    raise BadInput(
        f'No run{where} in {mask(uri)} fits filter="{filter_string}". Filters are MLflow\'s, such as '
        "filter=\"tags.model = 'xor_mlp'\"; tracking.uri or MLFLOW_TRACKING_URI says where runs are kept."
    )


def search(
    uri: str,
    condition: str,
    order: str,
    limit: int | None = None,
    experiments: Sequence[str] | None = None,
    told: str = "",
) -> Iterator[RunRecord]:
    """Yield what MLflow's own search finds in experiments (by name; None: all), page by page, as it is asked for.

    Args:
        uri: The store's resolved address.
        condition: A filter of MLflow's.
        order: By what, in MLflow's language.
        limit: About how many will be asked for; None: all.
        experiments: The names of those to search.
        told: The part of the filter that is the user's own, for an error.
    """
    client = open_client(uri)
    from mlflow.exceptions import MlflowException

    with refusals_in_words(uri):
        known = client.search_experiments(max_results=_PAGE)
        searched = [one.experiment_id for one in known if experiments is None or one.name in experiments]
    largest = _PAGE if is_sql(uri) else _SERVER_PAGE
    token: str | None = None
    while True:
        with refusals_in_words(uri):
            try:
                page = client.search_runs(searched, condition, 1, min(limit or largest, largest), [order], token)
            except MlflowException as error:
                if error.error_code != "INVALID_PARAMETER_VALUE":
                    raise
                reason = mask(str(error)).partition("\n")[0]
                raise BadInput(f'MLflow can\'t read filter="{told or condition}": {reason}') from None
        for run in page:
            info, data = run.info, run.data
            measured = {key: queries.as_measured(value) for key, value in data.metrics.items()}
            yield RunRecord(
                info.run_id, info.run_name, info.experiment_id, info.status, info.start_time, data.params, data.tags,
                measured,
            )  # fmt: skip
        token = page.token
        if not token:
            return


def experiments(tracking_uri: str | None = None) -> list[str]:
    """Return the names of the experiments, without MLflow's own empty `Default`.

    Args:
        tracking_uri: The store; the default one if left out.

    Raises:
        BadInput: The store can't be read.
    """
    uri = resolve(tracking_uri)
    if not _exists(uri):
        return []
    with refusals_in_words(uri):
        found = open_client(uri).search_experiments(max_results=_PAGE)
    return sorted(one.name for one in found if one.name != "Default")
