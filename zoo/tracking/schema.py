"""The tables of MLflow that rows are written into, as they are known here, and whether a database has them so."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Engine, Table

# The MLflow whose tables, and whose way of filling them, are known here.
KNOWN_VERSION = "3.17."
# The columns that the client fills: all that MLflow 3.17 declares. A run comes before what refers to it.
COLUMNS: dict[str, tuple[str, ...]] = {
    "runs": (
        "run_uuid", "name", "source_type", "source_name", "entry_point_name", "user_id", "status", "start_time",
        "end_time", "deleted_time", "source_version", "lifecycle_stage", "artifact_uri", "experiment_id",
    ),
    "tags": ("key", "value", "run_uuid"),
    "params": ("key", "value", "run_uuid"),
    "metrics": ("key", "value", "timestamp", "step", "is_nan", "run_uuid"),
    "latest_metrics": ("key", "value", "timestamp", "step", "is_nan", "run_uuid"),
    "datasets": (
        "dataset_uuid", "experiment_id", "name", "digest", "dataset_source_type", "dataset_source", "dataset_schema",
        "dataset_profile",
    ),
    "inputs": ("input_uuid", "source_type", "source_id", "destination_type", "destination_id", "step"),
    "input_tags": ("input_uuid", "name", "value"),
}  # fmt: skip


def strangeness(engine: "Engine") -> str | None:
    """Say why rows should not be written into a database without MLflow's client, or return None."""
    import sqlalchemy
    from mlflow.version import VERSION

    if not VERSION.startswith(KNOWN_VERSION):
        return f"this is MLflow {VERSION}, and the tables known here are those of {KNOWN_VERSION}x"
    inspector = sqlalchemy.inspect(engine)
    for name, table in tables().items():
        if tuple(table.columns.keys()) != COLUMNS[name]:
            return f"this MLflow declares other columns of the table '{name}' than those known here"
        try:
            found = {column["name"]: column for column in inspector.get_columns(name)}
        except sqlalchemy.exc.NoSuchTableError:
            return f"the database has no table '{name}'"
        if missing := [column for column in COLUMNS[name] if column not in found]:
            return f"the table '{name}' has no column '{missing[0]}'"
        for column in found.keys() - set(COLUMNS[name]):
            if not found[column]["nullable"] and not _fills_itself(found[column]):
                return f"the table '{name}' wants a value of the column '{column}', which is not known here"
    return None


def _fills_itself(column: Any) -> bool:
    return any(column.get(means) not in (None, False) for means in ("default", "computed", "identity", "autoincrement"))


def tables() -> dict[str, "Table"]:
    """Return MLflow's declarations of the tables that are filled."""
    from mlflow.store.db.base_sql_model import Base
    from mlflow.store.tracking.dbmodels import models  # noqa: F401 - declares the tables

    return {name: Base.metadata.tables[name] for name in COLUMNS}
