"""Folders of shards that are prepared once, and the manifest in each that says what has to be there."""

import contextlib
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from zoo.config import BadInput
from zoo.data.cache import acquire, replace, unwritable
from zoo.data.shards import Stored

FOLDER = "shards"  # in the folder of prepared data
MANIFEST = "manifest.json"
_FORM = 1  # raise it when shards are written otherwise than before: older ones are then written again


@dataclass(frozen=True)
class Kept:
    """What lies in a folder of shards.

    Attributes:
        folder: Which.
        arrays: By name.
        about: What whoever wrote them has to say, as JSON has it.
    """

    folder: Path
    arrays: dict[str, dict[str, Any]]
    about: dict[str, Any]


def kept(folder: Path, name: str, prepare: Callable[[Path], tuple[dict[str, dict[str, Any]], dict[str, Any]]]) -> Kept:
    """Return what lies in a folder of shards; have it prepared first where there is none.

    Whatever happens, the folder holds all of it or is not there. Two processes that ask at once prepare it once.

    Args:
        folder: Of these shards alone.
        name: Of the data.
        prepare: Writes shards into a folder that it is given; returns what the manifest says of each array, and what
            else is to be kept beside them.

    Raises:
        BadInput: The folder cannot be written, or a shard is not there as it was written; or `prepare` says so.
    """
    if (found := _found(folder)) is None:
        lock = FileLock(folder.with_name(f"{folder.name}.lock"))
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            acquire(lock, name)
            try:
                if (found := _found(folder)) is None:
                    _prepare(folder, prepare)
                    found = _found(folder)
            finally:
                lock.release()
        except OSError as error:
            raise unwritable(folder, error) from None
    assert found is not None
    return found


def noted(kept: Kept, choice: Any, find: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what was found out of the shards for a choice of their rows; find it first where nobody has.

    Args:
        kept: The shards.
        choice: What is to be told apart, as JSON has it.
        find: Reads the shards, and returns what JSON can hold.
    """
    key = hashlib.sha256(json.dumps(choice, default=str).encode()).hexdigest()
    path = kept.folder / f"{key[:16]}.json"
    with contextlib.suppress(OSError, ValueError):
        known: dict[str, Any] = json.loads(path.read_bytes())
        return known
    found = find()
    with contextlib.suppress(OSError):  # a folder of others, that is there to be read
        replace(path, json.dumps(found).encode())
    return found


def _prepare(folder: Path, prepare: Callable[[Path], tuple[dict[str, dict[str, Any]], dict[str, Any]]]) -> None:
    new = folder.with_name(f"{folder.name}.new")
    for leftover in (new, folder):  # of a process that was killed, or of another version
        shutil.rmtree(leftover, ignore_errors=True)
    new.mkdir()
    try:
        arrays, about = prepare(new)
        manifest = {"form": _FORM, "arrays": arrays, "about": about}
        replace(new / MANIFEST, json.dumps(manifest, ensure_ascii=False).encode())
        new.rename(folder)
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _found(folder: Path) -> Kept | None:
    """Return what lies in a folder of shards, or None where there is none of this version.

    Raises:
        BadInput: Something in it is not as it was written.
    """
    try:
        text = (folder / MANIFEST).read_bytes()
        manifest = json.loads(text)
        if manifest["form"] != _FORM:
            return None
        found = Kept(folder, manifest["arrays"], manifest["about"])
        fault = next((one for entry in found.arrays.values() if (one := Stored(folder, entry).missing())), None)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        fault = f"{folder / MANIFEST} is damaged ({error})"
    if fault:
        raise BadInput(f"Of the data in shards, {fault}. Remove {folder}, and run again: it is written anew.")
    return found
