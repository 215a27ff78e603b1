"""A PostgreSQL database in a folder: made, started, stopped, dumped and filled by PostgreSQL's own programs.

It listens on a socket of the file system alone, wants a password that lies beside it, and runs as the user who started
it; as root, which PostgreSQL refuses, as Debian's user `postgres`.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from zoo.config import BadInput

ROLE = "zoo"
DATABASE = "mlflow"
ACCOUNTS = "mlflow_accounts"
"""The database of users and passwords, where the server asks for them."""
_ROOTS_STAND_IN = "postgres"
_START_SECONDS = 60.0
_LONGEST_SOCKET_FOLDER = 70  # bytes: the path of a socket has at most 107, PostgreSQL's name for it 30
_DEBIAN = Path("/usr/lib/postgresql")


class Postgres:
    """A database that lies in a folder.

    Args:
        folder: Where its data, its password and its log are.

    Raises:
        BadInput: PostgreSQL is not installed, or can't run here.
    """

    def __init__(self, folder: Path):
        self.folder = folder.absolute()
        self.data = self.folder / "postgres"
        self.log = self.folder / "postgres.log"
        self._passfile = self.folder / "pgpass"
        self._bin = _programs()
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            self._as = {"user": _ROOTS_STAND_IN, "group": _ROOTS_STAND_IN, "extra_groups": []}
            self._refuse_closed_folders()

    @property
    def exists(self) -> bool:
        """Whether it was made before."""
        return (self.data / "PG_VERSION").exists()

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a client finds the password."""
        return {**os.environ, "PGPASSFILE": str(self._passfile)}

    def make(self) -> None:
        """Make it, empty.

        Raises:
            BadInput: The folder can't be written, or PostgreSQL refuses.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.data.exists() and not self.exists:
            shutil.rmtree(self.data)  # half made
        password = secrets.token_urlsafe(32)
        with tempfile.NamedTemporaryFile("w", dir=self.folder) as said:  # readable by its owner alone
            print(password, file=said, flush=True)
            self._give(Path(said.name))
            self.data.mkdir(mode=0o700)
            self._give(self.data)
            self._run(
                "initdb", "--pgdata", self.data, "--username", ROLE, "--pwfile", said.name, "--auth", "scram-sha-256",
                "--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums",
            )  # fmt: skip
        write_secret(self._passfile, f"*:*:*:{ROLE}:{password}\n")

    @contextlib.contextmanager
    def reached(self) -> Iterator["Connection"]:
        """Have it run, by whoever runs it already, or for as long as it takes.

        Raises:
            BadInput: It does not start.
        """
        try:
            pid, _, _, _, sockets, *_ = (self.data / "postmaster.pid").read_text().splitlines()
            os.kill(int(pid), 0)
        except (OSError, ValueError):
            with self.running() as connection:
                yield connection
        else:
            yield Connection(self, sockets)

    @contextlib.contextmanager
    def running(self) -> Iterator["Connection"]:
        """Have it run, and stop it in the end with all its data on the disk.

        Raises:
            BadInput: It does not start; another process may be running it.
        """
        with self._socket_folder() as sockets, self.log.open("ab") as log:
            began = self.log.stat().st_size
            settings = {"unix_socket_directories": sockets, "unix_socket_permissions": "0700", "listen_addresses": ""}
            process = subprocess.Popen(
                [
                    self._bin / "postgres", "-D", self.data,
                    *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")),
                ],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/", **self._as,
            )  # fmt: skip
            try:
                connection = Connection(self, sockets)
                self._wait(process, connection, began)
                yield connection
            finally:
                process.send_signal(signal.SIGINT)  # "fast": ends transactions, writes all, leaves
                process.wait()

    def run(self, program: str, *words: str | Path) -> str:
        """Run one of PostgreSQL's clients as ourselves, and return what it prints.

        Raises:
            BadInput: It failed.
        """
        return _checked([self._bin / program, *words], env=self.environment)

    def _run(self, program: str, *words: str | Path) -> None:
        _checked([self._bin / program, *words], cwd="/", **self._as)

    @contextlib.contextmanager
    def _socket_folder(self) -> Iterator[str]:
        """Make a folder for the socket, beside the data, or where its path is too long for a socket, elsewhere."""
        beside = self.folder if len(os.fsencode(self.folder)) < _LONGEST_SOCKET_FOLDER else None
        with tempfile.TemporaryDirectory(prefix="socket-", dir=beside) as sockets:
            self._give(Path(sockets))
            yield sockets

    def _wait(self, process: "subprocess.Popen[bytes]", connection: "Connection", began: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        ready: list[str | Path] = [self._bin / "pg_isready", "--quiet", "--host", connection.sockets]
        while subprocess.run(ready, check=False).returncode:
            if process.poll() is not None or time.monotonic() > deadline:
                said = self.log.read_bytes()[began:].decode(errors="replace").strip()
                raise BadInput(
                    f"PostgreSQL does not start in {self.data}: {_errors(said)} All it said is in {self.log}."
                )
            time.sleep(0.05)

    def _give(self, *paths: Path) -> None:
        if self._as:
            for path in paths:
                shutil.chown(path, _ROOTS_STAND_IN, _ROOTS_STAND_IN)

    def _refuse_closed_folders(self) -> None:
        import pwd

        try:
            pwd.getpwnam(_ROOTS_STAND_IN)
        except KeyError:
            raise BadInput(
                f"PostgreSQL refuses to run as root, and there is no user '{_ROOTS_STAND_IN}' to run it as. Start the "
                "server as another user."
            ) from None
        existing = next(path for path in (self.folder, *self.folder.parents) if path.exists())
        if subprocess.run(["test", "-x", existing], cwd="/", check=False, **self._as).returncode:
            raise BadInput(
                f"PostgreSQL refuses to run as root, and its user '{_ROOTS_STAND_IN}' can't enter {existing}. Choose "
                "a folder that others may enter, such as folder=/srv/tracking-server, or start as another user."
            )


class Connection:
    """The way to a database that runs.

    Args:
        postgres: The database.
        sockets: The folder of its socket.
    """

    def __init__(self, postgres: Postgres, sockets: str):
        self.postgres, self.sockets = postgres, sockets

    def uri(self, database: str = DATABASE) -> str:
        """Return its address, without the password, which `Postgres.environment` leads to."""
        return f"postgresql://{ROLE}@/{database}?host={quote(self.sockets, safe='/')}"

    def client(self, program: str, *words: str | Path, database: str = "postgres") -> str:
        """Run one of PostgreSQL's clients on it, and return what it prints.

        Raises:
            BadInput: It failed.
        """
        return self.postgres.run(program, "--host", self.sockets, "--username", ROLE, "--dbname", database, *words)

    def create(self, database: str) -> None:
        """Make a database, unless it is there."""
        if database not in self.databases():
            self.client("psql", "--quiet", "--no-psqlrc", "--command", f'CREATE DATABASE "{database}"')

    def databases(self) -> set[str]:
        """Return the names of the databases that there are."""
        query = "SELECT datname FROM pg_database WHERE NOT datistemplate"
        return set(
            self.client("psql", "--quiet", "--no-psqlrc", "--tuples-only", "--no-align", "--command", query).split()
        )


def write_secret(path: Path, text: str) -> None:
    """Write a file that its owner alone can read."""
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)


def _programs() -> Path:
    """Return the folder of PostgreSQL's programs: that of the search path, or the newest of Debian's."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    of_debian = [path.parent for path in _DEBIAN.glob("*/bin/initdb")]
    if of_debian:
        return max(of_debian, key=lambda path: float(path.parent.name))
    raise BadInput(
        "PostgreSQL is not installed: no initdb on the search path, nor under /usr/lib/postgresql. On Debian and "
        "Ubuntu: apt install postgresql."
    )


def _checked(command: Sequence[str | Path], **how: Any) -> str:
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **how)
    if ended.returncode:
        raise BadInput(f"{Path(command[0]).name} failed: {_errors(ended.stderr)}")
    return str(ended.stdout)


def _errors(said: str) -> str:
    """Return what went wrong, of what a program of PostgreSQL has printed."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    telling = [line for line in lines if any(sign in line for sign in ("error", "ERROR", "FATAL", "HINT"))]
    return " ".join((telling or lines or ["it said nothing."])[-3:])
