"""Training a population: epochs in compiled blocks, as many at a time as take a quarter of a second."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
import tensorflow as tf

from zoo.config import Config
from zoo.data import Splits
from zoo.optim import schedules
from zoo.training import batches
from zoo.training.batches import Batches
from zoo.training.ending import Training, reason
from zoo.training.execution import SECONDS_PER_CALL
from zoo.training.interruption import Interrupted
from zoo.training.population.stacked import Stacked
from zoo.training.population.standing import DIVERGED, EARLY_STOPPED, RUNNING, TARGET_REACHED, Standing
from zoo.training.reading import resident
from zoo.training.step import after, fault

MAX_EPOCHS = 512  # in one call
TINY = 5_000  # parameters of a member, up to which all members are computed in the same operations


@dataclass(frozen=True)
class Trained:
    """One member at its end.

    Attributes:
        training: What came of it; the history holds the epochs that were asked for, and the last.
        weights: Those of the last step, in the order of `model.get_weights()`.
        steps: The optimizer's steps after each epoch of the history.
    """

    training: Training
    weights: list[np.ndarray]
    steps: list[int]


class Population:
    """Members that train together, compiled once for a number of them.

    Args:
        model: Of one member, built.
        splits: The data that all learn from.
        configs: As many as there are members.
    """

    def __init__(self, model: keras.Model, splits: Splits, configs: Sequence[Config]):
        config = configs[0]
        self.size = len(configs)
        self._config, self._splits = config, splits
        self._learn, self._measure = batches.training(splits, config), batches.evaluation(splits.valid, splits, config)
        at_once = model.count_params() <= TINY
        self._stacked = Stacked(model, splits.spec, configs, self._rates(configs), at_once=at_once)
        self._jit = config.loop.jit is not False
        names = [name for name in config.metric_names if not name.startswith("val_")]
        self._names = [*names, *(f"val_{name}" for name in names)]
        self._standing = Standing(self._stacked, config, self._names)
        orders = self.size * self._learn.rows * 4
        self._epochs = max(1, min(MAX_EPOCHS, 2**25 // orders))  # in one call, at most
        self._run = self._compile()
        self._test = tf.function(self._totals, jit_compile=self._jit, autograph=False)
        self._outputs = tf.function(self._stacked.outputs, jit_compile=self._jit, autograph=False)

    def train(
        self,
        configs: Sequence[Config],
        kept: Sequence[int],
        *,
        check_interrupt: Callable[[], None] = lambda: None,
        progress: Callable[[int, int], None] = lambda epochs, running: None,
    ) -> list[Trained]:
        """Train members from their initial weights to their ends.

        Args:
            configs: One for each member.
            kept: The epochs whose logs are kept, from 1.
            check_interrupt: Raises `Interrupted` when an end was asked for; what was reached is returned then.
            progress: Told how many epochs are done, and how many members still run.
        """
        began = time.perf_counter()
        rates = self._rates(configs)
        self._stacked.begin(configs, rates)
        self._standing.begin()
        interrupted, blocks, done = None, [], 0
        seconds: list[float] = []  # that each epoch took, for all members at once
        try:
            for logs in self._blocks([config.seed for config in configs]):
                blocks.append(logs)
                done += len(logs)
                now = time.perf_counter()
                seconds += [(now - began) / max(len(logs), 1)] * len(logs)
                began = now
                progress(done, int(np.count_nonzero(self._standing.running().numpy())))
                check_interrupt()
        except Interrupted as error:
            interrupted = error
        logs = np.concatenate(blocks) if blocks else np.zeros((0, self.size, len(self._names)), np.float32)
        return self._ends(configs, rates, logs, set(kept), interrupted, np.array(seconds))

    def measure(self, weights: Sequence[Sequence[np.ndarray]], rows: Batches) -> list[dict[str, float]]:
        """Return loss and metrics of each member with given weights, as `model.get_weights()` gives them."""
        self._stacked.hold(weights)
        logs = self._test(*self._deal_rows(rows)).numpy()
        names = [name for name in self._names if not name.startswith("val_")]
        return [dict(zip(names, one.tolist(), strict=True)) for one in logs]

    def outputs(self, weights: Sequence[Sequence[np.ndarray]], x: np.ndarray) -> np.ndarray:
        """Return what each member puts out with given weights, float32 [members, rows, outputs]."""
        self._stacked.hold(weights)
        return self._outputs(tf.constant(x)).numpy()

    def _rates(self, configs: Sequence[Config]) -> np.ndarray:
        """Return the learning rate of every member and step, float32 [members, steps], or [members, 1] if constant."""
        tables = []
        for config in configs:
            rate = config.optimizer.learning_rate
            table = schedules.table(config.schedule, rate, config.epochs, self._learn.steps)
            tables.append(np.array([rate], np.float32) if table is None else table)
        steps = max(map(len, tables))
        return np.stack([np.pad(table, (0, steps - len(table)), mode="edge") for table in tables])

    def _compile(self) -> Callable[..., tuple[tf.Tensor, tf.Tensor]]:
        stacked, standing, learn = self._stacked, self._standing, self._learn
        full, rest = divmod(learn.rows, learn.batch_size)

        def train_on(rows: tf.Tensor, arrays: Sequence[tf.Tensor]) -> list[tf.Tensor]:
            sums, watched = stacked.step(*[tf.gather(array, rows) for array in arrays])
            standing.watch(watched, tf.cast(stacked.optimizer.iterations, tf.int32))
            return list(sums.values())

        def epoch(order: tf.Tensor, arrays: Sequence[tf.Tensor]) -> tf.Tensor:
            def one(index: tf.Tensor, sums: list[tf.Tensor]) -> tuple[tf.Tensor, list[tf.Tensor]]:
                rows = tf.slice(order, [0, index * learn.batch_size], [self.size, learn.batch_size])
                return index + 1, [a + b for a, b in zip(sums, train_on(rows, arrays), strict=True)]

            nothing = [tf.zeros(self.size)] * (len(self._names) // 2)
            _, sums = tf.while_loop(lambda index, _: index < full, one, (tf.constant(0), nothing))
            if rest:
                sums = [a + b for a, b in zip(sums, train_on(order[:, -rest:], arrays), strict=True)]
            return tf.stack(sums, axis=1) / learn.rows

        def block(count, orders, order_of, arrays, held_out):  # type: ignore[no-untyped-def]
            def one(index, recorded):  # type: ignore[no-untyped-def]
                running = standing.running()
                before = [tf.identity(variable) for variable in stacked.variables]
                logs = epoch(tf.gather(orders[index], order_of), arrays)
                for variable, value, shape in zip(stacked.variables, before, stacked.broadcasting, strict=True):
                    # Who has ended stays as it was.
                    variable.assign(tf.where(tf.reshape(running, shape), variable, value))
                logs = tf.concat([logs, self._totals(*held_out)], axis=1)
                number = tf.cast(stacked.optimizer.iterations, tf.int32) // learn.steps - 1
                standing.judge(number, logs, [tf.convert_to_tensor(variable) for variable in stacked.variables])
                return index + 1, recorded.write(index, logs)

            recorded = tf.TensorArray(tf.float32, self._epochs, element_shape=[self.size, len(self._names)])
            goes_on = lambda index, _: (index < count) & tf.reduce_any(standing.running())  # noqa: E731
            done, recorded = tf.while_loop(goes_on, one, (tf.constant(0), recorded))
            return done, recorded.stack()

        return tf.function(block, jit_compile=self._jit, autograph=False)

    def _blocks(self, seeds: Sequence[int]) -> Iterator[np.ndarray]:
        """Run all epochs, and yield the logs of some at a time, float32 [epochs, members, metrics]."""
        known, order_of = np.unique(seeds, return_inverse=True)
        # As many orders as members, so that the shape is the same whatever their seeds.
        order_of = tf.constant(order_of.astype(np.int32))
        arrays, held_out = resident(self._learn.arrays()), self._deal_rows(self._measure)
        epochs, done, count = self._config.epochs, 0, 1
        while done < epochs and self._standing.running().numpy().any():
            count = min(count, self._epochs, epochs - done)
            orders = np.zeros((self._epochs, self.size, self._learn.rows), np.int32)
            for number, seed in enumerate(known.tolist()):
                orders[:count, number] = replace(self._learn, seed=seed).orders(done, count)
            began = time.perf_counter()
            ran, logs = self._run(tf.constant(count), tf.constant(orders), order_of, arrays, held_out)
            seconds = time.perf_counter() - began
            yield logs.numpy()[: int(ran)]
            # The first call also compiles; a loaded machine must not make calls long.
            count = 16 if not done else max(1, min(int(count * SECONDS_PER_CALL / max(seconds, 1e-6)), 32 * count))
            done += int(ran)

    def _deal_rows(self, rows: Batches) -> list[list[tf.Tensor]]:
        """Return the rows of a split by batches, each (x, y) or (x, y, weight)."""
        size = rows.batch_size
        return [[array[i : i + size] for array in resident(rows.arrays())] for i in range(0, rows.rows, size)]

    def _totals(self, *parts: Sequence[tf.Tensor]) -> tf.Tensor:
        """Return loss and metrics over all batches, float32 [members, metrics]."""
        rows = sum(part[0].shape[0] for part in parts)
        sums = [list(self._stacked.measure(*part).values()) for part in parts]
        return tf.stack([tf.add_n(list(column)) for column in zip(*sums, strict=True)], axis=1) / rows

    def _ends(
        self,
        configs: Sequence[Config],
        rates: np.ndarray,
        logs: np.ndarray,
        kept: set[int],
        interrupted: Interrupted | None,
        seconds: np.ndarray,
    ) -> list[Trained]:
        """Say what came of each member, as a run of its own would.

        The seconds of a member are its share of those that its epochs took: of each, as much as any that still ran.
        """
        standing, steps = self._standing, self._learn.steps
        ended, last, best_epoch = (v.numpy() for v in (standing.ended, standing.last, standing.best_epoch))
        bad_step, bad, norms = standing.bad_step.numpy(), standing.bad.numpy(), np.sqrt(standing.squares.numpy())
        final = self._stacked.apart([variable.numpy() for variable in self._stacked.variables])
        best = self._stacked.apart([variable.numpy() for variable in standing.best_weights])
        ran = np.where(ended == RUNNING, len(logs), last + 1)
        running = np.count_nonzero(ran[:, None] > np.arange(len(logs)), axis=0)
        shares = np.append(0.0, np.cumsum(seconds / running))
        found = []
        for member, config in enumerate(configs):
            count = len(logs) if ended[member] == RUNNING else int(last[member]) + (ended[member] != DIVERGED)
            shown = [epoch for epoch in range(1, count + 1) if epoch in kept or epoch == count]

            def line(epoch: int, member: int = member) -> dict[str, float]:
                rate = rates[member, min(epoch * steps, rates.shape[1]) - 1]
                values = dict(zip(self._names, logs[epoch - 1, member].tolist(), strict=True))
                return {**values, "learning_rate": float(rate), "epoch": float(epoch)}

            training = Training("completed", reason("completed", config), config.monitored)
            training.seconds = float(shares[ran[member]])
            if ended[member] == DIVERGED:
                layers, before = self._stacked.layers, norms[:, member]
                said = fault(layers, int(bad_step[member]) or -1, bad[:, member], before)
                said = said or f"the validation loss was {after(count + 1, (count + 1) * steps, layers, before)}"
                training.outcome, training.reason = "diverged", f"{said[0].upper()}{said[1:]}."
            elif ended[member] == TARGET_REACHED:
                training.outcome, training.target_epoch = "target_reached", count
                training.reason = reason("target_reached", config, count)
            elif ended[member] == EARLY_STOPPED:
                training.outcome, training.reason = "early_stopped", reason("early_stopped", config)
            elif interrupted is not None and count < config.epochs:
                training.outcome, training.reason = "interrupted", str(interrupted)
                training.signal = interrupted.number
            lines = [line(epoch) for epoch in shown]
            training.history = {name: [one[name] for one in lines] for name in lines[0]} if lines else {}
            if best_epoch[member] >= 0:
                training.best = line(int(best_epoch[member]) + 1)
                training.best_weights = best[member]
            found.append(Trained(training, final[member], [epoch * steps for epoch in shown]))
        return found
