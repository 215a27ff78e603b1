"""Many short epochs in one compiled call, with the state after each of them kept.

An epoch of four tiny steps takes less time than a call from Python. So the training runs some epochs ahead, and the
callbacks follow, epoch by epoch, on what was recorded: the same logs, weights and norms as if they had looked each
time. Where one of them ends the training, the variables go back to the state after that epoch.
"""

import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from zoo.training import setup, state
from zoo.training.batches import Batches
from zoo.training.evaluation import TestStep
from zoo.training.execution import SECONDS_PER_CALL
from zoo.training.reading import resident
from zoo.training.state import EpochState, State, learning_rate
from zoo.training.step import TrainStep

MAX_EPOCHS = 512
MAX_BYTES = 2**25  # of recorded states in one call
_SHORT = 1e8  # floating point operations of an epoch: some milliseconds
_FEW = 256  # steps of an epoch; without XLA a step takes a tenth of a millisecond, however small it is


def pays(model: keras.Model, training: Batches) -> bool:
    """Tell whether an epoch is so short that calling it costs more than computing it.

    Layers with carried state are left out: it would have to be reset between epochs. So is data in files.
    """
    if training.in_files:
        return False
    layers = model._flatten_layers(include_self=False, recursive=True)
    short = setup.operations(model, training, training.rows) < _SHORT and training.steps <= _FEW
    return short and not any(getattr(layer, "stateful", False) for layer in layers)


class Block:
    """Some epochs of training and validation as one compiled function, which also returns the state after each.

    Args:
        step: The training step of a compiled model.
        training: Batches to learn from, for their shapes.
        validation: Batches to measure on after each epoch, for their shapes.
        jit: Compile with XLA.

    Attributes:
        size: Epochs in a call, at most.
        names: Of the logs; known after the first call.
        variables: Whose values after each epoch are returned.
    """

    def __init__(self, step: TrainStep, training: Batches, validation: Batches, *, jit: bool):
        model = step.model
        self.names: list[str] = []
        self.variables = state.variables(model, step.gradients)
        size = sum(variable.dtype.size * variable.shape.num_elements() for variable in self.variables)
        self.size = max(1, min(MAX_EPOCHS, MAX_BYTES // size))
        self._step = step
        self._run = self._compile(training, validation, jit)
        model.reset_metrics()

    def __call__(self, *arguments: object) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """Run some epochs.

        Args:
            *arguments: How many; the rows of each batch of each epoch, as `deal` returns them for `size` epochs; those
                of the validation; the arrays of training and validation.

        Returns:
            For each epoch the logs, the mean gradient norms [layers], the learning rate, the optimizer's steps, and
            all variables.
        """
        return self._run(*arguments)

    def _compile(self, training: Batches, validation: Batches, jit: bool) -> Callable[..., tuple]:
        step, model, variables, size = self._step, self._step.model, self.variables, self.size
        test, watch = TestStep(model), step.gradients

        def through(step, batches, arrays):  # type: ignore[no-untyped-def]
            grid, *rest = batches

            def one(index: tf.Tensor) -> list[tf.Tensor]:
                step(*[tf.gather(array, tf.gather(grid, index)) for array in arrays])
                return [index + 1]

            tf.while_loop(lambda index: index < tf.shape(grid)[0], one, [tf.constant(0)])
            for rows in rest:
                step(*[tf.gather(array, rows) for array in arrays])
            logs = model.get_metrics_result()
            model.reset_metrics()
            return logs

        # As everywhere, the graph is not to know the size of a batch.
        orders = [deal(batches.order(0), batches.batch_size) for batches in (training, validation)]
        orders[0] = [order[None] for order in orders[0]]  # one for each epoch
        signature = [
            tf.TensorSpec([], tf.int32),
            *tf.nest.map_structure(lambda order: tf.TensorSpec([None] * order.shape.rank, order.dtype), orders),
            *[[tf.TensorSpec([None, *array.shape[1:]], array.dtype) for array in batches.arrays()]
              for batches in (training, validation)],
        ]  # fmt: skip

        @tf.function(jit_compile=jit, input_signature=signature, autograph=False)
        def run(count, orders, held_out, arrays, held_arrays):  # type: ignore[no-untyped-def]
            kept = [tf.TensorArray(dtype, size) for dtype in (tf.float32, tf.float32, tf.float32, tf.int64)]
            kept += [tf.TensorArray(variable.dtype, size, element_shape=variable.shape) for variable in variables]

            def one(epoch, kept):  # type: ignore[no-untyped-def]
                watch.reset()
                logs = through(step, [order[epoch] for order in orders], arrays)
                norms, rate = watch.means(), learning_rate(model.optimizer)
                steps = tf.cast(model.optimizer.iterations, tf.int64)
                measured = through(test, held_out, held_arrays)
                now = [self._line_up(logs, measured), norms, rate, steps, *map(tf.identity, variables)]
                return epoch + 1, [array.write(epoch, value) for array, value in zip(kept, now, strict=True)]

            _, kept = tf.while_loop(lambda epoch, _: epoch < count, one, (tf.constant(0), kept))
            logs, norms, rates, steps, *states = [array.stack() for array in kept]
            return logs, norms, rates, steps, states

        return run

    def _line_up(self, logs: dict[str, tf.Tensor], measured: dict[str, tf.Tensor]) -> tf.Tensor:
        """Return the logs of an epoch as one vector, and remember the names of its elements."""
        self.names = [*logs, *(f"val_{name}" for name in measured)]
        return tf.stack([tf.cast(value, tf.float32) for value in [*logs.values(), *measured.values()]])


class EpochsAhead:
    """Runs epochs in blocks, and hands them out one at a time.

    Args:
        block: Compiled for batches of these shapes.
        step: The training step of a compiled model.
        training: Batches to learn from.
        validation: Batches to measure on after each epoch.
        state: Is told what was recorded of the epoch handed out last.
        epochs: How many there are.
    """

    def __init__(
        self, block: Block, step: TrainStep, training: Batches, validation: Batches, state: State, *, epochs: int
    ):
        self._block, self._watch, self._state = block, step.gradients, state
        self._training, self._epochs = training, epochs
        positions = {id(variable): index for index, variable in enumerate(block.variables)}
        self._weights = [positions[id(value)] for value in _values(step.model.weights)]
        self._held_out = deal(validation.order(0), validation.batch_size)
        self._arrays = [resident(batches.arrays()) for batches in (training, validation)]
        self._count = 1  # epochs of the next call
        self._called = False
        self._first = self._done = 0  # of the block at hand, and behind it
        self._shown = -1
        self._seconds = 0.0

    def epoch(self, epoch: int) -> dict[str, float]:
        """Return the logs of the next epoch, after running a block of epochs if it is not among those recorded."""
        if epoch >= self._done:
            self._advance(epoch)
        self._shown = at = epoch - self._first
        self._state.recorded = EpochState(
            weights=[self._recorded[index][at] for index in self._weights],
            step=int(self._steps[at]),
            learning_rate=float(self._rates[at]),
            gradient_norms=self._norms[at],
            last_norms=self._recorded[-3][at],
            fault=self._fault(at),
            seconds=self._seconds,
            finite=bool(self._finite[at]),
            values=lambda: [values[at] for values in self._recorded],
        )
        return dict(zip(self._block.names, self._logs[at].tolist(), strict=True))

    def _fault(self, at: int) -> str | None:
        before, first_bad, bad = self._recorded[-3:]
        return self._watch.fault((before[at], int(first_bad[at]), bad[at]))

    def settle(self) -> None:
        """Give all variables the state after the epoch that was handed out last."""
        if 0 <= self._shown < self._done - self._first - 1:
            for variable, values in zip(self._block.variables, self._recorded, strict=True):
                variable.assign(values[self._shown])
        self._state.recorded = None

    def _advance(self, epoch: int) -> None:
        count, size = min(self._count, self._epochs - epoch), self._block.size
        orders = self._training.orders(epoch, count)
        orders = np.pad(orders, [(0, size - count), (0, 0)])
        dealt = deal(orders, self._training.batch_size)
        began = time.perf_counter()
        *logs, recorded = self._block(tf.constant(count), dealt, self._held_out, *self._arrays)
        self._logs, self._norms, self._rates, self._steps = (values.numpy() for values in logs)
        self._recorded = [values.numpy() for values in recorded]
        weights = [self._recorded[index] for index in self._weights]
        self._finite = np.all([np.isfinite(values).reshape(size, -1).all(axis=1) for values in weights], axis=0)
        seconds = time.perf_counter() - began
        self._seconds = seconds / count
        self._first, self._done = epoch, epoch + count
        # The first call also compiles, and tells nothing; a loaded machine must not make calls long.
        fitting = int(count * SECONDS_PER_CALL / max(seconds, 1e-6))
        self._count = max(1, min(fitting, 32 * count, size)) if self._called else 1
        self._called = True


def deal(order: np.ndarray, size: int) -> list[tf.Tensor]:
    """Return orders [..., rows] as full batches [..., steps, size] and, where some are left, the rest [..., rows]."""
    rows = order.shape[-1]
    full = rows // size * size
    grid = tf.constant(order[..., :full].reshape(*order.shape[:-1], full // size, size))
    return [grid, tf.constant(order[..., full:])] if full < rows else [grid]


def _values(variables: list[keras.Variable]) -> list[tf.Variable]:
    return [variable.value for variable in variables]
