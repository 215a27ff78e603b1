"""Examples that stay in files: split and scaled once, in memory, and read from shards by index from then on."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from zoo.config import Data
from zoo.data import cache, manifest, shards
from zoo.data.scaling import Scaling
from zoo.data.shards import Stored
from zoo.data.spec import Spec, Split, Splits

_PARTS = ("train", "valid", "test")
_SPEC = ("kind", "shape", "target", "classes", "labels", "image_shape")


def load(data: Data, folder: Path, whole: Callable[[], Splits]) -> Splits:
    """Return the splits of a data option, with the training examples in files.

    Where the data set is one that is prepared once, only its shards are read from the second time on. What a loader of
    the user's brings may change, so it is asked each time.

    Args:
        data: The data option.
        folder: Of prepared data.
        whole: Returns the splits in memory.

    Raises:
        BadInput: As `whole` says; or a shard is missing.
    """
    shards.library()
    splits = whole() if cache.mark(folder, data.name) is None else None
    mark = cache.mark(folder, data.name) or (splits or whole()).digest
    key = hashlib.sha256(json.dumps([data.options(), mark], default=str).encode()).hexdigest()[:16]
    kept = manifest.kept(folder / manifest.FOLDER / f"{data.name}-{key}", lambda new: _prepared(new, splits or whole()))
    stored = {name: Stored(kept.folder, entry) for name, entry in kept.arrays.items()}
    train = Split(stored["train.x"], np.asarray(stored["train.y"]))
    valid, test = (Split(np.asarray(stored[f"{name}.x"]), np.asarray(stored[f"{name}.y"])) for name in _PARTS[1:])
    about = kept.about
    told: dict[str, Any] = {name: tuple(one) if isinstance(one, list) else one for name, one in about["spec"].items()}
    spec = Spec(**told, scaling=Scaling.from_dict(about["scaling"]))
    return Splits(data.name, spec, train, valid, test, None, about["digest"], about["source"], tuple(about["notes"]))


def _prepared(folder: Path, splits: Splits) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    arrays = {
        f"{name}.{kind}": shards.written(folder, f"{name}.{kind}", getattr(getattr(splits, name), kind))
        for name in _PARTS
        for kind in ("x", "y")
    }
    return arrays, {
        "spec": {name: getattr(splits.spec, name) for name in _SPEC},
        "scaling": splits.spec.scaling.to_dict(),
        "digest": splits.digest,
        "source": splits.source,
        "notes": splits.notes,
    }
