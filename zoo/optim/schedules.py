"""Learning rates over time, as a table of one rate per step that every training loop reads alike.

A rate computed inside the graph differs in its last bits between loops and compilers; one that is looked up does not.
"""

import base64
import zlib
from collections.abc import Callable
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from zoo.config import BadInput, Schedule, named, nearest
from zoo.optim import formulas

_WITHOUT_TABLE = ("constant", "plateau")  # the rate is one number; plateau's callback lowers it


def build(schedule: Schedule, learning_rate: float, epochs: int, steps_per_epoch: int) -> "float | TableSchedule":
    """Return what to give an optimizer as its learning rate.

    Args:
        schedule: The config section.
        learning_rate: The rate that the schedule scales.
        epochs: Length of the whole training.
        steps_per_epoch: Batches in an epoch. With gradient accumulation too: Keras reads a schedule at the count of
            batches, not of updates, so an update uses the rate of the last batch that it accumulates.

    Raises:
        BadInput: The schedule is unknown, or an option of it is out of range.
    """
    rates = table(schedule, learning_rate, epochs, steps_per_epoch)
    return float(learning_rate) if rates is None else TableSchedule(rates)


def table(schedule: Schedule, learning_rate: float, epochs: int, steps_per_epoch: int) -> np.ndarray | None:
    """Return the learning rate of each step, float32 [epochs * steps_per_epoch].

    It is None for `constant` and `plateau`, whose rate is one number. Every other schedule is a formula of
    `zoo.optim.formulas`, or one of your own that the option's file names: `formula: my_package.my_module.triangular`.

    Args:
        schedule: The config section.
        learning_rate: The rate that the schedule scales.
        epochs: Length of the whole training.
        steps_per_epoch: Batches in an epoch.

    Raises:
        BadInput: The schedule is unknown, or an option of it is out of range.
    """
    if schedule.name in _WITHOUT_TABLE:
        return None
    options = schedule.options("name", "formula")
    scale = _formula(schedule)
    time = np.arange(epochs * steps_per_epoch) / steps_per_epoch
    with np.errstate(over="ignore"):  # reported below
        rates = learning_rate * np.asarray(named.call(scale, options, "schedule", time, epochs), dtype=np.float64)
    if rates.shape != time.shape or not np.all(np.isfinite(rates)) or np.any(rates < 0):
        raise BadInput(
            f"schedule={schedule.name} should give one finite rate, at least 0, for each of {len(time)} steps. "
            f"Received: shape {rates.shape}, from {rates.min(initial=np.inf)} to {rates.max(initial=-np.inf)}."
        )
    return rates.astype(np.float32)


def plateau_callback(schedule: Schedule, metric: str = "val_loss") -> keras.callbacks.Callback | None:
    """Return the callback that lowers the rate when a metric stops improving, or None for every other schedule.

    Args:
        schedule: The config section.
        metric: What to watch if `schedule.metric` is null. An accuracy should rise, everything else should fall.
    """
    if schedule.name != "plateau":
        return None
    options = schedule.options("name", "metric")
    metric = schedule.options().get("metric") or metric
    # Keras infers the direction from a compiled model's metrics, which a model in our own loop does not have.
    options |= {"monitor": metric, "mode": "max" if "acc" in metric else "min"}
    return named.call(keras.callbacks.ReduceLROnPlateau, options, "schedule")


@keras.saving.register_keras_serializable(package="zoo")
class TableSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule that looks the rate up in a table by the step, and stays at its last entry afterwards.

    Args:
        rates: float32 [steps], the rate of each step.
    """

    def __init__(self, rates: Any) -> None:
        self.rates = np.asarray(rates, dtype=np.float32)
        if self.rates.ndim != 1 or not self.rates.size:
            raise ValueError(f"Expected one rate per step. Received an array of shape {self.rates.shape}")
        with tf.init_scope():
            self._rates = tf.constant(self.rates)

    def __call__(self, step: Any) -> tf.Tensor:
        """Return the rate at an integer step."""
        last = len(self.rates) - 1
        return tf.gather(self._rates, tf.clip_by_value(tf.cast(step, tf.int32), 0, last))

    def get_config(self) -> dict[str, str]:
        """Return the table, deflated: one rate an epoch makes thousands of equal entries."""
        raw = self.rates.astype("<f4").tobytes()
        return {"rates": base64.b64encode(zlib.compress(raw)).decode()}

    @classmethod
    def from_config(cls, config: dict[str, str]) -> Self:
        """Return the schedule of `get_config`, with the same bits."""
        return cls(np.frombuffer(zlib.decompress(base64.b64decode(config["rates"])), dtype="<f4"))


def _formula(schedule: Schedule) -> Callable[..., np.ndarray]:
    path = schedule.options().get("formula")
    if path is not None:
        return named.import_path(path, "schedule.formula")
    if schedule.name not in formulas.__all__:
        known = nearest(schedule.name, [*formulas.__all__, *_WITHOUT_TABLE])
        raise BadInput(
            f"Unknown schedule={schedule.name}. {known} One of your own names its function: schedule.formula."
        )
    return getattr(formulas, schedule.name)
