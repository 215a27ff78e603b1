import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from mlflow import MlflowClient

from zoo.config import BadInput
from zoo.tracking.hosting.postgres import Postgres
from zoo.tracking.hosting.server import TrackingServer


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a busy machine take its time: MLflow's own settings for a server that is there."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")


@pytest.fixture(scope="session")
def open_folders() -> Iterator[Path]:
    """A folder that the user `postgres` may enter, whom PostgreSQL runs as where the tests are root's."""
    as_postgres = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    try:
        Postgres(Path("/tmp"))
    except BadInput as error:
        pytest.skip(str(error))
    for base in dict.fromkeys([tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm"]):
        if subprocess.run(["test", "-x", base], cwd="/", check=False, **as_postgres).returncode == 0:
            folder = Path(tempfile.mkdtemp(prefix="zoo-tests-", dir=base))
            folder.chmod(0o755)
            yield folder
            shutil.rmtree(folder)
            return
    pytest.skip("PostgreSQL's user can enter no folder for temporary files.")


@pytest.fixture(scope="session")
def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="session")
def server(open_folders: Path, free_port: int) -> Iterator[TrackingServer]:
    """A tracking server with accounts, for all tests of a process."""
    started = TrackingServer(open_folders / "server", free_port, workers=1, auth=True)
    with ExitStack() as running:
        running.enter_context(started.running())
        yield started


@pytest.fixture
def as_admin(server: TrackingServer, monkeypatch: pytest.MonkeyPatch) -> TrackingServer:
    """The server, with the credentials of its first user in the environment."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "admin")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", server.admin_file.read_text())
    return server


@pytest.fixture
def client(as_admin: TrackingServer) -> MlflowClient:
    return MlflowClient(as_admin.url, as_admin.url)
