"""What MLflow's tables say of many runs, read by a few queries without MLflow, whose import alone takes seconds.

Nothing is written. Other schemas than that of MLflow 3 are refused in words, by the columns that they lack.
"""

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.tracking.address import database_file
from zoo.tracking.errors import refusals_in_words

if TYPE_CHECKING:
    from sqlalchemy import Connection, TableClause

PARENT = "mlflow.parentRunId"
SWEEP = "sweep"  # the tag of a run that is a sweep
Curve = np.ndarray
"""float64 [points, 2]: the optimizer's step and the value, in the order of steps."""

_IDS = 500  # in one query; every database takes as many bound values
_LARGEST = np.finfo(np.float64).max  # what MLflow stores for an infinity


@dataclass(frozen=True)
class RunRecord:
    """What is recorded of one of many runs.

    Attributes:
        id: Its id.
        name: Its name.
        experiment_id: The experiment it is in.
        status: RUNNING, FINISHED, FAILED or KILLED.
        started: When it began, in milliseconds since the epoch.
        params: What it was asked to do, as text.
        tags: Its labels.
        metrics: The last value of each metric.
    """

    id: str
    name: str
    experiment_id: str
    status: str
    started: int
    params: dict[str, str]
    tags: dict[str, str]
    metrics: dict[str, float]

    @property
    def parent(self) -> str | None:
        """The id of the run that this one is a part of."""
        return self.tags.get(PARENT)


@contextlib.contextmanager
def reading(uri: str) -> Iterator["Connection | None"]:
    """Open a database for reading; None stands for a file that is not there, and is not made.

    Raises:
        BadInput: It is out of reach, or not MLflow's.
    """
    import sqlalchemy

    file = database_file(uri)
    if file is not None and not file.exists():
        yield None
        return
    if file is not None:
        address = f"{file.as_uri()}?mode=ro"
        engine = sqlalchemy.create_engine(
            "sqlite://", creator=lambda: sqlite3.connect(address, uri=True, timeout=20), poolclass=sqlalchemy.NullPool
        )
    else:
        engine = sqlalchemy.create_engine(uri)
    try:
        with refusals_in_words(uri), engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def ids_by_parent(connection: "Connection", parents: Sequence[str]) -> list[str]:
    """Return the ids of the runs that are parts of others."""
    import sqlalchemy

    tags = _table("tags")
    found: list[str] = []
    for chunk in _chunks(parents):
        query = sqlalchemy.select(tags.c.run_uuid).where(tags.c.key == PARENT, tags.c.value.in_(chunk))
        found += connection.execute(query).scalars()
    return found


def experiments(connection: "Connection", ids: Sequence[str]) -> set[str]:
    """Return the ids of the experiments that runs are in."""
    found: set[str] = set()
    for chunk in _chunks(ids):
        found |= {str(one) for one in connection.execute(_of("runs", chunk, "experiment_id")).scalars()}
    return found


def newest_sweep(connection: "Connection") -> str | None:
    """Return the id of the sweep that was started last, or None."""
    import sqlalchemy

    runs, tags = _table("runs"), _table("tags")
    query = (
        sqlalchemy.select(runs.c.run_uuid)
        .join(tags, tags.c.run_uuid == runs.c.run_uuid)
        .where(tags.c.key == SWEEP, tags.c.value == "true", runs.c.lifecycle_stage == "active")
        .order_by(runs.c.start_time.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()


def newest(connection: "Connection", limit: int, experiment: str | None = None) -> list[str]:
    """Return the ids of the runs that were started last and are no parts of others, the latest first.

    Args:
        connection: Of an MLflow database.
        limit: How many, at most.
        experiment: The name of the experiment they are in; None: of any.
    """
    import sqlalchemy

    runs, tags, experiments = _table("runs"), _table("tags"), _table("experiments")
    is_part = sqlalchemy.exists().where(tags.c.run_uuid == runs.c.run_uuid, tags.c.key == PARENT)
    query = sqlalchemy.select(runs.c.run_uuid).where(runs.c.lifecycle_stage == "active", ~is_part)
    if experiment is not None:
        query = query.join(experiments, experiments.c.experiment_id == runs.c.experiment_id)
        query = query.where(experiments.c.name == experiment)
    return list(connection.execute(query.order_by(runs.c.start_time.desc()).limit(limit)).scalars())


def records(connection: "Connection", ids: Sequence[str]) -> list[RunRecord]:
    """Return what is recorded of runs, in the order in which they began, without those that were deleted."""
    import sqlalchemy

    runs = _table("runs")
    columns = [runs.c[name] for name in ("run_uuid", "name", "experiment_id", "status", "start_time")]
    found: dict[str, RunRecord] = {}
    for chunk in _chunks(ids):
        query = sqlalchemy.select(*columns).where(runs.c.run_uuid.in_(chunk), runs.c.lifecycle_stage == "active")
        for run, name, experiment, status, started in connection.execute(query):
            found[run] = RunRecord(run, name or "", str(experiment), status, started or 0, {}, {}, {})
        for table, attribute in (("params", "params"), ("tags", "tags")):
            for run, key, value in connection.execute(_of(table, chunk, "run_uuid", "key", "value")):
                if run in found:
                    getattr(found[run], attribute)[key] = value or ""
        for run, key, value, is_nan in connection.execute(
            _of("latest_metrics", chunk, "run_uuid", "key", "value", "is_nan")
        ):
            if run in found:
                found[run].metrics[key] = as_measured(value, is_nan)
    return sorted(found.values(), key=lambda record: record.started)


def points(connection: "Connection", ids: Sequence[str], metrics: Sequence[str]) -> dict[str, dict[str, Curve]]:
    """Return the curves of some metrics of runs; of points at one step, the latest counts."""
    table = _table("metrics")
    found: dict[str, dict[str, Curve]] = {}
    order = [table.c[name] for name in ("run_uuid", "key", "step", "timestamp")]
    for chunk in _chunks(ids):
        query = _of("metrics", chunk, "run_uuid", "key", "step", "value", "is_nan")
        rows = connection.execute(query.where(table.c.key.in_(metrics)).order_by(*order))
        for (run, key), group in groupby(rows, key=itemgetter(0, 1)):
            found.setdefault(run, {})[key] = curve((step, value, is_nan) for _, _, step, value, is_nan in group)
    return found


def curve(rows: Iterable[tuple[int, float, Any]]) -> Curve:
    """Return the points of a curve, of which (step, value, is NaN) are given in the order of steps and times."""
    table = np.array(list(rows), dtype=np.float64).reshape(-1, 3)
    last_of_step = np.append(table[1:, 0] != table[:-1, 0], True)
    steps, values, is_nan = table[last_of_step].T
    values = np.where(np.abs(values) < _LARGEST, values, np.copysign(np.inf, values))
    return np.stack([steps, np.where(is_nan > 0, np.nan, values)], axis=1)


def as_measured(value: float, is_nan: bool = False) -> float:
    """Return a value as it was before MLflow stored it: 0 with a mark for NaN, the largest float for infinity."""
    if is_nan:
        return float("nan")
    return float(value) if abs(value) < _LARGEST else float(np.copysign(np.inf, value))


def _of(table: str, ids: Sequence[str], *names: str) -> Any:
    import sqlalchemy

    columns = _table(table).c
    return sqlalchemy.select(*(columns[name] for name in names)).where(columns.run_uuid.in_(ids))


@cache  # columns of two objects would be those of two tables
def _table(name: str) -> "TableClause":
    """Return a table by its name and the columns that are read; SQLAlchemy quotes them as each database wants it."""
    import sqlalchemy

    return sqlalchemy.table(name, *map(sqlalchemy.column, _COLUMNS[name]))


_COLUMNS = {
    "runs": ("run_uuid", "name", "experiment_id", "status", "start_time", "lifecycle_stage"),
    "experiments": ("experiment_id", "name"),
    "tags": ("run_uuid", "key", "value"),
    "params": ("run_uuid", "key", "value"),
    "metrics": ("run_uuid", "key", "step", "timestamp", "value", "is_nan"),
    "latest_metrics": ("run_uuid", "key", "value", "is_nan"),
}


def _chunks(ids: Sequence[str]) -> Iterator[list[str]]:
    for start in range(0, len(ids), _IDS):
        yield list(ids[start : start + _IDS])
