"""How far back a gradient reaches: how much the loss depends on what a network reads at each time step."""

import keras
import numpy as np
import tensorflow as tf

from zoo.config import Config
from zoo.data import Spec, Split
from zoo.training import losses

EXAMPLES = 256


def gradient_norms(model: keras.Model, split: Split, spec: Spec, config: Config) -> np.ndarray:
    """Return the mean of ‖∂L/∂x[t]‖ over the first examples of a split, float64 [time].

    L is the loss of one example and x[t] what the network reads of it at step t. Where the norm falls by orders of
    magnitude towards the first step, the gradient vanishes (Hochreiter 1991; Bengio, Simard & Frasconi 1994), and what
    the network has read there cannot be learnt from.

    Args:
        model: Reads float32 [batch, time, features].
        split: Sequences and their targets.
        spec: What the data is.
        config: The run's.
    """
    x = tf.constant(split.x[:EXAMPLES])
    y = tf.reshape(tf.constant(split.y[:EXAMPLES]), [-1, 1])  # type: ignore[index]
    with tf.GradientTape() as tape:
        tape.watch(x)
        mean = losses.loss(spec, config)(y, model(x, training=False))
    # In float64, because the square of 1e-20 is none in float32: that is where a vanishing gradient soon gets.
    by_example = len(x) * tf.cast(tape.gradient(mean, x), tf.float64)
    return tf.reduce_mean(tf.norm(by_example, axis=2), axis=0).numpy()
