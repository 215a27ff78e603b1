"""Backpropagation as a textbook writes it, in NumPy: a third view of the training that fit and the tape loop do.

For layers l = 1 ... L with a[0] = x:

    z[l] = a[l-1] W[l] + b[l]        forward
    a[l] = f(z[l])

    δ[L] = ∂E/∂a[L] · f′(z[L])       backward: δ is the gradient of the error by z
    δ[l] = (δ[l+1] W[l+1]ᵀ) · f′(z[l])

    ∂E/∂W[l] = a[l-1]ᵀ δ[l]
    ∂E/∂b[l] = Σ δ[l] over the examples

    W[l] ← W[l] - η ∂E/∂W[l]         update

For the sigmoid f′(z) = a (1 - a): the error is *multiplied* by it. (Rumelhart, Hinton & Williams 1986; Bishop 2006,
section 5.3.)
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import keras
import numpy as np
import tensorflow as tf

from zoo.training.step import TrainStep

ErrorName = Literal["mean_squared", "half_squared", "binary_crossentropy"]


@dataclass(frozen=True)
class Layer:
    """A fully connected layer.

    Attributes:
        weights: W [inputs, outputs].
        bias: b [outputs].
        activation: f.
    """

    weights: np.ndarray
    bias: np.ndarray
    activation: Literal["sigmoid", "linear"] = "sigmoid"

    def activate(self, z: np.ndarray) -> np.ndarray:
        """Return f(z)."""
        return 1.0 / (1.0 + np.exp(-z)) if self.activation == "sigmoid" else z

    def slope(self, a: np.ndarray) -> np.ndarray:
        """Return f′(z), written with a = f(z)."""
        return a * (1.0 - a) if self.activation == "sigmoid" else np.ones_like(a)


class Step(NamedTuple):
    """What a layer has computed on the way forward: z and a [examples, outputs]."""

    z: np.ndarray
    a: np.ndarray


class Gradient(NamedTuple):
    """What a layer has got on the way back: δ [examples, outputs], ∂E/∂W and ∂E/∂b."""

    delta: np.ndarray
    weights: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True)
class Error:
    """An error and its derivative, both functions of targets and outputs [examples, outputs]."""

    value: Callable[[np.ndarray, np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray, np.ndarray], np.ndarray]


def _crossentropy(y: np.ndarray, a: np.ndarray) -> np.ndarray:
    return -np.mean(y * np.log(a) + (1.0 - y) * np.log(1.0 - a))


ERRORS: dict[ErrorName, Error] = {
    "mean_squared": Error(lambda y, a: np.mean((a - y) ** 2), lambda y, a: 2.0 * (a - y) / a.size),
    "half_squared": Error(lambda y, a: 0.5 * np.sum((a - y) ** 2) / len(a), lambda y, a: (a - y) / len(a)),
    "binary_crossentropy": Error(_crossentropy, lambda y, a: (a - y) / (a * (1.0 - a)) / a.size),
}


def forward(layers: Sequence[Layer], x: np.ndarray) -> list[Step]:
    """Return z and a of each layer for inputs x [examples, inputs]."""
    steps: list[Step] = []
    a = x
    for layer in layers:
        z = a @ layer.weights + layer.bias
        a = layer.activate(z)
        steps.append(Step(z, a))
    return steps


def backward(
    layers: Sequence[Layer], x: np.ndarray, y: np.ndarray, steps: Sequence[Step], error: ErrorName
) -> list[Gradient]:
    """Return δ and the gradients of each layer.

    Args:
        layers: Of the network, first to last.
        x: Inputs [examples, inputs].
        y: Targets [examples, outputs].
        steps: From `forward`.
        error: What is to fall.
    """
    by_activation = ERRORS[error].slope(y, steps[-1].a)
    gradients: list[Gradient] = []
    for index in reversed(range(len(layers))):
        layer, a = layers[index], steps[index].a
        a_before = steps[index - 1].a if index else x
        delta = by_activation * layer.slope(a)
        gradients.append(Gradient(delta, a_before.T @ delta, delta.sum(axis=0)))
        by_activation = delta @ layer.weights.T
    return gradients[::-1]


def update(layers: Sequence[Layer], gradients: Sequence[Gradient], learning_rate: float) -> list[Layer]:
    """Return the layers after one step of gradient descent."""
    return [
        Layer(
            layer.weights - learning_rate * gradient.weights,
            layer.bias - learning_rate * gradient.bias,
            layer.activation,
        )
        for layer, gradient in zip(layers, gradients, strict=True)
    ]


def central_differences(
    layers: Sequence[Layer], x: np.ndarray, y: np.ndarray, error: ErrorName, width: float = 1e-6
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return ∂E/∂W and ∂E/∂b of each layer as (E(w + h) - E(w - h)) / 2h, one weight at a time.

    Args:
        layers: With float64 weights.
        x: Inputs [examples, inputs].
        y: Targets [examples, outputs].
        error: What is differentiated.
        width: h.
    """

    def measured(values: np.ndarray) -> np.ndarray:
        found = np.zeros_like(values)
        for index in np.ndindex(values.shape):
            kept = values[index]
            around = []
            for moved in (kept + width, kept - width):
                values[index] = moved
                around.append(ERRORS[error].value(y, forward(copies, x)[-1].a))
            values[index] = kept
            found[index] = (around[0] - around[1]) / (2.0 * width)
        return found

    copies = [Layer(layer.weights.copy(), layer.bias.copy(), layer.activation) for layer in layers]
    return [(measured(layer.weights), measured(layer.bias)) for layer in copies]


class StepByHand(TrainStep):
    """The shared step with its gradients from the formulas above instead of GradientTape.

    Args:
        model: Compiled, of fully connected layers, sigmoids but for the last: see `zoo.config.together`.
        output: What it puts out; logits are taken through the sigmoid that the loss has in it.
        error: The loss that it was compiled with.
    """

    def __init__(self, model: keras.Model, output: Literal["logits", "probabilities", "values"], error: ErrorName):
        super().__init__(model)
        self._output, self._error = output, error
        self._last: Literal["sigmoid", "linear"] = "linear" if output == "values" else "sigmoid"

    def differentiate(  # noqa: D102
        self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor | None]]:
        variables = self.model.trainable_variables
        types = [tf.float32] * (2 + len(variables))
        prediction, loss, *gradients = tf.numpy_function(self._in_numpy, [x, y, *variables], types, stateful=False)
        prediction.set_shape(y.shape)
        loss.set_shape([])
        for gradient, variable in zip(gradients, variables, strict=True):
            gradient.set_shape(variable.shape)
        return prediction, loss, gradients

    def _in_numpy(self, x: np.ndarray, y: np.ndarray, *variables: np.ndarray) -> list[np.ndarray]:
        x, y, *values = (array.astype(np.float64) for array in (x, y, *variables))
        pairs = list(zip(values[::2], values[1::2], strict=True))
        layers = [Layer(*pair) for pair in pairs[:-1]] + [Layer(*pairs[-1], self._last)]
        steps = forward(layers, x)
        gradients = backward(layers, x, y, steps, self._error)
        prediction = steps[-1].z if self._output == "logits" else steps[-1].a
        loss = ERRORS[self._error].value(y, steps[-1].a)
        found = [prediction, loss, *(value for g in gradients for value in (g.weights, g.bias))]
        return [np.asarray(value, np.float32) for value in found]
