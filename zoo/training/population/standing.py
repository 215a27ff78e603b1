"""Where each member stands: its best epoch, and whether and why it has ended, decided inside the compiled program.

The rules are those of the callbacks of a single run: zoo/training/callbacks.py and Keras's `EarlyStopping`.
"""

from collections.abc import Sequence

import tensorflow as tf

from zoo.config import Config
from zoo.results.trials import rises
from zoo.training.population.stacked import Stacked

RUNNING, DIVERGED, TARGET_REACHED, EARLY_STOPPED = range(4)


class Standing:
    """The record that the program keeps of each member.

    Args:
        stacked: Whose best weights are kept.
        config: Any member's.
        names: Of the metrics of an epoch, in the order that `judge` gets them.

    Attributes:
        ended: Why a member has ended, int32 [members]; RUNNING while it has not.
        last: Its last epoch, from 0, int32 [members].
        best_epoch: Its best one; -1 before there is any.
        best_weights: Those of its best epoch.
        bad_step: The first step at which something was not finite, from 1, int32 [members]; 0: none.
        bad: What was not finite then: the loss first, then the gradients of the layers, bool [1 + layers, members].
        squares: Of the last step at which all was finite, each layer's sum of squared gradients, [layers, members].
    """

    def __init__(self, stacked: Stacked, config: Config, names: Sequence[str]):
        members = stacked.size
        self._broadcasting = stacked.broadcasting
        self._config, self._names = config, list(names)
        self.ended = tf.Variable(tf.zeros(members, tf.int32), trainable=False)
        self.last = tf.Variable(tf.zeros(members, tf.int32), trainable=False)
        self.best_epoch = tf.Variable(tf.zeros(members, tf.int32), trainable=False)
        self._best = tf.Variable(tf.zeros(members, tf.float64), trainable=False)
        self._best_loss = tf.Variable(tf.zeros(members, tf.float64), trainable=False)
        self.best_weights = [tf.Variable(tf.zeros(one.shape, one.dtype), trainable=False) for one in stacked.variables]
        self._early_best = tf.Variable(tf.zeros(members, tf.float64), trainable=False)
        self._wait = tf.Variable(tf.zeros(members, tf.int32), trainable=False)
        self.bad_step = tf.Variable(tf.zeros(members, tf.int32), trainable=False)
        self.bad = tf.Variable(tf.zeros((1 + len(stacked.layers), members), tf.bool), trainable=False)
        self.squares = tf.Variable(tf.zeros((len(stacked.layers), members)), trainable=False)

    def begin(self) -> None:
        """Forget what was."""
        zero = (self.ended, self.last, self._best, self._best_loss, self._wait, self.bad_step, self.bad, self.squares)
        for variable in zero:
            variable.assign(tf.zeros_like(variable))
        self.best_epoch.assign(tf.fill(self.best_epoch.shape, -1))
        rising = rises(self._config.early_stopping.metric or self._config.monitored)
        worst = tf.constant(float("-inf") if rising else float("inf"), tf.float64)
        self._early_best.assign(tf.fill(self._early_best.shape, worst))

    def running(self) -> tf.Tensor:
        """Tell which members have not ended, bool [members]."""
        return tf.equal(self.ended, RUNNING)

    def watch(self, watched: tf.Tensor, step: tf.Tensor) -> None:
        """Note where a loss or gradient is not finite for the first time, and how large gradients were before.

        Args:
            watched: The loss and each layer's sum of squared gradients, float32 [1 + layers, members].
            step: The number of this step, from 1, int32.
        """
        finite = tf.math.is_finite(watched)
        good = self.running() & tf.equal(self.bad_step, 0) & tf.reduce_all(finite, axis=0)
        self.squares.assign(tf.where(good[None], watched[1:], self.squares))
        first = self.running() & tf.equal(self.bad_step, 0) & tf.logical_not(tf.reduce_all(finite, axis=0))
        self.bad.assign(tf.where(first[None], tf.logical_not(finite), self.bad))
        self.bad_step.assign(tf.where(first, step, self.bad_step))

    def judge(self, epoch: tf.Tensor, logs: tf.Tensor, weights: Sequence[tf.Tensor]) -> None:
        """Take in what an epoch ended with.

        Args:
            epoch: From 0, int32.
            logs: float32 [members, metrics].
            weights: All members', after the epoch.
        """
        # Compared in the precision of Python's numbers, as callbacks do: 0.9 in float32 is less than 0.9.
        columns = tf.unstack(tf.cast(logs, tf.float64), axis=1)
        running, value = self.running(), dict(zip(self._names, columns, strict=True))
        diverged = running & (tf.greater(self.bad_step, 0) | ~tf.math.is_finite(value["val_loss"]))
        alive = running & ~diverged
        self._keep_best(alive, value, epoch, weights)
        stops = self._early_stopping(alive, value, epoch)
        reached = self._target(alive, value)
        ended = tf.where(reached, TARGET_REACHED, tf.where(stops, EARLY_STOPPED, RUNNING))
        self.last.assign(tf.where(running, epoch, self.last))
        self.ended.assign(tf.where(diverged, DIVERGED, tf.where(alive, ended, self.ended)))

    def _keep_best(
        self, alive: tf.Tensor, value: dict[str, tf.Tensor], epoch: tf.Tensor, weights: Sequence[tf.Tensor]
    ) -> None:
        metric = self._config.monitored
        now, loss = value[metric], value["val_loss"]
        higher = tf.greater(now, self._best) if rises(metric) else tf.less(now, self._best)
        tie = tf.equal(now, self._best) & tf.less(loss, self._best_loss)
        better = alive & (tf.less(self.best_epoch, 0) | higher | tie)
        self._best.assign(tf.where(better, now, self._best))
        self._best_loss.assign(tf.where(better, loss, self._best_loss))
        self.best_epoch.assign(tf.where(better, epoch, self.best_epoch))
        for kept, weight, shape in zip(self.best_weights, weights, self._broadcasting, strict=True):
            kept.assign(tf.where(tf.reshape(better, shape), weight, kept))

    def _early_stopping(self, alive: tf.Tensor, value: dict[str, tf.Tensor], epoch: tf.Tensor) -> tf.Tensor:
        settings = self._config.early_stopping
        if settings.patience is None:
            return tf.zeros_like(alive)
        metric = settings.metric or self._config.monitored
        now = value[metric]
        # Keras adds in the precision of Python's numbers and compares in float32.
        best = tf.cast(self._early_best, tf.float32)
        if rises(metric):
            improved = tf.greater(tf.cast(now - abs(settings.min_delta), tf.float32), best)
        else:
            improved = tf.less(tf.cast(now + abs(settings.min_delta), tf.float32), best)
        improved |= tf.equal(epoch, 0)  # the first one is the first best, whatever it is
        self._wait.assign(tf.where(improved, 0, self._wait + 1))
        self._early_best.assign(tf.where(improved, now, self._early_best))
        return alive & ~improved & tf.greater_equal(self._wait, settings.patience) & tf.greater(epoch, 0)

    def _target(self, alive: tf.Tensor, value: dict[str, tf.Tensor]) -> tf.Tensor:
        metric, target = self._config.stop.metric, self._config.stop.value
        if metric is None or target is None:
            return tf.zeros_like(alive)
        now = value[metric]
        return alive & (tf.greater_equal(now, target) if rises(metric) else tf.less_equal(now, target))
