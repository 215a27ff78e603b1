"""Tracking stores for the contests about the record: a SQLite database, or a server on PostgreSQL, made for one job."""

import contextlib
import os
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy

from zoo.tracking.hosting.postgres import Postgres
from zoo.tracking.hosting.server import TrackingServer

SQLITE, SERVER = "sqlite", "server"
# Of a run in MLflow, by the table; the first column holds its id.
_TABLES = ("runs", "params", "tags", "metrics", "latest_metrics")


@dataclass(frozen=True)
class Opened:
    """A store.

    Attributes:
        uri: What clients are told.
        database: Where its tables are.
    """

    uri: str
    database: sqlalchemy.Engine


@contextlib.contextmanager
def opened(kind: str) -> Iterator[Opened]:
    """Make a store, tell the zoo of it by the environment, and remove it in the end.

    Args:
        kind: `sqlite` or `server`.
    """
    with tempfile.TemporaryDirectory(prefix="record-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # PostgreSQL runs as a user of its own where the benchmark is root's
        if kind == SQLITE:
            os.environ["MLFLOW_TRACKING_URI"] = uri = f"sqlite:///{folder}/mlflow.db"
            engine = sqlalchemy.create_engine(uri)
            yield Opened(uri, engine)
            engine.dispose()
            return
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            server = TrackingServer(folder / "server", int(free.getsockname()[1]))
        os.environ["MLFLOW_TRACKING_URI"] = server.url
        with server.running():
            postgres = Postgres(server.folder)
            os.environ |= postgres.environment
            with postgres.reached() as connection:
                engine = sqlalchemy.create_engine(connection.uri())
                yield Opened(server.url, engine)
                engine.dispose()


def multiply(database: sqlalchemy.Engine, times: int) -> int:
    """Copy all runs under new ids, older than they are, until there are so many times as many; return how many.

    A copy's parent is the copy of its run's parent. Files are not copied: nothing here reads them.
    """
    with database.begin() as connection:
        columns = {
            table: [column["name"] for column in sqlalchemy.inspect(connection).get_columns(table)] for table in _TABLES
        }
        (runs,) = connection.execute(sqlalchemy.text("SELECT count(*) FROM runs")).one()
        for number in range(1, times):
            new = f"'{number:08x}'"
            for table, names in columns.items():
                values = [_copied(table, name, new, number) for name in names]
                connection.execute(
                    sqlalchemy.text(
                        f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)} FROM {table} "
                        f"WHERE run_uuid IN (SELECT run_uuid FROM runs WHERE source_name <> 'copy')"
                    )
                )
    with database.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sqlalchemy.text("ANALYZE"))
    return int(runs) * times


def sizes(database: sqlalchemy.Engine) -> dict[str, float]:
    """Return what a run takes, on average: `rows_per_run` in all its tables, `bytes_per_run` of the database."""
    size = {
        "sqlite": "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
        "postgresql": "SELECT pg_database_size(current_database())",
    }[database.dialect.name]
    with database.connect() as connection:
        rows = {
            table: connection.execute(sqlalchemy.text(f"SELECT count(*) FROM {table}")).scalar() for table in _TABLES
        }
        total = connection.execute(sqlalchemy.text(size)).scalar()
    return {"rows_per_run": sum(rows.values()) / rows["runs"], "bytes_per_run": total / rows["runs"]}


def _copied(table: str, name: str, new: str, number: int) -> str:
    if name == "run_uuid":
        return f"{new} || substr(run_uuid, 9)"
    if (table, name) == ("runs", "source_name"):
        return "'copy'"
    if name in ("start_time", "end_time"):
        return f"{name} - {number * 1000}"
    if (table, name) == ("tags", "value"):
        return f"CASE WHEN key = 'mlflow.parentRunId' THEN {new} || substr(value, 9) ELSE value END"
    return name
