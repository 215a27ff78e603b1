"""Where runs are recorded: from what the user said to one absolute URI, and how to look at it there.

Text only: nothing is opened and MLflow is not imported.
"""

import os
import re
import shlex
from pathlib import Path
from urllib.parse import unquote, urlsplit

from zoo.config import BadInput

_SQL_SCHEMES = ("sqlite", "postgresql", "mysql", "mssql")
# Addresses that MLflow knows by name alone.
_NAMED_STORES = {"databricks", "databricks-uc", "uc"}


def root() -> Path:
    """Return the folder of the default store: the repository in a checkout, the current folder otherwise."""
    repository = Path(__file__).resolve().parents[2]
    is_checkout = (repository / "conf").is_dir() and (repository / "train.py").is_file()
    return repository if is_checkout else Path.cwd()


def resolve(uri: str | None = None) -> str:
    """Return the absolute address of the store.

    Args:
        uri: What `tracking.uri` says. Defaults to the variable MLFLOW_TRACKING_URI, then to `mlflow.db` in `root()`.

    Raises:
        BadInput: The address names MLflow's former file store, no database file, or no store at all.
    """
    uri = uri or os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root() / 'mlflow.db'}"
    if uri in _NAMED_STORES:
        return uri
    scheme, separator, rest = uri.partition("://")
    if not separator or scheme == "file":
        folder = Path(rest) if scheme == "file" else Path(uri.removeprefix("file:"))
        example = "mlflow.db" if ":" in str(folder) else folder / "mlflow.db"
        raise BadInput(
            "tracking.uri should be the address of a database or of a server, such as sqlite:///mlflow.db or "
            "http://127.0.0.1:5000; MLflow no longer keeps runs in a folder of files. "
            f"Received: {mask(uri)}. Try tracking.uri=sqlite:///{example}."
        )
    if scheme.partition("+")[0] != "sqlite":
        return uri
    path, question, options = rest.removeprefix("/").partition("?")
    if not rest.startswith("/") or path in {"", ":memory:"}:
        raise BadInput(
            "tracking.uri should name a database file: sqlite:///mlflow.db (three slashes) in the current folder, "
            f"sqlite:////folder/mlflow.db (four) anywhere. Received: {mask(uri)}."
        )
    absolute = os.path.abspath(os.path.expanduser(path))
    return f"{scheme}:///{absolute}{question}{options}"


def is_sql(uri: str) -> bool:
    """Tell whether a resolved address is that of a database rather than of a server."""
    return uri.startswith(_SQL_SCHEMES)


def database_file(uri: str) -> Path | None:
    """Return the database file of a resolved address, or None if the store is not SQLite."""
    if not uri.startswith("sqlite"):
        return None
    return Path(uri.partition(":///")[2].partition("?")[0])


def artifact_root(uri: str) -> Path | None:
    """Return the folder of a store's artifacts, as MLflow would choose it, or None where the server decides."""
    if file := database_file(uri):
        return file.parent / "mlruns"
    return root() / "mlruns" if is_sql(uri) else None


def local_folder(artifact_uri: str) -> Path | None:
    """Return the folder that an artifact address names, or None where it is not on this machine."""
    scheme, _, path, *_ = urlsplit(artifact_uri)
    return Path(unquote(path)) if scheme == "file" else None


def ui_command(uri: str, experiment_id: str, run_id: str) -> str:
    """Return what to type to see a run: the `mlflow ui` command of a database, the page of a server."""
    if uri.startswith(("http://", "https://")):
        base = re.sub(r"://[^/]*@", "://", uri).rstrip("/")
        return f"{base}/#/experiments/{experiment_id}/runs/{run_id}"
    if not is_sql(uri):
        return mask(uri)
    file = database_file(uri)
    if file is not None and file.resolve() == Path.cwd() / "mlflow.db" and _is_default_here():
        return "mlflow ui"
    if mask(uri) != uri and uri == os.environ.get("MLFLOW_TRACKING_URI"):
        return 'mlflow ui --backend-store-uri "$MLFLOW_TRACKING_URI"'
    return f"mlflow ui --backend-store-uri {shlex.quote(mask(uri))}"


def _is_default_here() -> bool:
    """Tell whether a bare `mlflow ui` in the current folder would open its mlflow.db."""
    # MLflow goes back to its file store where an earlier version left experiments in ./mlruns.
    has_old_files = any(path.parent.name.isdigit() for path in Path("mlruns").glob("*/meta.yaml"))
    return not has_old_files and not os.environ.get("MLFLOW_BACKEND_STORE_URI")


def mask(text: str) -> str:
    """Return a text with the secrets of all addresses in it replaced by `***`.

    Example:
        >>> mask("postgresql://me:secret@host/runs")
        'postgresql://me:***@host/runs'
    """
    text = re.sub(r"(://[^\s/:@]*):\S*@", r"\1:***@", text)
    # A lone name before @ in a web address is a token; in a database address it is the user.
    text = re.sub(r"(https?://)[^\s/:@]+@", r"\1***@", text)
    return re.sub(r"([?&][^\s=&]*(?:pass|pwd|token|secret|key|sig)[^\s=&]*=)[^\s&'\"]+", r"\1***", text, flags=re.I)
