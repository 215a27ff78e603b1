"""The order of the rows in an epoch: a pure function of (seed, epoch)."""

import functools

import numpy as np


def order(rows: int, seed: int, epoch: int) -> np.ndarray:
    """Return the order of some rows in an epoch, int32 [rows], counted from epoch 0."""
    return np.random.default_rng([seed, epoch]).permutation(rows).astype(np.int32)


def orders(rows: int, seed: int, first: int, count: int) -> np.ndarray:
    """Return the orders of some rows in some epochs, int32 [count, rows], the first of them counted from 0."""
    size = max(1, min(256, 4096 // rows))
    blocks = range(first // size, (first + count - 1) // size + 1)
    found = np.concatenate([_block(rows, seed, block, size) for block in blocks])
    return found[first - blocks[0] * size :][:count]


@functools.lru_cache(maxsize=4096)  # 64 MB at most, for the next training of the same seed
def _block(rows: int, seed: int, block: int, size: int) -> np.ndarray:
    return np.stack([order(rows, seed, block * size + index) for index in range(size)])
