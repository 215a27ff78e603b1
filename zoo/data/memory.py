"""Arrays placed in memory so that TensorFlow can use them where they are."""

import numpy as np
from numpy.typing import DTypeLike

ALIGNMENT = 64  # bytes; TensorFlow's EIGEN_MAX_ALIGN_BYTES, a line of the cache


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
    """Return an array that begins at a multiple of 64 bytes, its values not set."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    block = np.empty(size + ALIGNMENT, np.uint8)
    start = -block.ctypes.data % ALIGNMENT
    return block[start : start + size].view(dtype).reshape(shape)


def aligned(array: np.ndarray) -> np.ndarray:
    """Return the array, or a copy of it, contiguous and beginning at a multiple of 64 bytes."""
    if array.flags.c_contiguous and array.flags.writeable and array.ctypes.data % ALIGNMENT == 0:
        return array
    copy = empty(array.shape, array.dtype)
    copy[...] = array
    return copy
