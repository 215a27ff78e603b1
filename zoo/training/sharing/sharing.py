"""A training step whose batch is shared out, through tf.distribute: to several devices, to several processes, or both.

Each takes its part of the rows, and what comes of the parts is added up: the loss and its gradient, weighted by rows,
and what the metrics count. So every process applies the same gradient to the same weights, and has the same logs; that
there are several changes the last bits alone.
"""

import contextlib
import io
import re
import tarfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from zoo.config import BadInput
from zoo.training.batches import Batches
from zoo.training.evaluation import reset_states
from zoo.training.interruption import SIGNALS, Interrupted
from zoo.training.sharing.workers import Workers

_SEEDS_APART = 0x9E3779B97F4A7C1  # of the random layers of one process and the next
_PIECE = 2**22  # numbers of a file that are handed over at a time


class Sharing:
    """Those who share the steps of one training.

    Args:
        strategy: TensorFlow's; it is not the current one, and makes no variables.
        workers: The processes; None: there is this one only.

    Attributes:
        replicas: How many parts a batch has.
        index: Which of the processes this one is.
        count: How many they are.
    """

    def __init__(self, strategy: tf.distribute.Strategy, workers: Workers | None = None):
        self._strategy, self._workers = strategy, workers
        self.index, self.count = (workers.index, workers.count) if workers else (0, 1)
        self.replicas: int = strategy.num_replicas_in_sync
        self._here = self.replicas // self.count
        self._states: list[tuple[keras.Layer, list[list[keras.Variable]]]] = []
        # Which signals have asked for an end: this process, and all of them together by the last step.
        self._asked = tf.Variable(tf.zeros(len(SIGNALS)), trainable=False)
        self._heard = tf.Variable(tf.zeros(len(SIGNALS)), trainable=False)

    def take(self, model: keras.Model, rows: Batches) -> None:
        """Give each device of this process recurrent states of its own, and each process random masks of its own.

        Args:
            model: Compiled; where it takes one batch size, that of one part.
            rows: To measure once, for the variables of the metrics, which no device is to make for itself.

        Raises:
            BadInput: A layer normalizes by the batch.
        """
        one = [array[: model.input_shape[0] or 1] for array in rows.arrays()]
        model.compute_metrics(*one[:2], model(one[0], training=False), *one[2:])
        model.reset_metrics()
        reset_states(model)
        self._seeds = [variable for variable in model.variables if variable.name == "seed_generator_state"]
        for layer in model._flatten_layers(include_self=False, recursive=True):
            if isinstance(layer, keras.layers.BatchNormalization):
                raise BadInput(
                    f"Layer {layer.name} normalizes by the batch, of which each device would see its own part alone. "
                    "Use strategy=none."
                )
            if getattr(layer, "stateful", False) and self._here > 1:
                own = keras.tree.flatten(layer.states)
                sets = [own, *([keras.Variable(tf.zeros_like(one)) for one in own] for _ in range(1, self._here))]
                self._states.append((layer, sets))
        self._show_states()
        self.restart()

    def restart(self) -> None:
        """Begin a training, whose random layers have just got their states."""
        for variable in (self._asked, self._heard):
            variable.assign(tf.zeros_like(variable))
        self.part_random()

    def part_random(self) -> None:
        """Move the state of random layers from the chief's to this process's."""
        for seed in self._seeds if self.index else []:
            key, count = np.array(seed).tolist()
            seed.assign([(key + _SEEDS_APART * self.index) % 2**63, count])

    def total(self, of_part: Callable[..., Sequence[tf.Tensor]], rows: Sequence[tf.Tensor]) -> list[tf.Tensor]:
        """Return the sums of what a function returns for each part of some rows, inside a compiled step.

        Args:
            of_part: Called with its part of each array, perhaps of no rows, for each device; returns float32 tensors.
            rows: Arrays of this process's rows.
        """
        shapes: list[tf.TensorShape] = []

        def part(here: int) -> tf.Tensor:
            count = tf.shape(rows[0])[0]
            first, last = count * here // self._here, count * (here + 1) // self._here
            own = [array[first:last] for array in rows] if self._here > 1 else rows
            with self._states_on(here):
                found = [*of_part(*own), self._asked if here == 0 else tf.zeros_like(self._asked)]
            shapes[:] = [one.shape for one in found]
            return tf.concat([tf.reshape(one, [-1]) for one in found], axis=0)  # one message instead of many

        summed = self._sum(part)
        sizes = [shape.num_elements() for shape in shapes]
        *found, asked = [tf.reshape(one, shape) for one, shape in zip(tf.split(summed, sizes), shapes, strict=True)]
        self._heard.assign(asked)
        return found

    def check(self, check_interrupt: Callable[[], None]) -> None:
        """Raise `Interrupted` in all processes behind the same step, where one was asked to end.

        Args:
            check_interrupt: Raises it where this process was.
        """
        if self.count == 1:
            check_interrupt()
            return
        try:
            check_interrupt()
        except Interrupted as asked:
            self._asked.assign([float(asked.number == number) for number in SIGNALS])
        heard = self._heard.numpy()
        if heard.any():
            raise Interrupted(SIGNALS[int(np.argmax(heard))])

    def hand_over(self, folder: Path) -> None:
        """Copy the chief's files, flat in a folder, to the same folder of every process."""
        if self.count == 1:
            return
        packed = io.BytesIO()
        if self.index == 0 and folder.is_dir():
            with tarfile.open(fileobj=packed, mode="w") as archive:
                for file in sorted(folder.glob("*.npz")):
                    archive.add(file, file.name)
        own = np.frombuffer(packed.getvalue(), np.int32)  # an archive's size is a multiple of 512 bytes
        size = int(self._from_chief(np.array([len(own)], np.int32))[0])
        own = own if len(own) else np.zeros(size, np.int32)
        pieces = [self._from_chief(own[start : start + _PIECE]) for start in range(0, size, _PIECE)]
        if self.index and size:
            folder.mkdir(parents=True, exist_ok=True)
            with tarfile.open(fileobj=io.BytesIO(np.concatenate(pieces).tobytes())) as archive:
                archive.extractall(folder, filter="data")

    def lost(self, error: Exception) -> str | None:
        """Return in a sentence which process an error says is gone, or None where it says something else."""
        if self._workers is None or not isinstance(error, tf.errors.UnavailableError | tf.errors.AbortedError):
            return None
        named = re.findall(r"/job:(chief|worker)/(?:replica:\d+/)?task:(\d+)", str(error))
        found = {self._workers.index_of(job, int(task)) for job, task in named} - {self.index}
        gone = " and ".join(map(self._workers.named, sorted(found))) or "another process"
        return f"{gone[0].upper()}{gone[1:]} is gone, without which the others cannot go on."

    def _sum(self, part: Callable[[int], tf.Tensor]) -> tf.Tensor:
        """Return the sum of what a function returns for each device, which it is given the number of."""

        def of_device() -> tf.Tensor:
            number = tf.get_static_value(tf.distribute.get_replica_context().replica_id_in_sync_group)
            return part(int(number) % self._here)

        with self._strategy.scope():  # within Keras's fit, which has a strategy of its own for one device
            return self._strategy.reduce(tf.distribute.ReduceOp.SUM, self._strategy.run(of_device), axis=None)

    def _from_chief(self, values: np.ndarray) -> np.ndarray:
        @tf.function(autograph=False)
        def summed(own: tf.Tensor) -> tf.Tensor:
            return self._sum(lambda here: own if here == 0 else tf.zeros_like(own))

        return np.asarray(summed(tf.constant(values if self.index == 0 else np.zeros_like(values))))

    @contextlib.contextmanager
    def _states_on(self, here: int) -> Iterator[None]:
        """Have stateful layers use the states of one device, while what it does is traced."""
        for layer, sets in self._states:
            object.__setattr__(layer, "states", sets[here])  # Keras would take them for new weights
        try:
            yield
        finally:
            self._show_states()

    def _show_states(self) -> None:
        """Have stateful layers hold the states of all devices, for whoever resets or saves them."""
        for layer, sets in self._states:
            object.__setattr__(layer, "states", [state for one in sets for state in one])
