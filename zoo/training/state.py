"""What callbacks may ask about a training at the end of an epoch, wherever the answer lies."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf

from zoo.config import BadInput
from zoo.training.sharing.sharing import Sharing
from zoo.training.step import GradientWatch, after


@dataclass(frozen=True)
class EpochState:
    """The state after one epoch of several that ran in one call.

    Attributes:
        weights: As `model.get_weights()` would give them.
        step: Number of optimizer steps so far.
        learning_rate: Of the last step.
        gradient_norms: Mean norm of each layer's gradient, float32 [layers].
        last_norms: Of the last step at which all was finite, float32 [layers].
        fault: Where the loss or a gradient first was not finite, in words; None if nowhere.
        seconds: That the epoch took, validation included.
        finite: Whether all weights are.
        values: Returns those of all variables, in the order of `State.variables`.
    """

    weights: list[np.ndarray]
    step: int
    learning_rate: float
    gradient_norms: np.ndarray
    last_norms: np.ndarray
    fault: str | None
    seconds: float
    finite: bool
    values: Callable[[], list[np.ndarray]]


class State:
    """The state of a training: in the variables, or recorded where they are already some epochs ahead.

    Args:
        model: Compiled.
        watch: Sees each step's loss and gradients.
        sharing: Who shares the steps; None: this device does all of them.
    """

    def __init__(self, model: keras.Model, watch: GradientWatch, sharing: Sharing | None = None):
        self._model, self._watch, self._sharing = model, watch, sharing
        self.recorded: EpochState | None = None

    @property
    def variables(self) -> list[tf.Variable]:
        """All that a later step depends on: of the model, the optimizer and the watch."""
        return variables(self._model, self._watch)

    def bytes(self) -> int:
        """Return how many bytes the variables take."""
        return sum(variable.dtype.size * variable.shape.num_elements() for variable in self.variables)

    def values(self) -> Iterator[np.ndarray]:
        """Yield the values of the variables, one after another."""
        yield from self.recorded.values() if self.recorded else (variable.numpy() for variable in self.variables)

    def assign(self, values: Sequence[np.ndarray]) -> None:
        """Give the variables values.

        Raises:
            BadInput: They are of other shapes.
        """
        own = self.variables
        if [tuple(variable.shape) for variable in own] != [value.shape for value in values]:
            raise BadInput("The checkpoint is of another model or optimizer than this one.")
        for variable, value in zip(own, values, strict=True):
            variable.assign(value)
        if self._sharing:
            self._sharing.part_random()

    def is_whole(self) -> bool:
        """Tell whether the variables are all that the steps after an epoch's first ones depend on.

        Recurrent states that are carried in other processes are missing.
        """
        shared = self._sharing is not None and self._sharing.count > 1
        return not (shared and carried(self._model))

    def not_finite(self) -> list[str]:
        """Return the paths of weights that hold a number which is not finite."""
        if self.recorded and self.recorded.finite:
            return []
        weights = zip(self._model.weights, self.weights(), strict=True)
        return [weight.path for weight, values in weights if not np.isfinite(values).all()]

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

    def end_of_epoch(self, epoch: int) -> str:
        """Return in words when an epoch ended with something not finite, and how large the gradients were then."""
        norms = self.recorded.last_norms if self.recorded else self._watch.last_norms()
        return after(epoch, self.step(), self._watch.layers, norms)

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


def variables(model: keras.Model, watch: GradientWatch) -> list[tf.Variable]:
    """Return all variables that a later step depends on."""
    kept = [*model.variables, *model.optimizer.variables, *carried(model)]
    return [*(variable.value for variable in kept), *watch.variables]


def carried(model: keras.Model) -> list[keras.Variable]:
    """Return the recurrent states that are carried from batch to batch, which Keras does not count as variables."""
    layers = model._flatten_layers(include_self=False, recursive=True)
    return [
        state for layer in layers if getattr(layer, "stateful", False) for state in keras.tree.flatten(layer.states)
    ]


def learning_rate(optimizer: keras.optimizers.Optimizer) -> tf.Tensor:
    """Return the learning rate that the last step used, a scalar, inside a graph as well as outside."""
    inner = getattr(optimizer, "inner_optimizer", optimizer)
    if isinstance(inner._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        return inner._learning_rate(inner._iterations - 1)
    return tf.convert_to_tensor(inner.learning_rate)
