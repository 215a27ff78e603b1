"""Saving a training as it goes, and going on where it was: every number that its rest depends on.

They are the variables of the model (weights, carried state, the state of random numbers), of the optimizer and of the
metrics; the epoch and the step in it; what callbacks remember; the history. A training that goes on from a checkpoint
ends with the same bits as one that was never stopped.
"""

import math
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import keras
import numpy as np

from zoo.config import Config
from zoo.training.callbacks import KeepBest, Logs, Report, StopAtTarget
from zoo.training.checkpoint_files import Checkpoint, CheckpointFolder
from zoo.training.evaluation import reset_states
from zoo.training.interruption import Interrupted
from zoo.training.state import State

_COST = 0.02  # of the time may go into checkpoints
_BYTES_PER_SECOND = 2e8  # that are written, before it has been measured
_REMEMBERED = {
    keras.callbacks.EarlyStopping: ("wait", "stopped_epoch", "best", "best_epoch"),
    keras.callbacks.ReduceLROnPlateau: ("wait", "cooldown_counter", "best"),
    keras.callbacks.SwapEMAWeights: ("_ema_weights_in_model",),
}


@runtime_checkable
class Remembers(Protocol):
    """A callback whose memory is saved: what `get_state` returns has to be of the kinds that JSON knows."""

    def get_state(self) -> dict[str, Any]: ...  # noqa: D102
    def set_state(self, state: dict[str, Any]) -> None: ...  # noqa: D102


class Saver(keras.callbacks.Callback):
    """Save the training every so often, at its end, and when it is interrupted; begin where a checkpoint stands.

    A checkpoint is written after each epoch, and within one after every `checkpoint.seconds`; not so often, though,
    that it would take more than 2 % of the time. It comes last among the callbacks that remember something.

    Args:
        folder: Of the run's checkpoints; None: nothing is saved.
        config: The run's.
        state: Of the training.
        report: Holds the history.
        best: Holds the best weights.
        remembering: Callbacks whose memory matters, in an order that depends on the config alone.
        check_interrupt: Raises `Interrupted` when an end was asked for.
        saved: Where to begin; None: at the beginning.
    """

    def __init__(
        self,
        folder: CheckpointFolder | None,
        config: Config,
        state: State,
        report: Report,
        best: KeepBest,
        remembering: Sequence[keras.callbacks.Callback],
        check_interrupt: Callable[[], None],
        saved: Checkpoint | None,
    ):
        super().__init__()
        self._folder, self._config, self._state = folder, config, state
        self._report, self._best, self._remembering = report, best, remembering
        self._check_interrupt, self._saved = check_interrupt, saved
        self._epoch, self._step = position(saved)
        self._before = 0  # steps of this epoch that another process made and Keras does not count
        self._measured: list[np.ndarray] | None = None  # the metrics of the training, while those of validation run
        self.seconds_before = float(saved.meta["seconds"]) if saved else 0.0
        self._began = self._last = time.monotonic()
        self._cost = state.bytes() / _BYTES_PER_SECOND

    @property
    def seconds(self) -> float:
        """How long the training has taken, in all processes."""
        return self.seconds_before + time.monotonic() - self._began

    def on_train_begin(self, logs: Logs | None = None) -> None:  # noqa: D102
        self._began = self._last = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: D102
        self._epoch, self._step, self._before, self._measured = epoch, 0, 0, None
        if self._saved is not None:
            self._begin_within(self._saved)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:  # noqa: D102
        self._step = min(self._before + batch + 1, self.params["steps"])
        self._heed()
        often = self._config.checkpoint.seconds
        if often is not None and time.monotonic() - self._last >= max(often, self._cost / _COST):
            self.save()

    def on_test_begin(self, logs: Logs | None = None) -> None:  # noqa: D102
        self._measured = [np.array(variable) for variable in self.model.metrics_variables]

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:  # noqa: D102
        self._heed()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: D102
        self._epoch, self._step, self._before, self._measured = epoch + 1, 0, 0, None
        self._heed()
        ends = self.model.stop_training or epoch + 1 == self.params["epochs"]
        if ends or time.monotonic() - self._last >= self._cost / _COST:
            self.save()

    def save(self) -> None:
        """Write a checkpoint, unless numbers in it are not finite: then the last good one stays."""
        if self._folder is None or (self._step and not self._state.is_whole()):
            return
        began = time.monotonic()
        if self._state.fault() is None and not self._state.not_finite():
            meta = {
                "epoch": self._epoch,
                "step": self._step,
                "seconds": self.seconds,
                "stopped": not self._step and bool(self.model.stop_training),
                "ends": _ends(self._config),
                "callbacks": [_memory(callback) for callback in self._remembering],
                "logs": list(self._report.history),
                "steps": self._report.steps,
            }
            best = None if self._best.weights is None else (self._best.epoch, self._best.weights)
            self._folder.save(self._arrays(), meta, best)
        self._last = time.monotonic()
        self._cost = max(self._last - began, 1e-4)

    def take_result(self, model: keras.Model) -> bool:
        """Take in the checkpoint of a training that had come to its end, and tell whether it is one."""
        if self._saved is None or not _is_over(self._saved, self._config):
            return False
        self.set_model(model)
        self._restore(self._saved)
        model.optimizer.finalize_variable_values(model.trainable_variables)
        return True

    def _begin_within(self, saved: Checkpoint) -> None:
        self._step = int(saved.meta["step"])
        self._before = self._step if self._config.loop.name == "fit" else 0
        self._restore(saved)
        if self._step == 0:  # what callbacks do at the beginning of an epoch, they did before
            reset_states(self.model)
        for callback in self._remembering:
            if isinstance(callback, keras.callbacks.SwapEMAWeights) and self._step == 0:
                callback.on_epoch_begin(self._epoch)
            if saved.meta["stopped"] and isinstance(callback, keras.callbacks.EarlyStopping):
                callback.stopped_epoch = 0
            if saved.meta["stopped"] and isinstance(callback, StopAtTarget):
                callback.epoch = None

    def _restore(self, saved: Checkpoint) -> None:
        arrays = saved.arrays
        self._state.assign(_numbered("state", arrays))
        for variable, values in zip(self.model.metrics_variables, _numbered("metrics", arrays), strict=False):
            variable.assign(values)
        history = {name: arrays[f"history/{name}"].tolist() for name in saved.meta["logs"]}
        self._report.go_on(history, saved.meta["steps"])
        self._best.weights = saved.best
        for callback, memory in zip(self._remembering, saved.meta["callbacks"], strict=False):
            _remember(callback, memory)
        _set_random_state(arrays)
        self._saved, self._began = None, time.monotonic()

    def _heed(self) -> None:
        try:
            self._check_interrupt()
        except Interrupted:
            self.save()
            raise

    def _arrays(self) -> Iterator[tuple[str, np.ndarray]]:
        for index, values in enumerate(self._state.values()):
            yield f"state/{index:04d}", values
        if self._step:
            metrics = self._measured or [np.array(variable) for variable in self.model.metrics_variables]
            for index, values in enumerate(metrics):
                yield f"metrics/{index:04d}", values
        for name, curve in self._report.history.items():
            yield f"history/{name}", np.array(curve)
        yield from _random_state()


def position(saved: Checkpoint | None) -> tuple[int, int]:
    """Return the epoch and the step in it where a training begins."""
    return (int(saved.meta["epoch"]), int(saved.meta["step"])) if saved else (0, 0)


def _is_over(saved: Checkpoint, config: Config) -> bool:
    """Tell whether the training had come to its end, and nothing was asked for since that would let it go on."""
    if int(saved.meta["epoch"]) >= config.epochs:
        return True
    return bool(saved.meta["stopped"]) and saved.meta["ends"] == _ends(config)


def _ends(config: Config) -> dict[str, Any]:
    """Return what decides when a training ends."""
    return {"early_stopping": config.early_stopping.model_dump(), "stop": config.stop.model_dump()}


def _memory(callback: keras.callbacks.Callback) -> dict[str, Any] | None:
    if isinstance(callback, Remembers):
        return callback.get_state()
    for kind, names in _REMEMBERED.items():
        if isinstance(callback, kind):
            return {name: getattr(callback, name) for name in names}
    return None


def _remember(callback: keras.callbacks.Callback, memory: dict[str, Any] | None) -> None:
    if memory is None:
        return
    if isinstance(callback, Remembers):
        callback.set_state(memory)
        return
    for name, value in memory.items():
        setattr(callback, name, value)


def _numbered(kind: str, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    return [arrays[name] for name in sorted(arrays) if name.startswith(f"{kind}/")]


def _random_state() -> Iterator[tuple[str, np.ndarray]]:
    """Yield the state of Python's and NumPy's random numbers, which a callback or an augmentation may use."""
    _, words, gauss = random.getstate()
    yield "random/python", np.array(words, np.uint64)
    yield "random/python_gauss", np.array(math.nan if gauss is None else gauss)
    _, keys, at, has_gauss, cached = np.random.get_state()
    yield "random/numpy", np.asarray(keys)
    yield "random/numpy_gauss", np.array([at, has_gauss, cached], np.float64)


def _set_random_state(arrays: Mapping[str, np.ndarray]) -> None:
    gauss = float(arrays["random/python_gauss"])
    words = tuple(int(word) for word in arrays["random/python"])
    random.setstate((3, words, None if math.isnan(gauss) else gauss))
    at, has_gauss, cached = arrays["random/numpy_gauss"].tolist()
    np.random.set_state(("MT19937", arrays["random/numpy"], int(at), int(has_gauss), cached))
