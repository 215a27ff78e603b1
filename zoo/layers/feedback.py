"""One time step of a network whose activations return to an earlier layer, as a cell for `keras.layers.RNN`."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="zoo")
class FeedbackCell(keras.layers.Layer):
    """A fully connected network that reads one step of a sequence and what one of its layers made of the step before.

    In step t, layer `feedback_to` computes f(W x + b + F a[t-1]), where x is its input and a[t-1] the activation of
    `feedback_from` in the step before; a[0] = 0. Fed back from the output it is the network of Jordan (1986), fed back
    from a hidden layer to itself that of Elman (1990).

    Args:
        hidden: Units of each hidden layer, `hidden_1`, `hidden_2`, ...
        outputs: Number of outputs, which are linear.
        activation: Of the hidden layers.
        feedback_from: The layer whose activation returns: `output`, `hidden_1`, ...
        feedback_to: The layer that receives it, not later than `feedback_from`.
        **options: As `keras.layers.Layer` takes them.

    Call arguments:
        inputs: float [batch, features].
        states: a[t-1], in a list.

    Returns:
        The outputs, float32 [batch, outputs], and a[t] in a list.
    """

    def __init__(
        self,
        hidden: Sequence[int],
        outputs: int,
        activation: str = "sigmoid",
        feedback_from: str = "output",
        feedback_to: str = "hidden_1",
        **options: Any,
    ):
        super().__init__(**options)
        self._arguments = {
            "hidden": list(hidden),
            "outputs": outputs,
            "activation": activation,
            "feedback_from": feedback_from,
            "feedback_to": feedback_to,
        }
        widths = {f"hidden_{depth}": units for depth, units in enumerate(hidden, start=1)}
        self.feedback_from, self.feedback_to = feedback_from, feedback_to
        self.state_size = {**widths, "output": outputs}[feedback_from]
        self.output_size = outputs
        self.activation = keras.activations.get(activation)
        policy = self.dtype_policy
        self.hidden = [keras.layers.Dense(units, dtype=policy, name=name) for name, units in widths.items()]
        self.feedback = keras.layers.Dense(widths[feedback_to], use_bias=False, dtype=policy, name="feedback")
        self.output_layer = keras.layers.Dense(outputs, dtype="float32", name="output")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the weights for inputs [batch, features]."""
        for layer in self.hidden:
            layer.build(input_shape)
            input_shape = (*input_shape[:-1], layer.units)
        self.feedback.build((*input_shape[:-1], self.state_size))
        self.output_layer.build(input_shape)
        self.built = True

    def call(self, inputs: Any, states: Any, training: bool = False) -> tuple[Any, list[Any]]:  # noqa: D102
        (returned,) = states
        features = inputs
        activations = {}
        for layer in self.hidden:
            features = layer(features)
            if layer.name == self.feedback_to:
                features = features + self.feedback(returned)
            features = activations[layer.name] = self.activation(features)
        outputs = activations["output"] = self.output_layer(features)
        return outputs, [ops.cast(activations[self.feedback_from], returned.dtype)]

    def get_config(self) -> dict[str, Any]:  # noqa: D102
        return {**super().get_config(), **self._arguments}
