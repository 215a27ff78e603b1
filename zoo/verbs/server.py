"""`zoo server`: a tracking server of one's own, on PostgreSQL; its backup, and back."""

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo import terminal
from zoo.config import BadInput
from zoo.tracking.hosting.backup import back_up, restore
from zoo.tracking.hosting.server import TrackingServer
from zoo.verbs import words
from zoo.verbs.words import Grammar, Key

GRAMMAR = Grammar(
    "server",
    "Runs MLflow's tracking server on a PostgreSQL database of its own, for as long as the command runs.\n"
    "It listens on 127.0.0.1; a proxy with TLS brings it to other machines.",
    ("", "folder=/srv/tracking-server auth=true", "backup=monday.tar", "folder=elsewhere restore=monday.tar"),
    (
        Key("folder", "FOLDER", "where all of it is kept; tracking-server if left out", words.new_folder),
        Key("port", "N", "of 127.0.0.1; 5000 if left out", words.whole(1, 65535), default=5000),
        Key("workers", "N", "processes that answer; 2 if left out", words.whole(1, 64), default=2),
        Key("auth", "true", "ask for a user name and a password", words.true_or_false, default=False),
        Key("hosts", "NAMES", "names of the proxy in front of it, with commas between"),
        Key("upgrade", "true", "bring a database of an older MLflow up to date", words.true_or_false, default=False),
        Key("backup", "FILE", "write databases and artifacts into a tar file, also while it runs"),
        Key("restore", "FILE", "make a server of a backup, in a new folder", words.existing_file),
    ),
    "Secrets lie in the folder, readable by its owner alone: the password of the user `admin` in admin-password.",
)
_FOLDER = "tracking-server"


def main(said: Mapping[str, Any]) -> int:
    """Serve until interrupted, or back up, or restore, and return the exit code.

    Raises:
        BadInput: PostgreSQL is not installed, the port is taken, or what is asked for can't be done.
    """
    folder = Path(said["folder"] or _FOLDER).absolute()
    console = terminal.console()
    if said["backup"] and said["restore"]:
        raise BadInput("backup= and restore= are two commands.")
    if said["backup"]:
        file = Path(said["backup"]).expanduser().absolute()
        back_up(folder, file)
        console.print(f"{file} holds all of {folder}: {file.stat().st_size / 1e6:,.1f} MB.", markup=False)
        return 0
    if said["restore"]:
        restore(Path(said["restore"]), folder)
        console.print(f"{folder} holds what the backup held. Start it: zoo server folder={folder}", markup=False)
        return 0
    server = TrackingServer(folder, said["port"], said["workers"], said["auth"], said["hosts"])
    return _serve(server, console, said["upgrade"])


def _serve(server: TrackingServer, console: Any, upgrade: bool) -> int:
    for one in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(one, _interrupt)
    try:
        with server.running(upgrade) as process:
            lines = [
                f"The tracking server answers at {server.url} and keeps its runs in {server.folder}.",
                "",
                f"  use it     export MLFLOW_TRACKING_URI={server.url}",
                *([f"  log in     as admin, with the password in {server.admin_file}"] if server.auth else []),
                f"  backup     zoo server folder={server.folder} backup=FILE.tar",
                "  stop it    Ctrl-C",
            ]
            console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
            code = process.wait()
            raise BadInput(f"MLflow's server ended by itself, with code {code}. What it said is in {server.log}.")
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 0


def _interrupt(number: int, _frame: object) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
