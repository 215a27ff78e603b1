"""Which epochs of a long training are recorded.

Thousands of points on a curve cost more to write and to draw than they tell. Up to `POINTS` epochs are all recorded;
of more, as many at most: the first, the last, and between them epochs at equal ratios, because most happens early.
"""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import numpy as np

POINTS = 200


def kept_epochs(epochs: int, every: int | None = None) -> np.ndarray:
    """Return the epochs to be recorded, counted from 1, in order.

    Args:
        epochs: Of the whole training.
        every: Record every n-th epoch, and the last, whatever their number.
    """
    if every is not None:
        return np.unique(np.append(np.arange(every, epochs + 1, every), epochs))
    if epochs <= POINTS:
        return np.arange(1, epochs + 1)
    return np.unique(np.geomspace(1, epochs, POINTS).round().astype(int))


class Thinned:
    """Passes the metrics of some epochs on to a log; of the last epoch in any case, also where training ended early.

    Args:
        log: Called with the metrics of an epoch and the optimizer's step.
        epochs: Of the whole training.
        every: As in `kept_epochs`.
    """

    def __init__(self, log: Callable[[Mapping[str, float], int], None], epochs: int, every: int | None = None):
        self._log = log
        self._kept = set(kept_epochs(epochs, every).tolist())
        self._left: tuple[Mapping[str, float], int] | None = None

    def __call__(self, metrics: Mapping[str, float], step: int) -> None:
        """Take in the metrics of an epoch, `epoch` among them."""
        if int(metrics["epoch"]) in self._kept:
            self._left = None
            self._log(metrics, step)
        else:
            self._left = metrics, step

    def forget(self) -> None:
        """Do not pass on the last epoch: it was not the last of the training."""
        self._left = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._left:
            self._log(*self._left)
            self._left = None
