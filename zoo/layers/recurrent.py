"""Keras's recurrent layers, with a faster way through the sequence on a CPU.

Weights, arguments, states and results are Keras's. What differs is how the steps are computed, and only where it pays:
the products with the input of all time steps are one, and the recurrence is zoo/layers/recurrence.py's.
"""

from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext as compiled_by_xla

from zoo.layers import any_length, recurrence

# Tracing grows with the steps: two layers of 512 take 2 s, where Keras's loop takes 0.4 s, and save as much in 3 steps.
MAX_STEPS = 512
_COMPUTED_IN = {"float32": tf.float32, "float64": tf.float64, "bfloat16": tf.float32}


class _Unrolled:
    """The part that the three layers share: whether to unroll, and what surrounds the recurrence.

    Keras's own path is taken on a GPU, where cuDNN is faster, and under XLA, which needs more than a minute to compile
    two layers of 35 steps one by one. It is also taken with a mask, with dropout inside the layer, backwards, in
    float16, with other activations than the default ones, and if the number of time steps is unknown (but for what is
    exported: see zoo/layers/any_length.py) or large.
    """

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: bool = False) -> Any:
        """Return the last output, the outputs of all steps and the last states, as Keras's layers do."""
        if mask is not None or not self._pays(sequences.shape[1]):
            return super().inner_loop(sequences, initial_state, mask, training)  # type: ignore[misc]
        dtype = _COMPUTED_IN[self.compute_dtype]  # type: ignore[attr-defined]
        states = [tf.cast(state, dtype) for state in initial_state]
        outputs, *cells = self._recur(tf.transpose(sequences, (1, 0, 2)), states, dtype)
        if not self.return_sequences:  # type: ignore[attr-defined]
            return outputs, outputs[:, tf.newaxis], [outputs, *cells]
        return outputs[-1], tf.transpose(outputs, (1, 0, 2)), [outputs[-1], *cells]

    def _pays(self, steps: int | None) -> bool:
        layer: Any = self
        return (
            (any_length.is_wanted() if steps is None else 0 < steps <= MAX_STEPS)
            and layer.compute_dtype in _COMPUTED_IN
            and layer.activation is keras.activations.tanh
            and getattr(layer, "recurrent_activation", keras.activations.sigmoid) is keras.activations.sigmoid
            and getattr(layer.cell, "reset_after", True)
            and getattr(layer, "use_cudnn", "auto") is not True
            and not (layer.go_backwards or layer.unroll or layer.dropout or layer.recurrent_dropout)
            and not tf.config.list_logical_devices("GPU")
            and not compiled_by_xla(tf.compat.v1.get_default_graph())
        )

    def _recur(self, x: tf.Tensor, states: list[tf.Tensor], dtype: tf.DType) -> list[tf.Tensor]:
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="zoo")
class LSTM(_Unrolled, keras.layers.LSTM):
    """`keras.layers.LSTM`, faster on a CPU; gradients of the first order only."""

    def _recur(self, x: tf.Tensor, states: list[tf.Tensor], dtype: tf.DType) -> list[tf.Tensor]:
        h, c = states
        biases = tf.split(tf.cast(self.cell.bias, dtype), 4) if self.use_bias else None
        inputs = _project(x, tf.split(tf.convert_to_tensor(self.cell.kernel), 4, axis=1), biases, dtype)
        kernel = tf.cast(self.cell.recurrent_kernel, dtype)
        return recurrence.lstm(inputs, h, c, kernel, return_sequences=self.return_sequences)


@keras.saving.register_keras_serializable(package="zoo")
class GRU(_Unrolled, keras.layers.GRU):
    """`keras.layers.GRU`, faster on a CPU; gradients of the first order only."""

    def _recur(self, x: tf.Tensor, states: list[tf.Tensor], dtype: tf.DType) -> list[tf.Tensor]:
        (h,) = states
        biases, recurrent_g = None, tf.zeros(self.units, dtype)
        if self.use_bias:
            of_input, of_output = tf.unstack(tf.cast(self.cell.bias, dtype))
            (z, r, g), (recurrent_z, recurrent_r, recurrent_g) = tf.split(of_input, 3), tf.split(of_output, 3)
            biases = [z + recurrent_z, r + recurrent_r, g]
        inputs = _project(x, tf.split(tf.convert_to_tensor(self.cell.kernel), 3, axis=1), biases, dtype)
        kernel = tf.cast(self.cell.recurrent_kernel, dtype)
        return recurrence.gru(inputs, h, kernel, recurrent_g, return_sequences=self.return_sequences)


@keras.saving.register_keras_serializable(package="zoo")
class SimpleRNN(_Unrolled, keras.layers.SimpleRNN):
    """`keras.layers.SimpleRNN`, faster on a CPU; gradients of the first order only."""

    def _recur(self, x: tf.Tensor, states: list[tf.Tensor], dtype: tf.DType) -> list[tf.Tensor]:
        (h,) = states
        biases = [tf.cast(self.cell.bias, dtype)] if self.use_bias else None
        inputs = _project(x, [tf.convert_to_tensor(self.cell.kernel)], biases, dtype)
        kernel = tf.cast(self.cell.recurrent_kernel, dtype)
        return recurrence.simple_rnn(inputs, h, kernel, return_sequences=self.return_sequences)


def _project(
    x: tf.Tensor, kernels: list[tf.Tensor], biases: list[tf.Tensor] | None, dtype: tf.DType
) -> list[tf.Tensor]:
    """Multiply the inputs of all time steps by each gate's kernel, in their own precision, and go on in `dtype`.

    Elementwise bfloat16 is slow on a CPU, and loses what the recurrence adds up, so that only these products are in it.
    """
    steps, features = x.shape[0] or tf.shape(x)[0], x.shape[2]
    rows = tf.reshape(x, (-1, features))
    products = [tf.cast(tf.matmul(rows, kernel), dtype) for kernel in kernels]
    if biases:
        products = [tf.nn.bias_add(product, bias) for product, bias in zip(products, biases, strict=True)]
    return [tf.reshape(product, (steps, -1, product.shape[1])) for product in products]
