"""Checkpoints as files: whole or not at all, verified when they are read, and the one before where the last is damaged.

A folder holds the last two states of a training, `last-<number>-<hash>.npz`, and the best weights that they refer to,
`best-<epoch>-<hash>.npz`. The hash is the beginning of the SHA-256 of the file. Nothing in them is ever executed: they
are arrays and JSON.
"""

import contextlib
import hashlib
import itertools
import json
import logging
import os
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

log = logging.getLogger(__name__)

KEPT = 2  # states; the second is for the day when the first turns out to be damaged
_NAME = re.compile(r"(last|best)-(\d{8})-([0-9a-f]{16})\.npz")
_META = "meta"


class Damaged(Exception):
    """A checkpoint is not what was written."""


@dataclass(frozen=True)
class Checkpoint:
    """What was saved.

    Attributes:
        arrays: By name.
        meta: Numbers and words, as JSON has them.
        best: The best weights so far; None where no epoch was finished.
    """

    arrays: Mapping[str, np.ndarray]
    meta: Mapping[str, Any]
    best: list[np.ndarray] | None


class CheckpointFolder:
    """The checkpoints of one run.

    Args:
        folder: Made by the first `save`.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self._best: tuple[int, str] | None = None  # epoch and file of the best weights written last

    def save(
        self,
        arrays: Iterable[tuple[str, np.ndarray]],
        meta: Mapping[str, Any],
        best: tuple[int, Sequence[np.ndarray]] | None = None,
    ) -> None:
        """Write a state, and the best weights if they are others than before.

        A reader finds the state of before or this one, whenever the machine stops: the new file is written under
        another name, forced to the disk, and renamed.

        Args:
            arrays: Names and values, taken one after another, so that they need not be in memory together.
            meta: Numbers and words that JSON can hold.
            best: The epoch of the best weights so far, and the weights.

        Raises:
            OSError: The disk is full, or the folder cannot be written. What was saved before is untouched.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        if best is not None and (self._best is None or self._best[0] != best[0]):
            epoch, weights = best
            self._best = epoch, self._write("best", epoch, _numbered(weights), {"epoch": epoch})
        states = self._states()
        number = 1 + max((int(match[2]) for match in states), default=0)
        held = {**meta, "best": self._best[1] if best is not None and self._best else None}
        self._write("last", number, arrays, held)
        self._tidy()

    def load(self) -> Checkpoint | None:
        """Return the last state that is whole, or None if there is none; say so where a later one is damaged."""
        for match in sorted(self._states(), key=lambda match: int(match[2]), reverse=True):
            try:
                found = self._checkpoint(match.string)
            except Damaged as error:
                log.warning(f"{error} Going back to the checkpoint before it.")
                continue
            if file := found.meta.get("best"):
                self._best = int(file.split("-")[1]), file
            return found
        return None

    def size(self) -> int:
        """Return how many bytes the checkpoints take."""
        return sum(file.stat().st_size for file in self.folder.glob("*.npz"))

    def clear(self) -> None:
        """Remove all checkpoints."""
        for file in self._files():
            (self.folder / file.string).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # something else is in it
            self.folder.rmdir()

    def _checkpoint(self, name: str) -> Checkpoint:
        arrays, meta = self._read(name)
        best = None
        if file := meta.get("best"):
            weights, _ = self._read(str(file))
            best = [weights[name] for name in sorted(weights)]
        return Checkpoint(arrays, meta, best)

    def _files(self) -> list[re.Match[str]]:
        names = os.listdir(self.folder) if self.folder.is_dir() else []
        return [match for name in names if (match := _NAME.fullmatch(name))]

    def _states(self) -> list[re.Match[str]]:
        return [match for match in self._files() if match[1] == "last"]

    def _write(self, kind: str, number: int, arrays: Iterable[tuple[str, np.ndarray]], meta: Mapping[str, Any]) -> str:
        new = self.folder / f"{kind}.{os.getpid()}.new"
        try:
            with new.open("wb") as file:
                # As np.savez writes it, but one array after another.
                with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                    for name, array in itertools.chain(arrays, [(_META, _as_array(meta))]):
                        with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                            np.lib.format.write_array(entry, np.asanyarray(array), allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
            name = f"{kind}-{number:08d}-{_digest(new)}.npz"
            new.replace(self.folder / name)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
        _sync(self.folder)
        return name

    def _read(self, name: str) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the arrays and the words of a file.

        Raises:
            Damaged: It is gone, or its content does not have the hash that its name says.
        """
        match = _NAME.fullmatch(name)
        file = self.folder / name
        try:
            if match is None or not file.is_file() or _digest(file) != match[3]:
                raise Damaged(f"The checkpoint {file} is damaged: its content is not what was written.")
            with np.load(file, allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
            meta = json.loads(arrays.pop(_META).tobytes())
            if not isinstance(meta, dict):
                raise ValueError(f"{_META} should hold keys and values")
        except Damaged:
            raise
        except Exception as error:  # zipfile, zlib, json and NumPy have a dozen kinds for what is damaged
            raise Damaged(f"The checkpoint {file} can't be read: {error}.") from None
        return arrays, meta

    def _tidy(self) -> None:
        """Remove the states before the last two, and the best weights that none of the two refers to."""
        states = sorted(self._states(), key=lambda match: int(match[2]))
        for match in states[:-KEPT]:
            (self.folder / match.string).unlink(missing_ok=True)
        with contextlib.suppress(Damaged):
            used = {self._read_best(match.string) for match in states[-KEPT:]}
            for match in self._files():
                if match[1] == "best" and match.string not in used:
                    (self.folder / match.string).unlink(missing_ok=True)

    def _read_best(self, name: str) -> str | None:
        """Return which best weights a state refers to, without reading all of it."""
        try:
            with np.load(self.folder / name, allow_pickle=False) as archive:
                return json.loads(archive[_META].tobytes()).get("best")
        except Exception as error:
            raise Damaged(str(error)) from None


def _numbered(weights: Iterable[np.ndarray]) -> Iterable[tuple[str, np.ndarray]]:
    """Yield arrays with names that keep their order."""
    for index, array in enumerate(weights):
        yield _number(index), array


def _number(index: int) -> str:
    return f"{index:04d}"


def _as_array(meta: Mapping[str, Any]) -> np.ndarray:
    return np.frombuffer(json.dumps(meta).encode(), np.uint8)


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:16]


def _sync(folder: Path) -> None:
    """Force the names in a folder to the disk, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
