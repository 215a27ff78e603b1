"""Folders of shards that are prepared once, and the manifest in each that says what has to be there."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock

from zoo.config import BadInput
from zoo.data.cache import unwritable
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
        digest: SHA-256 of the manifest, in hex, which has those of all shards.
    """

    folder: Path
    arrays: dict[str, dict[str, Any]]
    about: dict[str, Any]
    digest: str


def kept(folder: Path, prepare: Callable[[Path], tuple[dict[str, dict[str, Any]], dict[str, Any]]]) -> Kept:
    """Return what lies in a folder of shards; have it prepared first where there is none.

    Whatever happens, the folder holds all of it or is not there. Two processes that ask at once prepare it once.

    Args:
        folder: Of these shards alone.
        prepare: Writes shards into a folder that it is given; returns what the manifest says of each array, and what
            else is to be kept beside them.

    Raises:
        BadInput: The folder cannot be written, or a shard is not there as it was written; or `prepare` says so.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{folder.name}.lock")):
            if not (folder / MANIFEST).is_file():
                new = folder.with_name(f"{folder.name}.new")
                for leftover in (new, folder):
                    shutil.rmtree(leftover, ignore_errors=True)
                new.mkdir()
                try:
                    arrays, about = prepare(new)
                    manifest = {"form": _FORM, "arrays": arrays, "about": about}
                    (new / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False), encoding="utf-8")
                    new.rename(folder)
                finally:
                    shutil.rmtree(new, ignore_errors=True)
    except OSError as error:
        raise unwritable(folder, error) from None
    return _found(folder)


def _found(folder: Path) -> Kept:
    try:
        text = (folder / MANIFEST).read_bytes()
        manifest = json.loads(text)
        found = Kept(folder, manifest["arrays"], manifest["about"], hashlib.sha256(text).hexdigest())
        faults = [fault for entry in found.arrays.values() if (fault := Stored(folder, entry).missing())]
        if manifest["form"] != _FORM:
            faults.append(f"{folder} was written by another version")
    except (OSError, ValueError, KeyError, TypeError) as error:
        faults = [f"{folder / MANIFEST} is damaged ({error})"]
    if faults:
        raise BadInput(f"Of the data in shards, {faults[0]}. Remove {folder}, and run again: it is written anew.")
    return found
