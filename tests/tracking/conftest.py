import os
import shutil
from pathlib import Path

import pytest

from zoo.config import Tracking
from zoo.tracking.store import open_client


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the user's MLflow settings out, and the current folder away from the repository."""
    for name in list(os.environ):
        if name.startswith("MLFLOW_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def _empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a database once: MLflow's migrations take seconds."""
    file = tmp_path_factory.mktemp("empty") / "mlflow.db"
    open_client(f"sqlite:///{file}")
    return file


@pytest.fixture
def fresh(tmp_path: Path) -> Tracking:
    """Name a store that is not there yet."""
    return Tracking(name="mlflow", uri=f"sqlite:///{tmp_path / 'mlflow.db'}")


@pytest.fixture
def tracking(fresh: Tracking, tmp_path: Path, _empty_database: Path) -> Tracking:
    """Name a store that is there, without a run."""
    shutil.copy(_empty_database, tmp_path / "mlflow.db")
    return fresh
