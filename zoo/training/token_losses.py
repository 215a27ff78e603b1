"""What the tokens of a text cost a language model at each position, which the mean over all of them hides."""

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf

from zoo.config import Config
from zoo.data import Splits
from zoo.models import building
from zoo.training import batches, evaluation, losses
from zoo.training.batches import Batches


def by_position(weights: Sequence[np.ndarray], splits: Splits, config: Config) -> dict[str, np.ndarray]:
    """Return the mean negative log-likelihood of the tokens of the test split at each position in a sequence.

    Args:
        weights: As `model.get_weights()` gave them.
        splits: The data.
        config: The run's; its model tells the next token at every position.

    Returns:
        float64 [positions], in nats, by how the text was read: from nothing in each sequence, and where the
        model carries its state, also with that of the sequence before.
    """
    text = splits.test.x
    size = min(batches.batch_size(splits.train, config), max(1, len(text) // config.data.sequence_length))
    ways: dict[str, tuple[int | None, Batches]] = {
        "from nothing": (None, batches.windows(text, config, size, seed=None))
    }
    if config.model.carries_state:
        ways = {"state carried": (1, batches.streams(text, config, 1)), **ways}
    found = {}
    for name, (batch_size, rows) in ways.items():
        model = building.build(config.model, replace(splits.spec, batch_size=batch_size), config.precision)
        model.set_weights(weights)
        found[name] = _losses(model, rows, from_logits=config.model.output == "logits")
    return found


def _losses(model: keras.Model, rows: Batches, *, from_logits: bool) -> np.ndarray:
    @tf.function(reduce_retracing=True)
    def of(x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
        return losses.negative_log_likelihood(y, model(x, training=False), from_logits=from_logits)

    evaluation.reset_states(model)
    total = np.zeros(rows.units)
    for start in range(0, rows.rows, rows.batch_size):
        x, y = rows.read(np.arange(start, min(start + rows.batch_size, rows.rows)))
        total += of(tf.constant(x), tf.constant(y)).numpy().sum(axis=0, dtype=float)
    return total / rows.rows
