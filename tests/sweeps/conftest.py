"""A store of their own for sweeps and searches, in an empty current folder."""

import pytest


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The address of an empty store that runs are recorded in."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    return f"sqlite:///{tmp_path}/mlflow.db"
