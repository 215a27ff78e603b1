"""What tells data from other data: SHA-256 over arrays, a part at a time."""

import hashlib
from collections.abc import Iterable

import numpy as np

from zoo.data.rows import Rows, at_a_time
from zoo.data.spec import Examples, Split


def digest(splits: Iterable[Split], words: str = "") -> str:
    """Return the SHA-256, in hex, over the arrays of the splits (type, shape, bytes) and what their ids stand for."""
    state = hashlib.sha256(words.encode())
    for split in splits:
        for array in (split.x, split.y):
            if array is not None:
                state.update(f"{array.dtype.str}{array.shape}".encode())
                size = at_a_time(array.dtype, array.shape[1:])
                for first in range(0, len(array), size):
                    state.update(np.ascontiguousarray(array[first : first + size]).data)
    return state.hexdigest()


def raw_digest(raw: Examples) -> str:
    """Return the SHA-256, in hex, over what a loader of examples brought: its arrays, and all that is said of them."""
    said = (raw.labels, raw.image_shape, raw.value_range, raw.source, raw.notes)
    state = hashlib.sha256(repr(said).encode())
    for pair in (raw.train, raw.valid, raw.test):
        for array in map(np.asarray, pair or ()):
            state.update(f"{array.dtype.str}{array.shape}".encode())
            for part in Rows(array).portions():
                state.update(np.ascontiguousarray(part).data)
    return state.hexdigest()
