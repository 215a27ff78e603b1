"""Where the checkpoints and models of a run lie, how large they are, and how they are removed: file by file."""

import contextlib
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.tracking.address import local_folder
from zoo.tracking.queries import RunRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

MODELS = ("model.keras", "trigram.npz")
_CHECKPOINTS = "checkpoints"  # a folder among the artifacts
_CHECKPOINT = re.compile(r"(last|best)-\d{8}-[0-9a-f]{16}\.npz|(last|best)\.\d+\.new")


def own_folder(client: "MlflowClient", record: RunRecord, artifacts: Path | None) -> Path | None:
    """Return the folder that a run wrote its files to, if it is here and still that run's.

    Several runs may have written to one folder: the config there tells whose the files are.
    """
    folder = Path(record.tags.get("folder", ""))
    config = folder / "config.yaml"
    if not folder.is_absolute() or not config.is_file() or folder.is_symlink():
        return None
    with contextlib.suppress(Exception):
        if artifacts is not None:
            recorded = (artifacts / config.name).read_bytes()
        else:
            from tempfile import TemporaryDirectory

            with TemporaryDirectory() as temporary:
                recorded = Path(client.download_artifacts(record.id, config.name, temporary)).read_bytes()
        return folder if recorded == config.read_bytes() else None
    return None


def files(folder: Path) -> Iterable[Path]:
    """Give the files of a run's folder that can go."""
    inside = folder / _CHECKPOINTS
    if inside.is_dir() and not inside.is_symlink():
        yield from (path for path in sorted(inside.iterdir()) if _CHECKPOINT.fullmatch(path.name) and path.is_file())
    yield from (folder / name for name in MODELS if (folder / name).is_file())


def artifact_sizes(client: "MlflowClient", run_id: str) -> dict[str, int]:
    """Return the names and sizes of the artifacts that can go, on a server."""
    rooted = {info.path: info.file_size or 0 for info in client.list_artifacts(run_id) if info.path in MODELS}
    inside = client.list_artifacts(run_id, _CHECKPOINTS)
    named = {info.path: info.file_size or 0 for info in inside if _CHECKPOINT.fullmatch(Path(info.path).name)}
    return rooted | named


def unlink(path: Path) -> int:
    """Remove a file, and the folder of checkpoints with the last of them; return how many bytes that has freed."""
    with contextlib.suppress(FileNotFoundError):
        size = path.stat().st_size
        path.unlink()
        if path.parent.name == _CHECKPOINTS:
            with contextlib.suppress(OSError):  # something is left in it
                path.parent.rmdir()
        return size
    return 0


def _logged_folder(model: "LoggedModel") -> Path | None:
    """Return the folder of a logged model, if it is on this machine and named as MLflow names it."""
    folder = local_folder(model.artifact_location)
    is_named = folder is not None and folder.parts[-3:] == ("models", model.model_id, "artifacts")
    return folder.parent if folder is not None and is_named else None


def logged_size(model: "LoggedModel") -> int:
    """Return how many bytes a logged model takes on this machine."""
    folder = _logged_folder(model)
    files: Any = folder.rglob("*") if folder else []
    return sum(path.stat().st_size for path in files if path.is_file() and not path.is_symlink())


def remove_logged(client: "MlflowClient", model: "LoggedModel") -> int:
    """Remove a logged model, of which MLflow keeps a mark; return how many bytes that has freed."""
    size = logged_size(model)
    client.delete_logged_model(model.model_id)
    if folder := _logged_folder(model):
        shutil.rmtree(folder, ignore_errors=True)
    return size
