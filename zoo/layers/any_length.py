"""The walk of a recurrent layer through a sequence whose length is not known yet, step by step as the unrolled one.

Keras's own loop adds up the same numbers in another order, and so ends an ulp or two elsewhere. What is exported has to
put out what the layer puts out here, for any length; it is not trained any more.
"""

import contextlib
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any

import tensorflow as tf

Tensors = Sequence[tf.Tensor]
_wanted: ContextVar[bool] = ContextVar("any_length", default=False)


@contextlib.contextmanager
def exporting() -> Iterator[None]:
    """Have layers that are traced in this context take this walk where the length is not known."""
    token = _wanted.set(True)
    try:
        yield
    finally:
        _wanted.reset(token)


def is_wanted() -> bool:
    """Tell whether layers are traced to be exported."""
    return _wanted.get()


def walk(
    step: Any, x: Tensors, state: Tensors, kernel: tf.Tensor, bias: Tensors, return_sequences: bool
) -> list[tf.Tensor]:
    """Walk through time without a gradient; arguments and result are those of `walk_through_time`.

    Args:
        step: From the inputs of one step, the state and the weights to the new state, among others.
        x: The input's part of each gate, [time, batch, units].
        state: Before the first step, the output first, each [batch, units].
        kernel: The recurrent kernels of the gates, side by side.
        bias: What is added to the last product, [units], or nothing.
        return_sequences: Whether to return the outputs of all steps or the last one alone.
    """
    weights = [*tf.split(kernel, kernel.shape[1] // kernel.shape[0], axis=1), *bias]
    length = tf.shape(x[0])[0]

    def one(t: tf.Tensor, outputs: tf.TensorArray, *before: tf.Tensor) -> tuple[Any, ...]:
        [done] = step.python_function([tuple(gate[t] for gate in x)], list(before), weights)
        return t + 1, outputs.write(t, done[0]), *done[: len(before)]

    start = (0, tf.TensorArray(state[0].dtype, length, element_shape=state[0].shape), *state)
    _, outputs, *last = tf.while_loop(lambda t, *_: t < length, one, start)
    return [outputs.stack() if return_sequences else last[0], *last[1:]]
