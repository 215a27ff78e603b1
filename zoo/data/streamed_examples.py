"""Examples that stay in files: chosen and written into shards once, a few at a time, and read from there by index.

Bytes are written as the loader brought them, and scaled when they are read; other numbers as a model reads them.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from zoo.config import Data
from zoo.data import cache, examples, hashes, manifest, shards
from zoo.data.examples import Choice
from zoo.data.scaling import Scaling
from zoo.data.shards import Stored
from zoo.data.spec import Examples, Spec, Split, Splits, Texts

_PARTS = ("training", "validation", "test")
_SPEC = ("kind", "shape", "target", "classes", "labels", "image_shape")


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
    key = hashlib.sha256(json.dumps([data.options(), mark], default=str).encode()).hexdigest()[:16]
    own = folder / manifest.FOLDER / f"{data.name}-{key}"
    kept = manifest.kept(own, lambda new: _prepared(new, _examples(raw or read()), data))
    about = kept.about
    told: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in about["spec"].items()}
    spec = Spec(**told, scaling=Scaling.from_dict(about["scaling"]))
    train, valid, test = _splits(kept.folder, kept.arrays, spec.scaling)
    return Splits(data.name, spec, train, valid, test, None, about["digest"], about["source"], tuple(about["notes"]))


def _examples(raw: Examples | Texts | None) -> Examples:
    assert isinstance(raw, Examples)
    return raw


def _splits(folder: Path, arrays: dict[str, dict[str, Any]], scaling: Scaling) -> list[Split]:
    found = []
    for part in _PARTS:
        x, y = arrays[f"{part}.x"], arrays[f"{part}.y"]
        meaning = None if np.dtype(x["dtype"]) == np.float32 else scaling
        found.append(Split(Stored(folder, x, np.float32, meaning=meaning), np.asarray(Stored(folder, y))))
    return found


def _prepared(folder: Path, raw: Examples, data: Data) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    choice = examples.choose(raw, data)
    arrays = {}
    for part, (_, y) in choice.parts.items():
        arrays[f"{part}.x"] = shards.written(folder, f"{part}.x", _portions(choice, part))
        arrays[f"{part}.y"] = shards.written(folder, f"{part}.y", [y])
    spec = choice.spec
    return arrays, {
        "spec": {name: getattr(spec, name) for name in _SPEC},
        "scaling": spec.scaling.to_dict(),
        "digest": hashes.digest(_splits(folder, arrays, spec.scaling)),
        "source": raw.source,
        "notes": [*raw.notes, *choice.notes],
    }


def _portions(choice: Choice, part: str) -> Iterator[np.ndarray]:
    x, _ = choice.parts[part]
    return x.portions() if x.dtype.itemsize == 1 else map(partial(choice.scaled, part), x.portions())
