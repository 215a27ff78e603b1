"""Sequences of tokens that are cut from a stream in files when they are asked for."""

from dataclasses import dataclass, field
from threading import Lock
from typing import Literal

import numpy as np

from zoo.data.shards import Stored


@dataclass
class Cut:
    """How sequences lie in a stream: `row` and `column` of a grid say where each begins.

    Attributes:
        tokens: The stream.
        count: Sequences.
        length: Tokens of one, without the one behind it.
        columns: Sequence i begins at (i % columns) * apart + (i // columns) * step.
        apart: Tokens between two columns.
        step: Tokens between two rows.
    """

    tokens: Stored
    count: int
    length: int
    columns: int
    apart: int
    step: int
    _rows: np.ndarray | None = field(default=None, repr=False)
    _read: np.ndarray | None = field(default=None, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return some sequences with the token behind each, int32 [n, length + 1]."""
        with self._lock:  # inputs and targets ask for the same, one after the other
            if self._read is None or rows is not self._rows:
                row, column = np.divmod(rows.astype(np.int64), self.columns)
                self._rows, self._read = (
                    rows,
                    self.tokens.pieces(column * self.apart + row * self.step, self.length + 1),
                )
            return self._read

    def parts(self, *, last: bool) -> tuple["Pieces", "Pieces"]:
        """Return inputs and targets.

        Args:
            last: The target is the token behind the sequence alone.
        """
        return Pieces(self, "inputs"), Pieces(self, "last" if last else "targets")


@dataclass(frozen=True)
class Pieces:
    """The inputs of sequences, int32 [count, length], or their targets, which may be one token for each, [count]."""

    cut: Cut
    of: Literal["inputs", "targets", "last"]

    dtype = np.dtype(np.int32)
    nbytes = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """As of an array."""
        return (self.cut.count,) if self.of == "last" else (self.cut.count, self.cut.length)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return int(np.prod(self.shape))

    def __len__(self) -> int:
        return self.cut.count

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return some of them, in their order."""
        found = self.cut.take(rows)
        return found[:, -1] if self.of == "last" else found[:, :-1] if self.of == "inputs" else found[:, 1:]

    def __getitem__(self, key: slice) -> np.ndarray:
        return self.take(np.arange(*key.indices(len(self))))
