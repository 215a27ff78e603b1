"""What callbacks may ask about a training at the end of an epoch, wherever the answer lies."""

from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from zoo.training.step import GradientWatch


@dataclass(frozen=True)
class EpochState:
    """The state after one epoch of several that ran in one call.

    Attributes:
        weights: As `model.get_weights()` would give them.
        step: Number of optimizer steps so far.
        learning_rate: Of the last step.
        gradient_norms: Mean norm of each layer's gradient, float32 [layers].
        fault: Where the loss or a gradient first was not finite, in words; None if nowhere.
        seconds: That the epoch took, validation included.
    """

    weights: list[np.ndarray]
    step: int
    learning_rate: float
    gradient_norms: np.ndarray
    fault: str | None
    seconds: float


class State:
    """The state of a training: in the variables, or recorded where they are already some epochs ahead.

    Args:
        model: Compiled.
        watch: Sees each step's loss and gradients.
    """

    def __init__(self, model: keras.Model, watch: GradientWatch):
        self._model, self._watch = model, watch
        self.recorded: EpochState | None = None

    def weights(self) -> list[np.ndarray]:
        """Return the model's weights, in the order of `model.get_weights()`."""
        return self.recorded.weights if self.recorded else self._model.get_weights()

    def step(self) -> int:
        """Return the number of optimizer steps so far."""
        return self.recorded.step if self.recorded else int(self._model.optimizer.iterations)

    def learning_rate(self) -> float:
        """Return the learning rate of the last step."""
        return self.recorded.learning_rate if self.recorded else float(learning_rate(self._model.optimizer))

    def gradient_norms(self) -> np.ndarray:
        """Return the mean norm of each layer's gradient since the last call, float32 [layers]."""
        return self.recorded.gradient_norms if self.recorded else self._watch.epoch_means()

    def fault(self) -> str | None:
        """Say in words where the loss or a gradient first was not finite, or return None."""
        return self.recorded.fault if self.recorded else self._watch.fault()


class Fresh:
    """The values that variables have now, to be given back to them later; of those that are constant, one number.

    Args:
        variables: Such as an optimizer's, before its first step.
    """

    def __init__(self, variables: Sequence[keras.Variable]):
        self._variables = list(variables)
        self._values = [_condensed(np.array(variable)) for variable in variables]

    def restore(self) -> None:
        """Give the variables their values back."""
        for variable, value in zip(self._variables, self._values, strict=True):
            variable.assign(np.broadcast_to(value, variable.shape))


def _condensed(values: np.ndarray) -> np.ndarray:
    first = values.reshape(-1)[:1].copy()
    return first.reshape([1] * values.ndim) if first.size and bool((values == first).all()) else values


def learning_rate(optimizer: keras.optimizers.Optimizer) -> tf.Tensor:
    """Return the learning rate that the last step used, a scalar, inside a graph as well as outside."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if isinstance(inner._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        return inner._learning_rate(inner._iterations - 1)
    return tf.convert_to_tensor(inner.learning_rate)
