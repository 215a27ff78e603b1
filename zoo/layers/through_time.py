"""The walk of a recurrent layer through time and back, with a gradient written by hand.

Gradients are of the first order: the way back cannot be differentiated again.
"""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from zoo.layers import any_length

Tensors = Sequence[tf.Tensor]
Steps = list[tuple[Any, ...]]

# Steps are walked in stretches of a few. A stretch is a function of its own, traced once for each shape and not copied
# into the graph that calls it: a graph of all steps takes seconds to trace and optimize, and runs no faster.
LENGTH_OF_STRETCH = 8
stretch = tf.function(autograph=False, experimental_attributes={"_noinline": True})


def walk_through_time(
    walk: Any, walk_back: Any, x: Tensors, state: Tensors, kernel: tf.Tensor, bias: Tensors, return_sequences: bool
) -> list[tf.Tensor]:
    """Walk through time, and say how gradients come back.

    δ[t] is the gradient of what enters an activation function in step t. It leads to the gradients of

        h[t-1]  by δ[t] Uᵀ, which the step before waits for,
        x[t]    as it is, because x[t] enters by an addition,
        U       by the sum of h[t-1]ᵀ δ[t] over all steps, which is one large product after the walk. Automatic
                differentiation makes a small one in each step, and multiplies by U against the order it is stored in.

    Args:
        walk: From inputs, state and weights to one tuple for each step: the new state, and what the way back needs.
        walk_back: From the steps, last first, to the gradient of the state before them and the δ of each. The last δ
            of a step belongs to the last product with h[t-1].
        x: The input's part of each gate, [time, batch, units].
        state: Before the first step, the output first, each [batch, units].
        kernel: The recurrent kernels of the gates, side by side.
        bias: What is added to the last product, [units], or nothing.
        return_sequences: Whether to return the outputs of all steps or the last one alone.

    Returns:
        The outputs, and what else the last state consists of.
    """
    if x[0].shape[0] is None:
        return any_length.walk(walk, x, state, kernel, bias, return_sequences)
    if tf.executing_eagerly():
        walk, walk_back = walk.python_function, walk_back.python_function
    steps, gates = x[0].shape[0], kernel.shape[1] // kernel.shape[0]
    count = -(-steps // LENGTH_OF_STRETCH)
    stretches = [slice(steps * n // count, steps * (n + 1) // count) for n in range(count)]

    @tf.custom_gradient
    def through_time(x: Tensors, state: Tensors, kernel: tf.Tensor, bias: Tensors) -> tuple[Tensors, Any]:
        kernels = tf.split(kernel, gates, axis=1)
        x_by_step = list(zip(*[tf.unstack(gate) for gate in x], strict=True))
        states, walked = [list(state)], []
        for stretch in stretches:
            done = walk(x_by_step[stretch], states[-1], [*kernels, *bias])
            walked += done
            states += [list(step[: len(state)]) for step in done]
        history = tf.stack([output for output, *_ in states])
        last = states[-1]

        def back_through_time(d_outputs: tf.Tensor, *d_state: tf.Tensor) -> tuple[tf.Tensor, ...]:
            nothing = tf.zeros_like(last[0])
            dh_outside = tf.unstack(d_outputs) if return_sequences else [nothing] * (steps - 1) + [d_outputs]
            to_walk = list(zip(dh_outside, states, walked, strict=False))
            transposed = [tf.transpose(kernel) for kernel in kernels]
            d_before, collected = [nothing, *d_state], []
            for stretch in reversed(stretches):
                d_before, deltas = walk_back(to_walk[stretch][::-1], d_before, transposed)
                collected += deltas
            deltas = [tf.stack(delta[::-1]) for delta in zip(*collected, strict=True)]
            of_products = [*deltas[: gates - 1], deltas[-1]]
            d_kernel = [tf.matmul(_rows(history[:-1]), _rows(delta), transpose_a=True) for delta in of_products]
            d_bias = [tf.reduce_sum(deltas[-1], axis=(0, 1)) for _ in bias]
            return *deltas[: len(x)], *d_before, tf.concat(d_kernel, axis=1), *d_bias

        return [history[1:] if return_sequences else last[0], *last[1:]], back_through_time

    return through_time(x, state, kernel, bias)


def _rows(stack: tf.Tensor) -> tf.Tensor:
    """Return [time, batch, units] as [time x batch, units]."""
    return tf.reshape(stack, (-1, stack.shape[2]))
