"""Many runs that have ended, recorded at once.

MLflow's client takes a tenth of a second a run, however small. Into a database, the rows that it would write go through
MLflow's own table classes instead, in one transaction a batch; to a server of the zoo's they are sent in batches, and
written there in the same way. Other servers, and databases other than the one known here, are left to the client.
"""

import contextlib
import logging
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from zoo.tracking import entries, schema, service, upload
from zoo.tracking.address import database_file, is_sql, mask
from zoo.tracking.errors import TrackingError
from zoo.tracking.finished import FinishedRun, record
from zoo.tracking.rows import Row, Rows
from zoo.tracking.store import refresh_statistics

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from sqlalchemy import Connection, Engine

log = logging.getLogger(__name__)

# A transaction's worth: tens of megabytes, about a second of SQLite's time, in which other processes wait.
BATCH_ROWS = 100_000
_BUSY_SECONDS = 60
_ATTEMPTS = 3
_CACHE_KILOBYTES = 64_000
# Bound values in one query; the least that a database takes is 2,100 (SQL Server).
_VALUES = 500
_BY_INDEX = itemgetter(0, 2, 3, 5)  # of MLflow's table of points: key, timestamp, step, run
# Python's common generator belongs to the training: its numbers are to stay the same whether a store is busy or not.
_random = random.SystemRandom()


def add(
    client: "MlflowClient", uri: str, experiment_id: str, runs: Iterable[FinishedRun], parent: str | None
) -> list[str]:
    """Record runs that have ended.

    Args:
        client: The client of the opened store.
        uri: The store's resolved address.
        experiment_id: The experiment that the runs are put in.
        runs: The runs, taken batch by batch.
        parent: The id of the run that they are parts of.

    Returns:
        The ids of the runs, in their order.

    Raises:
        TrackingError: The store refused or failed. Nothing of the batch at hand is recorded; batches before it are.
    """
    return write(client, uri, experiment_id, runs, entries.origin(parent))


def write(
    client: "MlflowClient", uri: str, experiment_id: str, runs: Iterable[FinishedRun], origin: Mapping[str, str]
) -> list[str]:
    """Record runs that have ended; as `add`, with the first tags of each in place of its parent.

    Runs that bring their ids may be written again: a batch that is there already is left as it is.
    """
    if not is_sql(uri):
        if service.is_at(uri):
            return upload.send(uri, experiment_id, runs, origin)
        return [record(client, uri, experiment_id, run, origin) for run in runs]
    ids: list[str] = []
    with _opened(uri) as engine:
        with _failures_in_words(uri):
            reason = schema.strangeness(engine)
            location = client.get_experiment(experiment_id).artifact_location
        if reason:
            log.info("Runs are recorded one by one, through MLflow's client: %s.", reason)
            return [record(client, uri, experiment_id, run, origin) for run in runs]
        for batch in _batches(runs, lambda: Rows(int(experiment_id), location, origin)):
            with _failures_in_words(uri, len(batch.ids)):
                _write(engine, batch)
            ids += batch.ids
    if file := database_file(uri):
        refresh_statistics(file)
    return ids


def _batches(runs: Iterable[FinishedRun], new: Callable[[], Rows]) -> Iterator[Rows]:
    batch = new()
    for run in runs:
        batch.add(run)
        if len(batch) >= BATCH_ROWS:
            yield batch
            batch = new()
    if batch.ids:
        yield batch


@contextlib.contextmanager
def _opened(uri: str) -> Iterator["Engine"]:
    """Open connections of our own, with MLflow's settings, so that what is set on them touches nobody else's."""
    import sqlalchemy
    from mlflow.store.db.utils import create_sqlalchemy_engine

    def prepare(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_SECONDS * 1000}")
        cursor.execute(f"PRAGMA cache_size = -{_CACHE_KILOBYTES}")
        cursor.close()

    engine = create_sqlalchemy_engine(uri)
    if engine.dialect.name == "sqlite":
        sqlalchemy.event.listen(engine, "connect", prepare)
    try:
        yield engine
    finally:
        engine.dispose()


def _write(engine: "Engine", batch: Rows) -> None:
    """Write a batch whole or not at all, after other processes where need be."""
    from sqlalchemy.exc import IntegrityError, OperationalError

    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with engine.connect() as connection:
                _write_once(connection, batch)
                connection.commit()
            return
        # Locked or deadlocked; or another process was faster to record the same data set.
        except (OperationalError, IntegrityError):
            if attempt == _ATTEMPTS:
                raise
            time.sleep(_random.uniform(0.1, 0.5 * attempt))


def _write_once(connection: "Connection", batch: Rows) -> None:
    if connection.dialect.name == "sqlite":
        # A transaction that first reads and then wants to write is refused, not queued, if another has written since.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    _refuse_deleted(connection, batch.experiment_id)
    if _is_there(connection, batch.ids[0]):
        return
    for name, rows in batch.tables.items():
        _insert(connection, name, rows)
    for name, rows in batch.inputs(_datasets(connection, batch)).items():
        _insert(connection, name, rows)


def _is_there(connection: "Connection", run_id: str) -> bool:
    import sqlalchemy

    runs = schema.tables()["runs"].columns
    return connection.execute(sqlalchemy.select(runs.run_uuid).where(runs.run_uuid == run_id)).first() is not None


def _insert(connection: "Connection", name: str, rows: list[Row]) -> None:
    if not rows:
        return
    statement = schema.tables()[name].insert()
    if connection.dialect.name == "sqlite":
        # Its driver takes tuples as they are.
        connection.exec_driver_sql(str(statement.compile(dialect=connection.dialect)), rows)
    elif connection.dialect.driver == "psycopg":
        _copy(connection, name, rows)
    else:
        connection.execute(statement, [dict(zip(schema.COLUMNS[name], row, strict=True)) for row in rows])


def _copy(connection: "Connection", name: str, rows: list[Row]) -> None:
    """Insert rows into PostgreSQL, where nearly all of them are points of curves.

    In the order of their index they take a sixth less time. Another third is the look-up of each point's run: it is
    left out, where the user may, since the runs are of the same transaction.
    """
    if name == "metrics":
        rows = sorted(rows, key=_BY_INDEX)
        if connection.exec_driver_sql("SELECT current_setting('is_superuser')").scalar() == "on":
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    columns = ", ".join(f'"{column}"' for column in schema.COLUMNS[name])
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f'COPY "{name}" ({columns}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)
    connection.exec_driver_sql("SET LOCAL session_replication_role = DEFAULT")


def _datasets(connection: "Connection", batch: Rows) -> dict[tuple[str, str], str]:
    """Return the ids of the data sets that the experiment has already, by name and digest."""
    import sqlalchemy

    table = schema.tables()["datasets"].columns
    digests = sorted({split.digest for _, split in batch.splits})
    found: dict[tuple[str, str], str] = {}
    for start in range(0, len(digests), _VALUES):
        query = sqlalchemy.select(table.name, table.digest, table.dataset_uuid).where(
            table.experiment_id == batch.experiment_id, table.digest.in_(digests[start : start + _VALUES])
        )
        found |= {(name, digest): dataset for name, digest, dataset in connection.execute(query)}
    return found


def _refuse_deleted(connection: "Connection", experiment_id: int) -> None:
    import sqlalchemy
    from mlflow.store.tracking.dbmodels.models import SqlExperiment

    query = sqlalchemy.select(SqlExperiment.lifecycle_stage).where(SqlExperiment.experiment_id == experiment_id)
    if connection.execute(query).scalar() != "active":
        raise TrackingError(
            f"The experiment {experiment_id} was deleted in MLflow while its runs were made. Bring it back with "
            f"`mlflow experiments restore --experiment-id {experiment_id}`."
        )


@contextlib.contextmanager
def _failures_in_words(uri: str, runs: int = 0) -> Iterator[None]:
    """Turn what MLflow, SQLAlchemy and the drivers raise into `TrackingError`.

    Raises:
        TrackingError: Something inside was refused or failed.
    """
    try:
        yield
    except TrackingError:
        raise
    except Exception as error:  # each driver has exceptions of its own
        # SQLAlchemy's own message repeats the rows, and the cause may hold a password.
        reason = mask(str(getattr(error, "orig", None) or error)).strip().partition("\n")[0]
        what = f"can't take {runs} run(s), none of which is recorded" if runs else "can't be read"
        raise TrackingError(f"The tracking store {mask(uri)} {what}: {reason.rstrip('.')}.") from None
