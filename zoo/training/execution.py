"""Many steps in one compiled call: the machinery under the tape loop and under every evaluation.

The data stays where the step runs; a call is told which rows make up which batch. One call lasts about a quarter of a
second, so that the progress bar moves and Ctrl-C is heard.
"""

import time
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from zoo.data import memory
from zoo.training.batches import Batches

Step = Callable[..., object]
Logs = dict[str, tf.Tensor]
SECONDS_PER_CALL = 0.25


def compile_steps(step: Step, model: keras.Model, batches: Batches, *, jit: bool) -> Callable[..., Logs]:
    """Return a compiled function that runs a step over some batches and returns the metrics so far.

    It takes the order of the rows int32 [batches, batch size], the first batch, the one behind the last, and the data.

    Args:
        step: Called with (x, y) or (x, y, weight) of one batch; keeps its results in the model's metrics.
        model: Whose metrics are returned.
        batches: The data, for their shapes alone.
        jit: Compile with XLA.
    """
    # A stateful model takes one batch size. Elsewhere the size is left open in the graph, as Keras leaves it open in
    # fit: knowing it, TensorFlow would simplify other things, and the last bits of the two loops would differ.
    size = batches.own_size if model.input_shape[0] is not None else None
    number = tf.TensorSpec([], tf.int32)
    data = [tf.TensorSpec(array.shape, array.dtype) for array in batches.arrays()]

    # The data are arguments: XLA would fold arrays that the function captures into the program, for minutes.
    # AutoGraph, which Keras's fit does not use either, would take seconds for its translations.
    signature = [tf.TensorSpec([None, size], tf.int32), number, number, data]

    @tf.function(jit_compile=jit, input_signature=signature, autograph=False)
    def run(order: tf.Tensor, first: tf.Tensor, last: tf.Tensor, arrays: list[tf.Tensor]) -> Logs:
        def one(index: tf.Tensor) -> list[tf.Tensor]:
            rows = tf.gather(order, index)
            step(*[tf.gather(array, rows) for array in arrays])
            return [index + 1]

        # Not over tf.range: XLA would compile anew for each pair of bounds.
        tf.while_loop(lambda index: index < last, one, [first])
        return model.get_metrics_result()

    return run


def resident(batches: Batches) -> list[tf.Tensor]:
    """Return the data as tensors on the device; on a CPU they are the arrays themselves, not copies of them.

    TensorFlow's own conversion holds two further copies of a large array in memory.
    """
    if tf.config.list_logical_devices("GPU"):
        return [tf.convert_to_tensor(array) for array in batches.arrays()]
    return [tf.experimental.dlpack.from_dlpack(memory.aligned(array).__dlpack__()) for array in batches.arrays()]


class Execution:
    """Compiled steps on their way through the batches of one data set.

    Args:
        run: From `compile_steps`.
        batches: The rows, and how they are dealt.
        steps_per_call: A fixed number of steps in a call; None: as many as take a quarter of a second.
    """

    def __init__(self, run: Callable[..., Logs], batches: Batches, steps_per_call: int | None = None):
        self.batches = batches
        self._run = run
        self._steps_per_call = steps_per_call
        self._calibrated = steps_per_call or 1
        self._arrays = resident(batches)

    def trace(self) -> None:
        """Trace the function without running it."""
        self._run.get_concrete_function()  # type: ignore[attr-defined]

    def epoch(self, epoch: int = 0, done: int = 0) -> Iterator[tuple[int, int, dict[str, float]]]:
        """Run one epoch, a call at a time.

        Args:
            epoch: Counted from 0.
            done: Steps of it that are left out, because they were made before.

        Yields:
            The number of steps done before the call and after it, and the metrics so far.
        """
        rows, rest = self.batches.dealt(epoch)
        full = len(rows)
        if full > done:
            grid = tf.constant(rows)
            while done < full:
                count = min(self._calibrated, full - done)
                started = time.perf_counter()
                logs = self._call(grid, done, done + count)
                self._calibrate(count, time.perf_counter() - started)
                yield done, done + count, logs
                done += count
        if rest is not None and done <= full:
            yield done, done + 1, self._call(tf.constant(rest[None]), 0, 1)

    def _call(self, grid: tf.Tensor, first: int, last: int) -> dict[str, float]:
        logs = self._run(grid, tf.constant(first), tf.constant(last), self._arrays)
        return {name: float(np.asarray(value)) for name, value in logs.items()}

    def _calibrate(self, count: int, seconds: float) -> None:
        if self._steps_per_call is None:
            # Grow gently: the first call also traces and compiles, and a loaded machine must not make calls long.
            fitting = int(count * SECONDS_PER_CALL / max(seconds, 1e-6))
            self._calibrated = max(1, min(fitting, 8 * self._calibrated))
