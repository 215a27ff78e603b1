"""Prepared data on disk: a folder a data set, its arrays in one .npz file, and beside it a JSON file with its SHA-256.

Whatever happens, a reader sees the whole of it or nothing: files are replaced, never changed, and hashed at each load.
"""

import hashlib
import io
import json
import logging
import os
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from zoo.config import BadInput

_ARRAYS = "arrays.npz"
_RECORD = "prepared.json"
# Raise it when a loader prepares otherwise than before: what older versions kept is then prepared again.
_FORM = 1
_log = logging.getLogger(__name__)


def location(data_dir: str | None = None) -> Path:
    """Return the folder of prepared data: the one given, or ~/.cache/keras-model-zoo.

    Raises:
        BadInput: It is in the home folder of somebody who has none.
    """
    try:
        return Path(data_dir).expanduser() if data_dir else Path.home() / ".cache" / "keras-model-zoo"
    except RuntimeError as error:  # ~somebody
        raise BadInput(f"data_dir should name a folder. Received: data_dir={data_dir}. {error}") from None


@dataclass(frozen=True)
class Prepared:
    """Arrays as they are kept, where their bytes came from, and what the log of each run with them must show."""

    arrays: dict[str, np.ndarray]
    source: str
    notes: tuple[str, ...] = ()


def prepared(folder: Path, name: str, prepare: Callable[[], Prepared], needs: Collection[str] = ()) -> Prepared:
    """Return the prepared form of a data set; prepare it first where it is missing or damaged.

    Two processes that ask at once prepare it once: the second waits for the first.

    Args:
        folder: Where all prepared data is kept.
        name: The data set's own folder in there.
        prepare: Brings the arrays.
        needs: Names of arrays that an earlier version of the zoo may not have prepared.

    Raises:
        BadInput: The folder cannot be written; or `prepare` says so.
    """
    place = folder / name
    found = _read(place, needs)
    if found is None:
        lock = FileLock(place / ".lock")
        try:
            place.mkdir(parents=True, exist_ok=True)
            acquire(lock, name)
        except (OSError, ValueError) as error:
            raise unwritable(folder, error) from None
        try:
            found = _read(place, needs, warn=True)
            if found is None:
                found = prepare()
                try:
                    _write(place, found)
                except OSError as error:
                    raise unwritable(folder, error) from None
        finally:
            lock.release()
    _log.info("%s comes from %s, kept in %s", name, found.source, place)
    return found


def mark(folder: Path, name: str) -> str | None:
    """Return what tells the prepared form of a data set from another of it, or None where none is kept."""
    try:
        return hashlib.sha256((folder / name / _RECORD).read_bytes()).hexdigest()
    except OSError:
        return None


def unusable(folder: Path, name: str) -> BadInput:
    """Return the error about prepared data that is whole, but not that of the data set."""
    place = folder / name
    return BadInput(f"The prepared data in {place} is not that of {name}. Remove that folder, and run again.")


def acquire(lock: FileLock, name: str) -> None:
    """Take a lock, and say for what if it takes a while."""
    try:
        lock.acquire(timeout=0.2)
    except Timeout:
        _log.info("Another process is preparing %s; waiting for it", name)
        lock.acquire()


def _read(place: Path, needs: Collection[str], *, warn: bool = False) -> Prepared | None:
    """Return what is kept in a folder, or None if it is missing or damaged."""
    try:
        if not all((place / file).is_file() for file in (_RECORD, _ARRAYS)):  # reading a pipe would never end
            raise ValueError("its files are not there")
        record = json.loads((place / _RECORD).read_bytes())
        if record["form"] != _FORM:
            raise ValueError("it was prepared by another version")
        content = (place / _ARRAYS).read_bytes()
        if hashlib.sha256(content).hexdigest() != record["files"][_ARRAYS]:
            raise ValueError(f"the SHA-256 of {_ARRAYS} is not the recorded one")
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            if not set(needs) <= set(arrays.files):
                raise ValueError("it was prepared by an earlier version")
            return Prepared(dict(arrays), record["source"], tuple(record["notes"]))
    except Exception as error:  # json, zipfile, zlib and NumPy have a dozen kinds for what is damaged
        if warn and (place / _RECORD).exists():
            _log.warning("The prepared data in %s cannot be used (%s): preparing it again", place, error)
        return None


def _write(place: Path, content: Prepared) -> None:
    # The lock is held, so that whoever began these files is dead.
    for leftover in place.glob("*.tmp"):
        leftover.unlink()
    buffer = io.BytesIO()
    np.savez(buffer, **content.arrays)  # type: ignore[arg-type]  # its stub takes the names for allow_pickle
    arrays = buffer.getbuffer()
    record = {
        "form": _FORM,
        "source": content.source,
        "notes": content.notes,
        "files": {_ARRAYS: hashlib.sha256(arrays).hexdigest()},
        "arrays": {key: f"{value.dtype} {list(value.shape)}" for key, value in content.arrays.items()},
    }
    replace(place / _ARRAYS, arrays)
    replace(place / _RECORD, json.dumps(record, indent=2).encode())


def replace(path: Path, content: bytes | memoryview) -> None:
    """Write a file so that a crash at any moment leaves the old one or the new one."""
    descriptor, temporary = tempfile.mkstemp(suffix=".tmp", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes files private; a shared folder's data is for all who may read the folder.
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def unwritable(folder: Path, error: OSError | ValueError) -> BadInput:
    """Return the error about a folder that prepared data cannot be written to."""
    reason = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else str(error)
    return BadInput(
        f"The data folder {folder} cannot be written: {reason}. "
        "Choose another: data_dir=/a/folder, or the environment variable ZOO_DATA_DIR."
    )
