"""Arrays placed in memory so that TensorFlow can use them where they are, if there is room for them."""

import numpy as np
import psutil
from numpy.typing import DTypeLike

from zoo.config import BadInput

ALIGNMENT = 64  # bytes; TensorFlow's EIGEN_MAX_ALIGN_BYTES, a line of the cache


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> np.ndarray:
    """Return an array that begins at a multiple of 64 bytes, its values not set."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape)) * dtype.itemsize
    block = np.empty(size + ALIGNMENT, np.uint8)
    start = -block.ctypes.data % ALIGNMENT
    return block[start : start + size].view(dtype).reshape(shape)


def check(size: int, what: str) -> None:
    """Refuse what does not fit into the memory that is free; the system would rather stop another program.

    Args:
        size: In bytes.
        what: How an error calls it, such as `data.train=corpus.txt`.

    Raises:
        BadInput: It does not fit.
    """
    if size > (free := psutil.virtual_memory().available):
        raise BadInput(f"{what} should fit into memory: it takes {size:.3g} bytes, and {free:.3g} are free.")


def aligned(array: np.ndarray) -> np.ndarray:
    """Return the array, or a copy of it, contiguous and beginning at a multiple of 64 bytes."""
    if array.flags.c_contiguous and array.flags.writeable and array.ctypes.data % ALIGNMENT == 0:
        return array
    copy = empty(array.shape, array.dtype)
    copy[...] = array
    return copy
