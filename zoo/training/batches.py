"""What a training loop iterates over: arrays of rows, and the order of the rows in each epoch.

The order is a pure function of (seed, epoch), so that both loops, a resumed run and a run on another machine see the
same batches. Text is laid out as rows too: one row is one window of tokens.
"""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from zoo.config import BadInput, Config
from zoo.data import Spec, Split, Splits
from zoo.data.pieces import Cut
from zoo.data.shards import Stored
from zoo.training import order


@dataclass(frozen=True)
class Batches:
    """Rows of one split and how they are dealt into batches.

    Attributes:
        x: Inputs, float32 [rows, features], float32 [rows, time, features] or int32 [rows, time].
        y: Targets, float32 [rows, 1] for a 0/1 target or a value, int32 [rows] for classes, int32 [rows, time] or
            [rows] for tokens.
            Both may lie in files, as a `Stored` or as `Pieces`, which are read some rows at a time.
        weight: float32 [rows], how much each row counts in the loss, or None.
        batch_size: Rows in a batch; the last batch of an epoch may be smaller.
        seed: Of the order; None keeps the rows as they are.
        unit: What speed is measured in.
        units: Units in one row.
        share: Which part of each batch is this process's, counted from 0, and into how many the batches are cut.
    """

    x: Any
    y: Any
    weight: np.ndarray | None
    batch_size: int
    seed: int | None
    unit: Literal["examples", "tokens"] = "examples"
    units: int = 1
    share: tuple[int, int] = (0, 1)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.x)

    @property
    def passes(self) -> int:
        """How often a row goes through the weights: once, or once for each of its time steps."""
        return self.units * math.prod(self.x.shape[1:-1])

    @property
    def steps(self) -> int:
        """Number of batches in an epoch."""
        return -(-self.rows // self.batch_size)

    def order(self, epoch: int) -> np.ndarray:
        """Return the order of the rows in an epoch, int32 [rows], counted from epoch 0."""
        return np.arange(self.rows, dtype=np.int32) if self.seed is None else order.order(self.rows, self.seed, epoch)

    @property
    def own_size(self) -> int:
        """Rows of a full batch that are this process's."""
        own = self._own(self.batch_size)
        return own.stop - own.start

    def dealt(self, epoch: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Return which rows make up the batches of an epoch, counted from 0, as far as they are this process's.

        Returns:
            Those of full batches, int32 [batches, rows], and those of the smaller one behind them, int32 [rows], or
            None if there is none.
        """
        order, size = self.order(epoch), self.batch_size
        full, rest = divmod(len(order), size)
        grid = order[: full * size].reshape(full, size)
        return grid[:, self._own(size)], order[full * size :][self._own(rest)] if rest else None

    def _own(self, size: int) -> slice:
        index, of = self.share
        return slice(size * index // of, size * (index + 1) // of)

    def orders(self, first: int, count: int) -> np.ndarray:
        """Return the orders of the rows in some epochs, int32 [count, rows], the first of them counted from 0."""
        if self.seed is None:
            return np.tile(self.order(first), (count, 1))
        return order.orders(self.rows, self.seed, first, count)

    def arrays(self) -> tuple[Any, ...]:
        """Return (x, y) or (x, y, weight)."""
        return (self.x, self.y) if self.weight is None else (self.x, self.y, self.weight)

    @property
    def in_files(self) -> bool:
        """Whether the rows are read when they are needed."""
        return not isinstance(self.x, np.ndarray)

    def read(self, rows: np.ndarray) -> list[np.ndarray]:
        """Return (x, y) or (x, y, weight) of some rows."""
        return [array[rows] if isinstance(array, np.ndarray) else array.take(rows) for array in self.arrays()]


def training(splits: Splits, config: Config) -> Batches:
    """Return the training batches: shuffled rows, or contiguous streams where recurrent state is carried."""
    split, spec = splits.train, splits.spec
    if config.model.carries_state:
        return streams(split.x, config, batch_size(split, config))
    if spec.kind == "tokens":
        return windows(split.x, config, batch_size(split, config), seed=config.seed)
    weight = _class_weights(split, spec, config)
    return _examples(split, spec, config, batch_size(split, config), config.seed, weight)


def evaluation(split: Split, splits: Splits, config: Config) -> Batches:
    """Return the rows of a split in their own order.

    Streams are dealt into as many as in training, because a stateful model takes one batch size only.
    """
    if config.model.carries_state:
        return streams(split.x, config, batch_size(splits.train, config))
    if splits.spec.kind == "tokens":
        return windows(split.x, config, batch_size(splits.train, config), seed=None)
    return _examples(split, splits.spec, config, max(256, batch_size(splits.train, config)), None, None)


def whole(split: Split, splits: Splits, config: Config) -> list[Batches]:
    """Return all rows of a split, for the final test.

    A text that is read with carried state comes as one stream, to its last token: the tail that does not fill a
    window is a part of its own.
    """
    if not config.model.carries_state:
        return [evaluation(split, splits, config)]
    length = config.data.sequence_length
    parts = []
    done = 0
    if len(split.x) > length:
        parts.append(streams(split.x, config, 1))
        done = parts[0].rows * length
    if len(split.x) - done > 1:
        parts.append(streams(split.x[done:], config, 1, length=len(split.x) - done - 1))
    return parts


def batch_size(train: Split, config: Config) -> int:
    """Return the batch size as a number: no larger than the training split, which is what `full` means."""
    if config.model.carries_state:
        assert config.batch_size != "full"  # refused by zoo.config
        return config.batch_size
    rows = _windows_in(len(train.x), config) if train.y is None else len(train.x)
    return rows if config.batch_size == "full" else min(config.batch_size, rows)


def streams(tokens: np.ndarray | Stored, config: Config, size: int, length: int | None = None) -> Batches:
    """Cut a text into `size` parallel streams, read `sequence_length` tokens at a time (truncated BPTT).

    Batch t holds the t-th piece of every stream, so that state carried from batch to batch belongs to the text that
    came before. What does not fill a batch at the end is left out: (len ÷ size − 1) ÷ length batches, as in
    TensorFlow's ptb_word_lm tutorial.
    """
    length = length or config.data.sequence_length
    stream_length = len(tokens) // size
    steps = (stream_length - 1) // length
    if steps < 1:
        raise BadInput(
            f"A split of {len(tokens):,} tokens is too short for batch_size={size} streams of "
            f"data.sequence_length={length} tokens: at least {size * (length + 1):,} are needed. "
            "Use a smaller batch_size or data.sequence_length."
        )
    if isinstance(tokens, Stored):
        cut = Cut(tokens, steps * size, length, columns=size, apart=stream_length, step=length)
        return Batches(*cut.parts(last=config.model.predict == "last"), None, size, None, "tokens", length)
    grid = tokens[: size * stream_length].reshape(size, stream_length)

    def rows(start: int) -> np.ndarray:
        pieces = grid[:, start : start + steps * length].reshape(size, steps, length)
        return np.ascontiguousarray(pieces.transpose(1, 0, 2).reshape(steps * size, length))

    y = rows(1)
    return Batches(rows(0), _targets(y, config), None, size, None, "tokens", length)


def windows(tokens: np.ndarray | Stored, config: Config, size: int, seed: int | None) -> Batches:
    """Cut a text into independent windows of `sequence_length` tokens, one every `stride` tokens."""
    length = config.data.sequence_length
    count = _windows_in(len(tokens), config)
    if count < 1:
        raise BadInput(
            f"A split of {len(tokens):,} tokens is too short for a window of data.sequence_length={length} tokens "
            "and the token after it."
        )
    if isinstance(tokens, Stored):
        cut = Cut(tokens, count, length, columns=1, apart=0, step=config.data.stride or length)
        parts = cut.parts(last=config.model.predict == "last")
        return Batches(*parts, None, min(size, count), seed, "tokens", length)
    starts = np.arange(count) * (config.data.stride or length)
    view = np.lib.stride_tricks.sliding_window_view(tokens, length + 1)[starts]
    x, y = np.ascontiguousarray(view[:, :-1]), np.ascontiguousarray(view[:, 1:])
    return Batches(x, _targets(y, config), None, min(size, count), seed, "tokens", length)


def _windows_in(tokens: int, config: Config) -> int:
    length = config.data.sequence_length
    return max(0, (tokens - length - 1) // (config.data.stride or length) + 1)


def _targets(y: np.ndarray, config: Config) -> np.ndarray:
    return np.ascontiguousarray(y[:, -1]) if config.model.predict == "last" else y


def _examples(
    split: Split, spec: Spec, config: Config, size: int, seed: int | None, weight: np.ndarray | None
) -> Batches:
    assert split.y is not None
    y = split.y
    if spec.target == "binary" or config.model.output == "values":
        y = y.astype(np.float32).reshape(-1, 1)
    return Batches(split.x, y, weight, min(size, len(split.x)), seed)


def _class_weights(split: Split, spec: Spec, config: Config) -> np.ndarray | None:
    """Return the weight of each row's class; `balanced` is n ÷ (classes · count), as in scikit-learn."""
    if config.class_weight is None:
        return None
    assert split.y is not None
    labels = split.y.astype(int)
    if config.class_weight == "balanced":
        counts = np.bincount(labels, minlength=spec.classes)
        by_class = len(labels) / (spec.classes * np.maximum(counts, 1))
    elif len(config.class_weight) == spec.classes:
        by_class = np.array(config.class_weight)
    else:
        raise BadInput(
            f"class_weight should hold one weight for each of the {spec.classes} classes. "
            f"Received {len(config.class_weight)}."
        )
    return by_class[labels].astype(np.float32)
