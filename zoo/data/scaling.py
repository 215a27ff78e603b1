"""How the numbers of an example become those that a model reads: minus an offset, over a span."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from zoo.data import memory
from zoo.data.rows import Rows


@dataclass(frozen=True, eq=False)
class Scaling:
    """A linear map, fitted to the training split.

    Attributes:
        offset: Taken off each value: a number, or one a feature.
        span: What is divided by: likewise.
        value_range: Of pictures: the darkest value and the lightest; None of what is no picture.
    """

    offset: np.ndarray = field(default_factory=lambda: np.array(0.0))
    span: np.ndarray = field(default_factory=lambda: np.array(1.0))
    value_range: tuple[float, float] | None = None

    @classmethod
    def fit(cls, scale: object, train: Rows, *, is_image: bool, value_range: tuple[float, float] | None) -> Self:
        """Return the map that a data option asks for.

        Args:
            scale: `unit`: to [0, 1]; `standardize`: to mean 0 and standard deviation 1; anything else: as they are.
            train: The training examples, [n, features].
            is_image: Pixels share one scale: many of those at the border never change.
            value_range: What `unit` maps to [0, 1]; None: the range of the training examples.
        """
        axis = None if is_image else 0
        offset: Any = 0.0
        span: Any = 1.0
        if scale == "unit":
            low, high = value_range or _range(train, axis)
            offset, span = low, np.subtract(high, low, dtype=np.float64)
        elif scale == "standardize":
            count = len(train) * (train.shape[1] if is_image else 1)
            offset = _sum(train, lambda x: x.sum(axis, dtype=np.float64)) / count
            span = np.sqrt(_sum(train, lambda x: np.square(x - offset).sum(axis)) / count)
        of_pictures = None
        if is_image:
            low, high = value_range or _range(train, None)
            of_pictures = float(low), float(high)
        return cls(np.asarray(offset), np.where(np.equal(span, 0), 1.0, span), of_pictures)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return values as a model reads them, float32."""
        # Bytes are exact in float32; other numbers may need the digits until the offset is taken off.
        exact = np.float32 if x.dtype.itemsize == 1 else np.float64
        y = memory.empty(x.shape, exact)
        y[...] = x
        if np.any(self.offset):
            np.subtract(y, np.asarray(self.offset, exact), out=y)
        if np.any(self.span != 1):
            np.divide(y, self.span.astype(exact), out=y)
        return y.astype(np.float32, copy=False)

    def undone(self, x: np.ndarray) -> np.ndarray:
        """Return values as they were, float64."""
        return np.asarray(x, np.float64) * self.span + self.offset

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {"offset": self.offset.tolist(), "span": self.span.tolist(), "value_range": self.value_range}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return what `to_dict` described.

        Raises:
            ValueError: It is no such map.
        """
        offset, span = (np.asarray(values[name], np.float64) for name in ("offset", "span"))
        if not (np.isfinite(offset).all() and np.isfinite(span).all() and span.all()):
            raise ValueError("its offset and span should be finite numbers, and no span 0")
        lies = values.get("value_range")
        return cls(offset, span, None if lies is None else (float(lies[0]), float(lies[1])))


def _range(x: Rows, axis: int | None) -> tuple[Any, Any]:
    low, high = zip(*((part.min(axis), part.max(axis)) for part in x.portions()), strict=True)
    return np.min(low, axis=0), np.max(high, axis=0)


def _sum(x: Rows, of: Callable[[np.ndarray], Any]) -> Any:
    return np.sum([of(part) for part in x.portions()], axis=0)
