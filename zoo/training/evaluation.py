"""Measuring a model on a split: the same compiled step for validation in the tape loop and for every final test."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from zoo.training.batches import Batches
from zoo.training.execution import Execution, compile_steps


class TestStep:
    """Update the model's loss and metrics on one batch, without training."""

    __test__ = False  # not a pytest class

    def __init__(self, model: keras.Model):
        self.model = model
        self._mean_loss = next(metric for metric in model.metrics if metric.name == "loss")

    def __call__(self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None = None) -> None:
        """Take in one batch: x [batch, ...], y [batch, ...], weight float32 [batch]."""
        prediction = self.model(x, training=False)
        loss = self.model.compute_loss(x, y, prediction, weight, training=False)
        self._mean_loss.update_state(loss, sample_weight=tf.shape(x)[0])
        self.model.compute_metrics(x, y, prediction, weight)


def evaluate(model: keras.Model, parts: Sequence[Batches], *, jit: bool) -> dict[str, float]:
    """Return loss and metrics over the rows of all parts, read one after another.

    Recurrent state is reset before the first part and carried from part to part; each part counts by its targets.

    Args:
        model: A compiled model.
        parts: Rows of one split; several where they differ in shape, as the end of a text does.
        jit: Compile with XLA.
    """
    reset_states(model)
    totals: dict[str, float] = {}
    count = sum(part.y.size for part in parts)
    for part in parts:
        model.reset_metrics()
        run = compile_steps(TestStep(model), model, part, jit=jit)
        *_, (_, _, logs) = Execution(run, part).epoch()
        for name, value in logs.items():
            totals[name] = totals.get(name, 0.0) + value * part.y.size / count
    return totals


def reset_states(model: keras.Model) -> None:
    """Set the carried state of every stateful layer to zero."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            reset_states(layer)
        elif getattr(layer, "stateful", False) and hasattr(layer, "reset_states"):
            layer.reset_states()
