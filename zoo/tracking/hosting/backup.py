"""All that a tracking server keeps, in one file, and back."""

import contextlib
import os
import shutil
import tarfile
import tempfile
from pathlib import Path

from zoo.config import BadInput
from zoo.tracking.hosting.postgres import ACCOUNTS, DATABASE, Postgres
from zoo.tracking.hosting.server import ADMIN

_ARTIFACTS = "artifacts"
_END = "end-of-backup"
"""The last entry of a whole backup: of one that was cut between two entries, a tar file does not tell."""


def back_up(folder: Path, file: Path) -> None:
    """Write databases, artifacts and the admin's password into a tar file; the server may be running.

    Nobody but its owner can read the file. The databases are read first, as they are at one moment: artifacts that
    come meanwhile do no harm.

    Args:
        folder: The server's.
        file: To write; it appears when it is whole.

    Raises:
        BadInput: There is no server in the folder, the file is there already, or it can't be written.
    """
    postgres = Postgres(folder)
    if not postgres.exists:
        raise BadInput(f"There is no tracking server in {folder}. Name its folder: folder=...")
    if file.exists():
        raise BadInput(f"{file} is there already. Choose another name.")
    new = file.with_name(f"{file.name}.new")
    try:
        with tempfile.TemporaryDirectory(prefix="zoo-backup-", dir=file.absolute().parent) as dumps:
            with postgres.reached() as connection:
                for database in sorted({DATABASE, ACCOUNTS} & connection.databases()):
                    into = Path(dumps, f"{database}.dump")
                    connection.client("pg_dump", "--format", "custom", "--file", into, database=database)
            with (
                os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as written,
                tarfile.open(fileobj=written, mode="w") as archive,
            ):
                for dump in sorted(Path(dumps).iterdir()):
                    archive.add(dump, dump.name)
                for name in (_ARTIFACTS, ADMIN):
                    if (folder / name).exists():
                        archive.add(folder / name, name)
                archive.addfile(tarfile.TarInfo(_END))
        with new.open("rb+") as whole:
            os.fsync(whole.fileno())
        new.replace(file)
    except OSError as error:
        raise BadInput(f"{file} can't be written: {error.strerror}.") from None
    finally:
        new.unlink(missing_ok=True)


def restore(file: Path, folder: Path) -> None:
    """Make a server of what a backup holds.

    Args:
        file: That `back_up` wrote.
        folder: To make it in; nothing may be there yet.

    Raises:
        BadInput: The file is no such backup, or the folder is not empty. Nothing is left in it then.
    """
    if folder.exists() and any(folder.iterdir()):
        raise BadInput(f"{folder} is not empty. A backup is restored into a new folder: folder=...")
    postgres = Postgres(folder)
    done = False
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="zoo-backup-", dir=folder) as dumps:
            _unpack(file, Path(dumps))
            postgres.make()
            with postgres.running() as connection:
                for dump in sorted(Path(dumps).glob("*.dump")):
                    connection.create(dump.stem)
                    connection.client("pg_restore", "--exit-on-error", "--no-owner", dump, database=dump.stem)
            for name in (_ARTIFACTS, ADMIN):
                if Path(dumps, name).exists():
                    Path(dumps, name).rename(folder / name)
        done = True
    finally:
        if not done:
            with contextlib.suppress(OSError):
                shutil.rmtree(folder)


def _unpack(file: Path, into: Path) -> None:
    try:
        with tarfile.open(file) as archive:
            archive.extractall(into, filter="data")  # refuses links and names that lead out of the folder
    except (OSError, tarfile.TarError, EOFError) as error:
        raise BadInput(f"{file} can't be read as a backup: {error}.") from None
    if not (into / f"{DATABASE}.dump").is_file():
        raise BadInput(f"{file} is no backup of a tracking server: it should hold {DATABASE}.dump.")
    if not (into / _END).is_file():
        raise BadInput(f"{file} was cut off: it should end with {_END}. Copy it again.")
