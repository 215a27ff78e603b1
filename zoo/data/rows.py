"""Rows of arrays, chosen without being copied: an array may be larger than memory, and lie in files.

A loader hands over such an array as NumPy has it, `np.load(path, mmap_mode="r")`; shards are a `Stored`.
"""

import mmap
from collections.abc import Iterator
from typing import Self

import numpy as np

from zoo.data.shards import Stored

_BYTES = 2**20  # that are copied at a time
_FROM_FILE = 64  # rows likewise, of a file: the system holds up to 2 MB around each


def at_a_time(dtype: np.dtype, shape: tuple[int, ...]) -> int:
    """Return how many rows of a type and a shape are read at a time: a megabyte of them, one at least."""
    return max(1, _BYTES // max(1, dtype.itemsize * int(np.prod(shape))))


class Rows:
    """Some rows of arrays of one shape and type that stand one behind the other.

    Args:
        arrays: Each [n, features].
        which: Which rows, int64 [m], counted through all arrays; None: all of the only one.
    """

    def __init__(self, *arrays: np.ndarray | Stored, which: np.ndarray | None = None):
        self._arrays, self._which = arrays, which
        self._bounds = np.cumsum([0, *map(len, arrays)])
        self.dtype: np.dtype = np.result_type(*(array.dtype for array in arrays))
        self.shape = (int(self._bounds[-1]) if which is None else len(which), *arrays[0].shape[1:])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: np.ndarray | slice) -> Self:
        if self._which is None and isinstance(key, np.ndarray) and key.dtype.kind == "i":
            return type(self)(*self._arrays, which=key)
        return type(self)(*self._arrays, which=self._chosen()[key])

    def and_then(self, others: Self) -> Self:
        """Return these rows, and others behind them."""
        which = np.concatenate([self._chosen(), others._chosen() + self._bounds[-1]])
        return type(self)(*self._arrays, *others._arrays, which=which)

    def same(self, others: Self) -> bool:
        """Tell whether others are as many rows of the same values."""
        pairs = zip(self.portions(), others.portions(), strict=False)
        return self.shape == others.shape and all(np.array_equal(one, other) for one, other in pairs)

    def whole(self) -> np.ndarray:
        """Return all of them at once; the array itself where they are all of its rows."""
        return self._taken(slice(None))

    def portions(self) -> Iterator[np.ndarray]:
        """Yield all of them, a megabyte at a time."""
        size = at_a_time(self.dtype, self.shape[1:])
        for first in range(0, len(self), size):
            yield self._taken(slice(first, first + size))
            _let_go(self._arrays[0])

    def _chosen(self) -> np.ndarray:
        return np.arange(len(self)) if self._which is None else self._which

    def _taken(self, part: slice) -> np.ndarray:
        if self._which is None:
            return self._arrays[0][part]
        which = self._which[part]
        if len(self._arrays) == 1:
            return _rows_of(self._arrays[0], which)
        found = np.empty((len(which), *self.shape[1:]), self.dtype)
        of = np.searchsorted(self._bounds, which, side="right") - 1
        for index, array in enumerate(self._arrays):
            found[of == index] = _rows_of(array, which[of == index] - self._bounds[index])
        return found


def _rows_of(array: np.ndarray | Stored, which: np.ndarray) -> np.ndarray:
    if isinstance(array, Stored):
        return array.take(which)
    if _file_of(array) is None:
        return array[which]
    found = np.empty((len(which), *array.shape[1:]), array.dtype)
    for first in range(0, len(which), _FROM_FILE):
        found[first : first + _FROM_FILE] = array[which[first : first + _FROM_FILE]]
        _let_go(array)
    return found


def _let_go(array: np.ndarray | Stored) -> None:
    """Give back the memory of what was read from a file, which the system would count as this process's."""
    if (file := _file_of(array)) is not None:
        file.madvise(mmap.MADV_DONTNEED)


def _file_of(array: np.ndarray | Stored) -> mmap.mmap | None:
    """Return the map of the file that an array lies in; None where it lies in memory, or might be changed there."""
    base: object = None if isinstance(array, Stored) or array.flags.writeable else array
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED") else None
