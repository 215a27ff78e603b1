"""Opening the store that an address names: quietly, safely where several processes do it at once, with errors in words.

MLflow is used through its client alone, without its global state and without autologging.
"""

import contextlib
import os
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo import collector, quiet
from zoo.config import BadInput
from zoo.tracking.address import artifact_root, database_file, is_sql
from zoo.tracking.errors import refusals_in_words

if TYPE_CHECKING:
    from mlflow import MlflowClient

_CONNECT_SECONDS = 4.0
_LOCK_SECONDS = 120.0
_GROWN = 4
_LOOKED_AT = 1000  # rows of each index: 40 ms, however large the database
_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}


def open_client(uri: str) -> "MlflowClient":
    """Open the store of a resolved address and return MLflow's client for it.

    A new SQLite database is made on the way, by one process at a time: MLflow's migrations fail when two run at once.

    Raises:
        BadInput: The store is out of reach, is not MLflow's, or can't be written.
    """
    file = database_file(uri)
    quiet.ignore_missing_widgets()
    with collector.importing("mlflow"):
        from mlflow import MlflowClient

        if file:  # imported before the lock is taken, so that processes wait for one another's migrations only
            from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    with refusals_in_words(uri):
        if file:
            with _lock(file):
                if not file.exists() or file.stat().st_size == 0:
                    _create_database(SqlAlchemyStore, uri, file)
                _connect_once(uri)
                refresh_statistics(file)
                return MlflowClient(uri, uri)
        if is_sql(uri):
            _connect_once(uri)
        return MlflowClient(uri, uri)


def experiment_id(client: "MlflowClient", uri: str, name: str) -> str:
    """Return the id of an experiment, which is created unless it exists.

    Artifacts of a new one lie in `mlruns/<id>` beside the database, as MLflow itself would have it in that folder.

    Raises:
        BadInput: The experiment was deleted, or the store does not take it.
    """
    from mlflow.exceptions import MlflowException

    with refusals_in_words(uri):
        experiment = client.get_experiment_by_name(name)
        if experiment is None:
            try:
                return _create_experiment(client, uri, name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                # Another process was faster.
                experiment = client.get_experiment_by_name(name)
        if experiment.lifecycle_stage != "active":
            raise BadInput(
                f"The experiment '{name}' was deleted in MLflow. Bring it back with "
                f"`mlflow experiments restore --experiment-id {experiment.experiment_id}`, "
                "or choose another name with tracking.experiment=..."
            )
        return str(experiment.experiment_id)


def refresh_statistics(file: Path) -> None:
    """Have SQLite look at its tables, where they have grown much since it last did.

    By what it knows of them it plans MLflow's searches: without, the best of 100,000 runs is found in minutes, with it
    in a third of a second. Other databases do so by themselves.
    """
    # A database that is read-only, or busy, is searched as it is.
    with contextlib.suppress(sqlite3.OperationalError), contextlib.closing(sqlite3.connect(file, timeout=1)) as opened:
        (runs,) = opened.execute("SELECT coalesce(max(rowid), 0) FROM runs").fetchone()
        known = 0
        if opened.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").fetchone():
            rows = opened.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = 'runs'").fetchone()
            known = int(rows[0].split()[0]) if rows else 0
        if runs > _GROWN * known:
            opened.execute(f"PRAGMA analysis_limit = {_LOOKED_AT}")
            opened.execute("ANALYZE")


def _lock(file: Path) -> contextlib.AbstractContextManager[Any]:
    from filelock import FileLock

    file.parent.mkdir(parents=True, exist_ok=True)
    # In a folder that can't be written there is no first opening to guard: finished runs are read there.
    writable = os.access(file.parent, os.W_OK)
    return FileLock(f"{file}.lock", timeout=_LOCK_SECONDS) if writable else contextlib.nullcontext()


def _create_database(store: Any, uri: str, file: Path) -> None:
    """Make an empty database under another name first, so that a process killed meanwhile leaves no half-made one."""
    artifacts = (file.parent / "mlruns").as_uri()
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with _written_at_once(new):
        store(f"sqlite:///{new}", artifacts).engine.dispose()
    new.replace(file)
    # If the database was deleted in the lifetime of this process, MLflow still holds connections to the old one.
    store(uri, artifacts).engine.dispose()


@contextlib.contextmanager
def _written_at_once(file: Path) -> Iterator[None]:
    """Wait for the disk once, when a file is made, rather than after each of the many migrations."""
    from sqlalchemy import Engine, event

    def relax(connection: Any, _record: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", relax)
    try:
        yield
    finally:
        event.remove(Engine, "connect", relax)
    with file.open("rb+") as made:
        os.fsync(made.fileno())


def _create_experiment(client: "MlflowClient", uri: str, name: str) -> str:
    artifacts = artifact_root(uri)
    if artifacts is None:
        return str(client.create_experiment(name))
    # The client would put artifacts below the current folder, wherever the database is.
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    return str(SqlAlchemyStore(uri, artifacts.as_uri()).create_experiment(name))


def _connect_once(uri: str) -> None:
    """Raise at once what MLflow would raise after ten attempts in 100 s."""
    import sqlalchemy

    url = sqlalchemy.make_url(uri)
    port = url.port or _PORTS.get(url.get_backend_name())
    if url.host and port:
        socket.create_connection((url.host, port), timeout=_CONNECT_SECONDS).close()
    engine = sqlalchemy.create_engine(url)
    try:
        with engine.connect() as connection:
            sqlalchemy.inspect(connection).get_table_names()
    finally:
        engine.dispose()
