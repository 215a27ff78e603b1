"""Examples that stay in files: written into shards once as the loader brought them, a few at a time.

Which of them make up each split, and how they are scaled, is a matter of reading: folds, classes and limits share the
shards. Labels are in memory.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from zoo.config import Data
from zoo.data import cache, examples, hashes, manifest, memory, shards
from zoo.data.rows import Rows
from zoo.data.scaling import Scaling
from zoo.data.shards import Stored
from zoo.data.spec import Examples, Split, Splits, Texts

_PARTS = ("train", "valid", "test")


def load(data: Data, folder: Path, read: Callable[[], Examples | Texts]) -> Splits:
    """Return the splits of a data option, with the examples in files.

    Where the data set is one that is prepared once, only its shards are read from the second time on. What a loader of
    the user's brings may change, so it is asked each time, and told from what it brought before by its hash.

    Args:
        data: The data option.
        folder: Of prepared data.
        read: Returns what its loader brings.

    Raises:
        BadInput: As `read` and `zoo.data.examples.choose` say; or a shard is missing.
    """
    shards.library()
    raw = read() if cache.mark(folder, data.name) is None else None
    mark = cache.mark(folder, data.name) or hashes.raw_digest(_examples(raw))
    key = hashlib.sha256(json.dumps([data.load, mark]).encode()).hexdigest()[:16]
    own = folder / manifest.FOLDER / f"{data.name}-{key}"
    kept = manifest.kept(own, data.name, lambda new: _written(new, _examples(raw or read()), data))
    stored = _stored(kept)

    def find() -> dict[str, Any]:
        choice = examples.choose(stored, data)
        return {"scaling": choice.spec.scaling.to_dict(), "digest": hashes.digest(_splits(choice))}

    found = manifest.noted(kept, data.options(), find)
    choice = examples.choose(stored, data, Scaling.from_dict(found["scaling"]))
    train, valid, test = _splits(choice)
    notes = (*stored.notes, *choice.notes)
    return Splits(data.name, choice.spec, train, valid, test, None, found["digest"], stored.source, notes)


class Scaled:
    """Rows that are read and scaled when they are asked for, float32 [n, features].

    Args:
        choice: Which rows of a data set make up its splits.
        part: The split.
    """

    dtype = np.dtype(np.float32)
    nbytes = 0  # of memory, to speak of

    def __init__(self, choice: examples.Choice, part: str):
        self._choice, self._part = choice, part
        self._rows: Rows = choice.parts[part][0]
        self.shape = self._rows.shape

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return int(np.prod(self.shape))

    def __len__(self) -> int:
        return len(self._rows)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return some rows, in their order."""
        return self[rows]

    def __getitem__(self, key: np.ndarray | slice) -> np.ndarray:
        return self._choice.scaled(self._part, self._rows[key].whole())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        memory.check(self.size * self.dtype.itemsize, f"The {self._part} split")
        return np.asarray(self[:], dtype)


def _examples(raw: Examples | Texts | None) -> Examples:
    assert isinstance(raw, Examples)
    return raw


def _written(folder: Path, raw: Examples, data: Data) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    examples.choose(raw, data, Scaling())  # says what is wrong with it
    arrays = {}
    for part in _PARTS:
        if (pair := getattr(raw, part)) is not None:
            x, y = np.asarray(pair[0]), np.asarray(pair[1])
            arrays[f"{part}.x"] = shards.written(folder, f"{part}.x", Rows(x.reshape(len(x), -1)).portions())
            arrays[f"{part}.y"] = shards.written(folder, f"{part}.y", [y])
    return arrays, {
        "labels": [str(label) for label in raw.labels],
        "image_shape": raw.image_shape and [int(side) for side in raw.image_shape],
        "value_range": raw.value_range and [float(end) for end in raw.value_range],
        "source": raw.source,
        "notes": list(raw.notes),
    }


def _stored(kept: manifest.Kept) -> Examples:
    """Return what the loader brought, in files."""
    brought: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in kept.about.items()}
    for part in _PARTS:
        if f"{part}.x" in kept.arrays:
            x, y = (Stored(kept.folder, kept.arrays[f"{part}.{kind}"]) for kind in "xy")
            brought[part] = x, np.asarray(y)
    return Examples(**brought)


def _splits(choice: examples.Choice) -> list[Split]:
    return [Split(Scaled(choice, part), choice.parts[part][1]) for part in ("training", "validation", "test")]
