"""Where a compiled step finds its rows: all of them in memory, or the next ones, read from files while it runs."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from zoo.data import memory
from zoo.training.batches import Batches

_BYTES = 2**23  # that are read from files at a time
_STEPS = 256  # likewise, at most


@dataclass(frozen=True)
class Span:
    """Some batches of an epoch, and the arrays that hold their rows.

    Attributes:
        grid: Which rows of the arrays make up each batch, int32 [batches, rows].
        arrays: (x, y) or (x, y, weight).
        before: Batches of the epoch before the grid's first one.
        first: The first one of the grid to run.
        last: The one behind the last.
    """

    grid: tf.Tensor
    arrays: list[tf.Tensor]
    before: int
    first: int
    last: int


Spans = Callable[[Batches, int, int], Iterator[Span]]


def resident(arrays: Sequence[np.ndarray]) -> list[tf.Tensor]:
    """Return arrays as tensors on the device; on a CPU they are the arrays themselves, not copies of them.

    TensorFlow's own conversion holds two further copies of a large array in memory.
    """
    if tf.config.list_logical_devices("GPU"):
        return [tf.convert_to_tensor(array) for array in arrays]
    return [tf.experimental.dlpack.from_dlpack(memory.aligned(array).__dlpack__()) for array in arrays]


def spans(batches: Batches) -> Spans:
    """Return what yields the batches of an epoch, wherever their rows are."""
    return _from_files if batches.in_files else _from_memory(resident(batches.arrays()))


def _from_memory(arrays: list[tf.Tensor]) -> Spans:
    """Return what yields the batches of an epoch, all of whose rows are in memory."""

    def spans(batches: Batches, epoch: int, done: int) -> Iterator[Span]:
        rows, rest = batches.dealt(epoch)
        full = len(rows)
        if full > done:
            yield Span(tf.constant(rows), arrays, 0, done, full)
        if rest is not None and done <= full:
            yield Span(tf.constant(rest[None]), arrays, full, 0, 1)

    return spans


def _from_files(batches: Batches, epoch: int, done: int) -> Iterator[Span]:
    """Yield the batches of an epoch some at a time; those behind are read meanwhile.

    Args:
        batches: The rows.
        epoch: Counted from 0.
        done: Batches of it that are left out.
    """
    rows, rest = batches.dealt(epoch)
    full, size, count = len(rows), rows.shape[1], at_a_time(batches)
    parts = [(rows[first : first + count], first) for first in range(done, full, count)]
    if rest is not None and done <= full:
        parts.append((rest[None], full))
    with ThreadPoolExecutor(1) as reader:
        ahead = reader.submit(_read, batches, parts[0][0], count * size) if parts else None
        for index, (part, before) in enumerate(parts):
            assert ahead is not None
            arrays = ahead.result()
            if index + 1 < len(parts):
                ahead = reader.submit(_read, batches, parts[index + 1][0], count * size)
            yield Span(tf.reshape(tf.range(part.size), part.shape), arrays, before, 0, len(part))


def at_a_time(batches: Batches) -> int:
    """Return how many batches are read from files at a time: the same number in all processes that share them."""
    of_row = sum(array.dtype.itemsize * int(np.prod(array.shape[1:])) for array in batches.arrays())
    return max(1, min(_STEPS, _BYTES // (of_row * batches.batch_size), batches.steps))


def _read(batches: Batches, rows: np.ndarray, count: int) -> list[tf.Tensor]:
    """Return the rows of some batches, behind which others stand, so that there are always as many."""
    found = batches.read(rows.reshape(-1))
    full = [np.concatenate([one, np.zeros((count - len(one), *one.shape[1:]), one.dtype)]) for one in found]
    return resident(full)
