"""What happens between steps, the same in both loops: Keras callbacks that record, keep the best weights, and stop."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from zoo.config import BadInput
from zoo.config.named import import_path
from zoo.results.trials import is_better
from zoo.training import likelihood
from zoo.training.batches import Batches
from zoo.training.evaluation import reset_states
from zoo.training.state import State

Logs = dict[str, float]


class Diverged(Exception):
    """The loss or a gradient is not finite; the message says where it first happened."""


class ResetStates(keras.callbacks.Callback):
    """Carried recurrent state starts from zero in each epoch and in each validation."""

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: D102
        reset_states(self.model)

    def on_test_begin(self, logs: Logs | None = None) -> None:  # noqa: D102
        reset_states(self.model)


class Guard(keras.callbacks.Callback):
    """Look a few times a second whether loss and gradients are finite, and the weights after each epoch.

    Args:
        state: Of the training.
    """

    SECONDS = 0.25

    def __init__(self, state: State):
        super().__init__()
        self._state = state
        self._last = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:  # noqa: D102
        if time.monotonic() - self._last > self.SECONDS:
            self._check_numbers()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: D102
        self._check_numbers()
        if weights := self._state.not_finite():
            raise Diverged(f"The weights {' and '.join(weights)} were {self._state.end_of_epoch(epoch + 1)}.")
        if not math.isfinite((logs or {}).get("val_loss", 0.0)):
            raise Diverged(f"The validation loss was {self._state.end_of_epoch(epoch + 1)}.")

    def _check_numbers(self) -> None:
        self._last = time.monotonic()
        if fault := self._state.fault():
            raise Diverged(f"{fault[0].upper()}{fault[1:]}.")


class EpochRecord(keras.callbacks.Callback):
    """Complete the logs of an epoch, so that history, tracking and the user's callbacks see the same.

    Adds `perplexity` where the loss is a token's mean negative log-likelihood, `bits_per_character` where tokens are
    characters, `learning_rate` (of the last step), `epoch` (from 1), `epoch_seconds` (validation included) and
    `examples_per_second` or `tokens_per_second` (of training alone, unless several epochs ran in one call). Keeps the
    gradient norms.

    Args:
        batches: The training batches.
        state: Of the training.
        loss_is_likelihood: Whether exp(loss) is the perplexity.
        per_character: Whether that is of a character.
    """

    def __init__(self, batches: Batches, state: State, loss_is_likelihood: bool, per_character: bool):
        super().__init__()
        self._batches, self._state = batches, state
        self._loss_is_likelihood, self._per_character = loss_is_likelihood, per_character
        self._began = self._trained = 0.0
        self.norms: list[np.ndarray] = []

    def get_state(self) -> dict[str, Any]:
        """Return what another process needs to go on."""
        return {"norms": [norms.tolist() for norms in self.norms], "elapsed": time.perf_counter() - self._began}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what another process remembered."""
        self.norms = [np.array(norms, np.float32) for norms in state["norms"]]
        self._began = time.perf_counter() - state["elapsed"]

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: D102
        self._began = time.perf_counter()

    def on_test_begin(self, logs: Logs | None = None) -> None:  # noqa: D102
        self._trained = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: D102
        assert logs is not None
        likelihood.complete(logs, is_likelihood=self._loss_is_likelihood, per_character=self._per_character)
        now, recorded = time.perf_counter(), self._state.recorded
        logs["learning_rate"] = self._state.learning_rate()
        logs["epoch"] = epoch + 1
        logs["epoch_seconds"] = recorded.seconds if recorded else now - self._began
        seconds = recorded.seconds if recorded else self._trained - self._began
        units = self._batches.rows * self._batches.units
        logs[f"{self._batches.unit}_per_second"] = units / max(seconds, 1e-9)
        self.norms.append(self._state.gradient_norms())


class KeepBest(keras.callbacks.Callback):
    """Keep a copy of the weights of the epoch with the best value of a metric; of equals, the one of lower `val_loss`.

    Args:
        metric: Such as `val_loss`.
        state: Of the training.
    """

    def __init__(self, metric: str, state: State):
        super().__init__()
        self.metric, self._state = metric, state
        self.epoch = 0
        self.value = math.nan
        self.logs: Logs = {}
        self.weights: list[np.ndarray] | None = None

    def get_state(self) -> dict[str, Any]:
        """Return what another process needs to go on, but for the weights."""
        return {"epoch": self.epoch, "value": self.value, "logs": self.logs}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what another process remembered."""
        self.epoch, self.value, self.logs = state["epoch"], state["value"], state["logs"]

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: D102
        assert logs is not None
        if self.metric not in logs:
            raise BadInput(f"monitor={self.metric} is not among the metrics of this run: {', '.join(sorted(logs))}.")
        value = logs[self.metric]
        tie = value == self.value and logs["val_loss"] < self.logs["val_loss"]
        if self.weights is None or tie or is_better(self.metric, value, self.value):
            self.epoch, self.value = epoch + 1, value
            self.logs, self.weights = dict(logs), self._state.weights()


class StopAtTarget(keras.callbacks.Callback):
    """End the training as soon as a metric has reached a value.

    Args:
        metric: Such as `val_accuracy`.
        value: To be reached from below for an accuracy, from above for anything else.
    """

    def __init__(self, metric: str, value: float):
        super().__init__()
        self._metric, self._value = metric, value
        self.epoch: int | None = None

    def get_state(self) -> dict[str, Any]:
        """Return what another process needs to go on."""
        return {"epoch": self.epoch}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from what another process remembered."""
        self.epoch = state["epoch"]

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: D102
        now = (logs or {}).get(self._metric)
        if now is None:
            raise BadInput(f"stop.metric={self._metric} is not among the metrics: {', '.join(sorted(logs or {}))}.")
        if now == self._value or is_better(self._metric, now, self._value):
            self.epoch = epoch + 1
            self.model.stop_training = True


class Report(keras.callbacks.Callback):
    """Keep the logs of each epoch, and hand them to a tracker.

    Args:
        log: Called with the metrics and the optimizer's step.
        state: Of the training.

    Attributes:
        history: The logs, metric by metric, epoch by epoch; also those of a process before this one.
        steps: The optimizer's step at the end of each epoch.
    """

    def __init__(self, log: Callable[[Logs, int], None], state: State):
        super().__init__()
        self._log, self._state = log, state
        self.history: dict[str, list[float]] = {}
        self.steps: list[int] = []

    def go_on(self, history: dict[str, list[float]], steps: list[int]) -> None:
        """Take in what another process reported; it may have ended before all of that was written."""
        self.history, self.steps = history, steps
        for index, step in enumerate(steps):
            self._log({name: values[index] for name, values in history.items()}, step)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: D102
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.steps.append(self._state.step())
        self._log(dict(logs or {}), self.steps[-1])


def load_user_callbacks(paths: Sequence[str]) -> list[keras.callbacks.Callback]:
    """Return the user's own callbacks, each made by calling what its import path names.

    Raises:
        BadInput: The path leads nowhere, or not to a Keras callback.
    """
    callbacks = []
    for path in paths:
        made = import_path(path, "callbacks")()
        if not isinstance(made, keras.callbacks.Callback):
            raise BadInput(
                f"callbacks names {path}, which makes a {type(made).__name__}, not a keras.callbacks.Callback."
            )
        callbacks.append(made)
    return callbacks


def sees_batches(callback: keras.callbacks.Callback) -> bool:
    """Tell whether a callback has a hook that is to be called for each batch."""
    ours = keras.callbacks.Callback
    names = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
    return any(getattr(type(callback), name) is not getattr(ours, name) for name in names)
