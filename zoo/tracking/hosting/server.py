"""MLflow's server on a PostgreSQL database of its own, for clients of this machine, with accounts or without."""

import configparser
import contextlib
import io
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.config import BadInput
from zoo.tracking.hosting import app
from zoo.tracking.hosting.postgres import ACCOUNTS, DATABASE, Connection, Postgres, write_secret

HOST = "127.0.0.1"
ADMIN = "admin-password"
_START_SECONDS = 120.0
_STOP_SECONDS = 10.0


@dataclass(frozen=True)
class TrackingServer:
    """What to serve, and how.

    Attributes:
        folder: Where database, artifacts, passwords and logs are; made if it is not there.
        port: On 127.0.0.1, the only address that it listens on.
        workers: How many processes answer requests.
        auth: Whether users have to give a name and a password.
        hosts: The names by which browsers and clients reach it through a proxy, with commas between; None: only as
            127.0.0.1 and localhost.
    """

    folder: Path
    port: int = 5000
    workers: int = 4
    auth: bool = False
    hosts: str | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def admin_file(self) -> Path:
        """The file that holds the password of the user `admin`."""
        return self.folder / ADMIN

    @property
    def log(self) -> Path:
        """The file of what it says."""
        return self.folder / "mlflow.log"

    @contextlib.contextmanager
    def running(self, upgrade: bool = False) -> Iterator["subprocess.Popen[bytes]"]:
        """Start it, yield its process as soon as it answers, and stop it in the end.

        Args:
            upgrade: Whether a database of an older MLflow is brought up to the one that is installed.

        Raises:
            BadInput: What it needs is not installed, the port is taken, or it does not start.
        """
        _refuse_without_driver()
        self._refuse_taken_port()
        postgres = Postgres(self.folder)
        if not postgres.exists:
            postgres.make()
        (self.folder / "artifacts").mkdir(exist_ok=True)
        with postgres.running() as connection:
            had_accounts = ACCOUNTS in connection.databases()
            for database in (DATABASE, *([ACCOUNTS] if self.auth else [])):
                connection.create(database)
            environment = self._environment(connection, is_new=not had_accounts)
            if upgrade:
                self._upgrade(connection, environment)
            if self.auth and not had_accounts:
                self._make_admin(environment)
            with self.log.open("ab") as log:
                began = self.log.stat().st_size
                process = subprocess.Popen(
                    self._command(), env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    start_new_session=True, cwd=self.folder,
                )  # fmt: skip
                try:
                    self._wait(process, began)
                    yield process
                finally:
                    _end(process)

    def _command(self) -> list[str]:
        words = [
            sys.executable, "-m", "mlflow", "server", "--host", HOST, "--port", str(self.port), "--workers",
            str(self.workers), "--artifacts-destination", str(self.folder.absolute() / "artifacts"),
            "--uvicorn-opts", "--log-level warning", "--app-name", "zoo",
        ]  # fmt: skip
        if self.hosts:
            words += ["--allowed-hosts", f"{self.hosts},{HOST}:{self.port},localhost:{self.port}"]
        return words

    def _environment(self, connection: Connection, is_new: bool) -> dict[str, str]:
        """Return the variables of the server's process: no address or password is among its words, which others see."""
        kept = {key: value for key, value in connection.postgres.environment.items() if not key.startswith("MLFLOW_")}
        kept |= {
            "MLFLOW_BACKEND_STORE_URI": connection.uri(),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
        }
        if self.auth:
            kept[app.AUTH] = "true"
            kept["MLFLOW_AUTH_CONFIG_PATH"] = str(self._write_auth(connection))
            if is_new:
                kept["MLFLOW_AUTH_ADMIN_PASSWORD"] = self._kept_secret(self.admin_file)
            kept["MLFLOW_FLASK_SERVER_SECRET_KEY"] = self._kept_secret(self.folder / "session-key")
        return kept

    def _write_auth(self, connection: Connection) -> Path:
        settings = configparser.ConfigParser(interpolation=None)
        settings["mlflow"] = {
            # An experiment is named by its model: who trains the same model adds to the same experiment.
            "default_permission": "EDIT",
            "database_uri": connection.uri(ACCOUNTS),
            "admin_username": "admin",
            # Without it each request takes 0.1 s, for the password's hash; a changed password counts after a minute.
            "auth_cache_ttl_seconds": "60",
        }
        text = io.StringIO()
        settings.write(text)
        path = self.folder.absolute() / "auth.ini"
        write_secret(path, text.getvalue())
        return path

    def _kept_secret(self, path: Path) -> str:
        if not path.exists():
            write_secret(path, secrets.token_urlsafe(18))
        return path.read_text().strip()

    def _upgrade(self, connection: Connection, environment: dict[str, str]) -> None:
        command = [sys.executable, "-m", "mlflow", "db", "upgrade", connection.uri()]
        with self.log.open("ab") as log:
            if subprocess.run(command, env=environment, stdout=log, stderr=log, check=False).returncode:
                raise BadInput(f"The database can't be brought up to this MLflow. What it said is in {self.log}.")

    def _make_admin(self, environment: dict[str, str]) -> None:
        """Make the first user before there are workers, each of which would."""
        command = [sys.executable, "-c", "from mlflow.server.auth import bootstrap_admin_user as make; make()"]
        with self.log.open("ab") as log:
            if subprocess.run(command, env=environment, stdout=log, stderr=log, check=False).returncode:
                raise BadInput(f"The user admin can't be made. What MLflow said is in {self.log}.")

    def _wait(self, process: "subprocess.Popen[bytes]", began: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not answers(self.url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise BadInput(f"MLflow's server does not start: {self._reason(began)} All it said is in {self.log}.")
            time.sleep(0.2)

    def _reason(self, began: int) -> str:
        said = self.log.read_bytes()[began:].decode(errors="replace").strip()
        if "out-of-date database schema" in said:
            return "its database was made by an older MLflow. Make a backup, then start with upgrade=true."
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        return lines[-1] if lines else "it said nothing."

    def _refuse_taken_port(self) -> None:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise BadInput(
                    f"Port {self.port} of {HOST} can't be had: {reason}. Choose another: port=5001."
                ) from None


def answers(url: str) -> bool:
    """Tell whether a server answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/health", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def _refuse_without_driver() -> None:
    from importlib.util import find_spec

    if find_spec("psycopg") is None:
        raise BadInput("A server on PostgreSQL needs the package psycopg: pip install -e '.[server]'.")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a server with all its workers, which share its session."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
