"""When epochs began and ended: what every peer is timed by, the same way for each library."""

import time
from typing import Any


class Clock:
    """Times of one training, told from outside the loop.

    The first epoch also traces and compiles; it is reported apart and left out of every speed.

    Args:
        units: Examples or tokens in an epoch.
    """

    def __init__(self, units: int):
        self._units = units
        self._called = time.perf_counter()
        self._began: list[float] = []  # of the training part of each epoch
        self._trained: list[float] = []  # its end
        self._ended: list[float] = []  # of the epoch with all that belongs to it

    def epoch_begins(self) -> None:
        """The next thing that happens is training."""
        self._began.append(time.perf_counter())

    def epoch_is_trained(self) -> None:
        """All steps of the epoch are done; said twice, the first time counts."""
        if len(self._trained) < len(self._began):
            self._trained.append(time.perf_counter())

    def epoch_ends(self) -> None:
        """The epoch is over: measured, shown and recorded."""
        self._ended.append(time.perf_counter())

    def values(self) -> dict[str, float]:
        """Return seconds and speeds.

        `units_per_second` counts the training parts of all epochs but the first; `seconds_per_epoch` all that passes
        between the end of the first epoch and the end of the last.
        """
        found: dict[str, float] = {}
        if self._trained:
            parts = [end - begin for begin, end in zip(self._began, self._trained, strict=True)]
            later = sum(parts[1:]) / (len(parts) - 1)
            found["units_per_second"] = self._units / later
            found["train_seconds"] = sum(parts[1:])
            found["compile_seconds"] = max(0.0, self._trained[0] - self._called - later)
        first, count = _first_pause(self._ended)
        passed = self._ended[-1] - first
        found |= {"seconds_per_epoch": passed / count, "epochs_per_second": count / passed, "timed_epochs": count}
        found.setdefault("compile_seconds", max(0.0, self._ended[0] - self._called - passed / count))
        return found


def _first_pause(ends: list[float]) -> tuple[float, int]:
    """Return the end of an early epoch after which a new call began, and the number of epochs after it.

    Where a loop computes many short epochs in one call, their ends come in bursts: counting from within one would
    leave out the computation of the epochs that are still to be told of. So the count starts at the longest pause
    among the first fifth.
    """
    early = max(1, len(ends) // 5)
    pauses = [ends[index + 1] - ends[index] for index in range(early)]
    index = pauses.index(max(pauses))
    return ends[index], len(ends) - 1 - index


def keras_callback(clock: Clock, *, ends: bool) -> Any:
    """Return a Keras callback that tells a clock; it has hooks for epochs alone, so that no loop is slowed by it.

    Args:
        clock: To be told.
        ends: Whether the end of an epoch is told too; the zoo tells it when it has recorded the epoch.
    """
    import keras

    class Timed(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            clock.epoch_begins()

        def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
            clock.epoch_is_trained()

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            clock.epoch_is_trained()
            if ends:
                clock.epoch_ends()

    return Timed()
