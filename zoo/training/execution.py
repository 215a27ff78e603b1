"""Many steps in one compiled call: the machinery under the tape loop and under every evaluation.

The data stays where the step runs; a call is told which rows make up which batch. One call lasts about a quarter of a
second, so that the progress bar moves and Ctrl-C is heard.
"""

import time
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from zoo.training import reading
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
    rows = [None] if batches.in_files else [batches.rows]
    data = [tf.TensorSpec([*rows, *array.shape[1:]], array.dtype) for array in batches.arrays()]

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
        self._spans = reading.spans(batches)

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
        for span in self._spans(self.batches, epoch, done):
            first = span.first
            while first < span.last:
                last = min(first + self._calibrated, span.last)
                started = time.perf_counter()
                logs = self._call(span, first, last)
                self._calibrate(last - first, time.perf_counter() - started)
                yield span.before + first, span.before + last, logs
                first = last

    def _call(self, span: reading.Span, first: int, last: int) -> dict[str, float]:
        logs = self._run(span.grid, tf.constant(first), tf.constant(last), span.arrays)
        return {name: float(np.asarray(value)) for name, value in logs.items()}

    def _calibrate(self, count: int, seconds: float) -> None:
        if self._steps_per_call is None:
            # Grow gently: the first call also traces and compiles, and a loaded machine must not make calls long.
            fitting = int(count * SECONDS_PER_CALL / max(seconds, 1e-6))
            self._calibrated = max(1, min(fitting, 8 * self._calibrated))
