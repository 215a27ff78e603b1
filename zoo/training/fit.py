"""Keras's own `fit`, on the same batches in the same order and with the same step as the tape loop."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from zoo.config import BadInput
from zoo.training.batches import Batches
from zoo.training.program import Program
from zoo.training.reading import at_a_time, resident


def train(
    program: Program,
    *,
    epochs: int,
    callbacks: Sequence[keras.callbacks.Callback],
    begin: tuple[int, int] = (0, 0),
) -> dict[str, list[float]]:
    """Train a compiled model and return its history; the arguments are those of the tape loop.

    `model.train_step` calls the shared step, which is Keras's own step plus the gradient norms and the check for
    numbers that are not finite; whether to compile with XLA, and the steps in one call, are `model.compile`'s. The data
    set says which rows make up a batch, and the compiled step fetches them.
    """
    model, step = program.model, program.step
    fixed_size = model.input_shape[0] is not None
    learn, measure = program.learn, program.measure
    rows, held_out = Stream(learn, fixed_size, begin), Stream(measure, fixed_size)
    if learn.in_files:
        model.train_step = lambda rows: step(*rows)
    else:
        # What Keras has traced for an earlier training of this program reads the data from these.
        train_rows = program.function("fit.learn", lambda: Resident(program.learn))
        train_rows.hold(program.learn)
        model.train_step = lambda rows: step(*train_rows.take(rows))
    if measure.in_files:
        model.test_step = lambda rows: _measure(program, rows)
    else:
        test_rows = program.function("fit.measure", lambda: Resident(program.measure))
        test_rows.hold(program.measure)
        model.test_step = lambda rows: _measure(program, test_rows.take(rows))
    try:
        history = model.fit(
            rows.dataset(),
            validation_data=held_out.dataset(),
            initial_epoch=begin[0],
            epochs=epochs,
            callbacks=[rows, *callbacks],
            shuffle=False,
            verbose=0,
        )
    except tf.errors.OpError as error:
        if fault := rows.fault or held_out.fault:
            raise fault from error
        raise
    return history.history


def _measure(program: Program, rows: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
    model = program.model
    if program.sharing is None:
        return type(model).test_step(model, rows)
    program.test_step(*rows)
    return model.get_metrics_result()


class Resident:
    """The rows of a split where the compiled step can fetch them.

    In variables, because XLA would fold the arrays that a function captures into the program, for minutes. Whole
    numbers are int64 there beside a GPU: TensorFlow keeps variables of int32 in the host's memory, which a program that
    XLA has compiled for the GPU cannot read.
    """

    def __init__(self, batches: Batches):
        arrays = resident(batches.arrays())
        self._types = [array.dtype for array in arrays]
        on_gpu = bool(tf.config.list_logical_devices("GPU"))
        held = [tf.int64 if on_gpu and kind == tf.int32 else kind for kind in self._types]
        self._arrays = [
            tf.Variable(tf.cast(array, kind), trainable=False) for array, kind in zip(arrays, held, strict=True)
        ]

    def hold(self, batches: Batches) -> None:
        """Take other rows of the same shapes."""
        for variable, array in zip(self._arrays, resident(batches.arrays()), strict=True):
            variable.assign(tf.cast(array, variable.dtype))

    def take(self, rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        """Return (x, y) or (x, y, weight) of some rows, int32 [batch]."""
        taken = [tf.gather(array, rows) for array in self._arrays]
        return tuple(tf.cast(array, kind) for array, kind in zip(taken, self._types, strict=True))


class Stream(keras.callbacks.Callback):
    """The batches of the current epoch as a tf.data.Dataset: of rows, int32 [batch], or of what is read from files.

    As a callback it hears which epoch begins. Keras opens the data set anew after that, and the order is computed
    when the data set is opened, so that nothing prepared ahead can be an epoch late.

    Of an epoch that goes on within, it yields the batches that are left, and ends the epoch behind them: Keras counts
    on the same number in each.

    Args:
        batches: The rows, and how they are dealt.
        fixed_size: Whether the graph is to know the batch size, as a stateful model needs it.
        begin: The first epoch, and the steps of it that were made before.

    Attributes:
        fault: What kept rows from being read, in its own words.
    """

    def __init__(self, batches: Batches, fixed_size: bool, begin: tuple[int, int] = (0, 0)):
        super().__init__()
        self._batches, self._fixed_size = batches, fixed_size
        self._first, self._made = begin
        self._epoch = begin[0]
        self._ends_epoch = False
        self.fault: BadInput | None = None

    @property
    def _done(self) -> int:
        """Steps of the current epoch that were made before."""
        return self._made if self._epoch == self._first else 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Take the order of this epoch from now on."""
        self._epoch = epoch
        self._train = self.model.train_function
        if self._done == self._batches.steps:  # validation is left; Keras calls the function once nevertheless
            self.model.train_function = lambda rows: self.model.get_metrics_result()

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """End an epoch that went on within behind its last batch."""
        self.model.train_function = self._train
        if self._done and self._done + batch + 1 >= self._batches.steps and not self.model.stop_training:
            self._ends_epoch = self.model.stop_training = True

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Let the epochs behind this one come."""
        if self._ends_epoch:
            self._ends_epoch = self.model.stop_training = False

    def dataset(self) -> tf.data.Dataset:
        """Return the data set; each time it is opened it holds the epoch that runs then."""
        batches = self._batches

        size = batches.own_size if self._fixed_size else None

        def rows_in_order(_: tf.Tensor) -> tf.data.Dataset:
            order, bounds = tf.numpy_function(self._dealt, [], [tf.int32, tf.int64], stateful=True)
            order.set_shape([None])
            bounds.set_shape([None, 2])
            if batches.in_files:
                return self._read(order, bounds, size)
            batch = tf.data.Dataset.from_tensor_slices(bounds)
            return batch.map(lambda one: tf.ensure_shape(order[one[0] : one[1]], [size]))

        rows = tf.data.Dataset.range(1).flat_map(rows_in_order)
        if not self._made:
            rows = rows.apply(tf.data.experimental.assert_cardinality(batches.steps))
        rows = rows.prefetch(2)
        options = tf.data.Options()
        options.autotune.enabled = False  # there is nothing to tune; the tuner's thread would slow the step by half
        rows = rows.with_options(options)
        if self._made:  # the first epoch is shorter than what Keras is to count on
            rows.cardinality = lambda: batches.steps
        return rows

    def _dealt(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of the epoch, int32 [rows], and the bounds of the batches left of it, int64 [batches, 2]."""
        full, rest = self._batches.dealt(self._epoch)
        sizes = [full.shape[1]] * len(full) + ([] if rest is None else [len(rest)])
        ends = np.cumsum(sizes, dtype=np.int64)
        rows = full.reshape(-1) if rest is None else np.concatenate([full.reshape(-1), rest])
        return rows, np.stack([ends - sizes, ends], axis=1)[self._done :]

    def _read(self, order: tf.Tensor, bounds: tf.Tensor, size: int | None) -> tf.data.Dataset:
        """Return batches of (x, y) or (x, y, weight), some of which are read at a time while others are learnt from.

        Args:
            order: Of the rows, int32 [rows].
            bounds: Of each batch in it, int64 [batches, 2].
            size: Of all batches, where the graph is to know it.
        """
        batches = self._batches
        kinds = [array.dtype for array in batches.arrays()]
        shapes = [array.shape[1:] for array in batches.arrays()]

        def some(first: tf.Tensor) -> tuple[tf.Tensor, ...]:
            own = bounds[first : first + at_a_time(batches)]
            arrays = tf.numpy_function(self._rows, [order[own[0, 0] : own[-1, 1]]], kinds)
            for array, shape in zip(arrays, shapes, strict=True):
                array.set_shape([None, *shape])
            return (own - own[0, 0], *arrays)

        def each(own: tf.Tensor, *arrays: tf.Tensor) -> tf.data.Dataset:
            batch = tf.data.Dataset.from_tensor_slices(own)
            return batch.map(lambda one: tuple(_known(array[one[0] : one[1]], size) for array in arrays))

        firsts = tf.data.Dataset.range(0, tf.shape(bounds, tf.int64)[0], at_a_time(batches))
        return firsts.map(some).prefetch(1).flat_map(each)

    def _rows(self, rows: np.ndarray) -> list[np.ndarray]:
        try:
            return self._batches.read(rows)
        except BadInput as error:
            self.fault = error  # TensorFlow makes another of it
            raise


def _known(rows: tf.Tensor, size: int | None) -> tf.Tensor:
    return tf.ensure_shape(rows, [size, *rows.shape[1:]])
