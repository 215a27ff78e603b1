"""Keras's own `fit`, on the same batches in the same order and with the same step as the tape loop."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from zoo.training.batches import Batches
from zoo.training.program import Program


def train(program: Program, *, epochs: int, callbacks: Sequence[keras.callbacks.Callback]) -> dict[str, list[float]]:
    """Train a compiled model and return its history; the arguments are those of the tape loop.

    `model.train_step` calls the shared step, which is Keras's own step plus the gradient norms and the check for
    numbers that are not finite; whether to compile with XLA, and the steps in one call, are `model.compile`'s.
    """
    model, step = program.model, program.step
    model.train_step = lambda data: step(*data)
    fixed_size = model.input_shape[0] is not None
    stream = Stream(program.learn, fixed_size)
    history = model.fit(
        stream.dataset(),
        validation_data=Stream(program.measure, fixed_size).dataset(),
        epochs=epochs,
        callbacks=[stream, *callbacks],
        shuffle=False,
        verbose=0,
    )
    return history.history


class Stream(keras.callbacks.Callback):
    """The batches of the current epoch as a tf.data.Dataset of (x, y) or (x, y, weight).

    As a callback it hears which epoch begins. Keras opens the data set anew after that, and the order is computed
    when the data set is opened, so that nothing prepared ahead can be an epoch late.

    Args:
        batches: The rows, and how they are dealt.
        fixed_size: Whether the graph is to know the batch size, as a stateful model needs it.
    """

    def __init__(self, batches: Batches, fixed_size: bool):
        super().__init__()
        self._batches, self._fixed_size = batches, fixed_size
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Take the order of this epoch from now on."""
        self._epoch = epoch

    def dataset(self) -> tf.data.Dataset:
        """Return the data set; each time it is opened it holds the epoch that runs then."""
        batches = self._batches
        arrays = tuple(tf.convert_to_tensor(array) for array in batches.arrays())

        def rows_in_order(_: tf.Tensor) -> tf.data.Dataset:
            order = tf.numpy_function(lambda: batches.order(self._epoch), [], tf.int32, stateful=True)
            order.set_shape([batches.rows])
            return tf.data.Dataset.from_tensor_slices(order)

        def gather(rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
            return tuple(tf.gather(array, rows) for array in arrays)

        rows = tf.data.Dataset.range(1).flat_map(rows_in_order)
        rows = rows.batch(batches.batch_size, drop_remainder=self._fixed_size)
        return rows.map(gather).apply(tf.data.experimental.assert_cardinality(batches.steps)).prefetch(2)
