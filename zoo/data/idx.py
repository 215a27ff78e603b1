"""The IDX file format, in which MNIST and its kin are published (yann.lecun.com/exdb/mnist)."""

import math

import numpy as np

_UINT8 = 8


def to_idx(array: np.ndarray) -> bytes:
    """Return the bytes of the IDX file that holds a uint8 array: images [n, 28, 28] or labels [n]."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes((0, 0, _UINT8, array.ndim)) + sizes + array.tobytes()


def from_idx(content: bytes) -> np.ndarray:
    """Return the uint8 array in the bytes of an IDX file.

    Raises:
        ValueError: They are no IDX file of bytes.
    """
    if content[:3] != bytes((0, 0, _UINT8)):
        raise ValueError(f"An IDX file of bytes begins with 00 00 08. Received: {content[:3].hex(' ')}.")
    start = 4 + 4 * (content[3] if len(content) > 3 else 0)
    shape = [int(size) for size in np.frombuffer(content[4:start], ">u4")]
    if not shape or len(content) != start + math.prod(shape):
        raise ValueError(f"An IDX file of shape {shape} has another size than {len(content):,} bytes.")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
