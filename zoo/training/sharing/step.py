"""The steps of training and of validation where the rows of a batch are shared out: see `zoo.training.sharing`."""

import keras
import tensorflow as tf

from zoo.training.evaluation import TestStep
from zoo.training.sharing.sharing import Sharing
from zoo.training.step import TrainStep


class Counts:
    """The loss and the metrics, counted for each part of the rows by itself and added up.

    Args:
        model: A compiled model, whose metrics have their variables.
        sharing: Who shares the rows.
    """

    def __init__(self, model: keras.Model, sharing: Sharing):
        self._model, self.sharing = model, sharing
        self._mean_loss = next(metric for metric in model.metrics if metric.name == "loss")
        own = {id(variable) for variable in self._mean_loss.variables}
        self._counters = [variable for variable in model.metrics_variables if id(variable) not in own]

    def of_part(
        self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None, prediction: tf.Tensor, loss: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Return the number of rows, and beside it what is to be added up: rows, loss of all rows, metrics."""
        count = tf.cast(tf.shape(x)[0], tf.float32)
        before = [tf.identity(counter.value) for counter in self._counters]
        for counter in self._counters:
            counter.assign(tf.zeros_like(counter.value))
        self._model.compute_metrics(x, y, prediction, weight)
        counted = [tf.identity(counter.value) for counter in self._counters]
        for counter, value in zip(self._counters, before, strict=True):
            counter.assign(value)
        return count, [count, times(loss, count), *counted]

    def take(self, count: tf.Tensor, loss: tf.Tensor, counted: list[tf.Tensor]) -> tf.Tensor:
        """Take in what was added up, and return the mean loss."""
        mean = loss / count
        self._mean_loss.update_state(mean, sample_weight=count)
        for counter, value in zip(self._counters, counted, strict=True):
            counter.assign_add(value)
        return mean

    def split(self, totals: list[tf.Tensor]) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Split what was added up into that of `of_part` and the rest."""
        own = 2 + len(self._counters)
        return totals[:own], totals[own:]


class SharedTrainStep(TrainStep):
    """One optimizer step on a batch of which each device and process differentiates its part.

    Args:
        model: A compiled model, whose metrics have their variables.
        sharing: Who shares the rows.
        fused: As `TrainStep` takes it.
    """

    def __init__(self, model: keras.Model, sharing: Sharing, fused: bool = False):
        super().__init__(model, fused)
        self._counts = Counts(model, sharing)

    def __call__(self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Train on one batch, of which these are this process's rows; see `TrainStep`."""
        has_gradient: list[bool] = []

        def of_part(x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None = None) -> list[tf.Tensor]:
            prediction, loss, gradients = self.differentiate(x, y, weight)
            has_gradient[:] = [gradient is not None for gradient in gradients]
            parts = self._counts.sharing.replicas  # Keras divides the loss by them
            count, own = self._counts.of_part(x, y, weight, prediction, loss * parts)
            return [*own, *(times(gradient, count * parts) for gradient in gradients if gradient is not None)]

        rows = (x, y) if weight is None else (x, y, weight)
        (count, *own), summed = self._counts.split(self._counts.sharing.total(of_part, rows))
        given = iter(summed)
        gradients = [next(given) / count if has else None for has in has_gradient]
        self.learn(self._counts.take(count, own[0], own[1:]), gradients)
        return self.model.get_metrics_result()


class SharedTestStep(TestStep):
    """Update loss and metrics on one batch of which each device and process takes its part, without training."""

    def __init__(self, model: keras.Model, sharing: Sharing):
        super().__init__(model)
        self._counts = Counts(model, sharing)

    def __call__(self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None = None) -> None:
        """Take in one batch, of which these are this process's rows."""

        def of_part(x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None = None) -> list[tf.Tensor]:
            prediction = self.model(x, training=False)
            loss = self.model.compute_loss(x, y, prediction, weight, training=False)
            return self._counts.of_part(x, y, weight, prediction, loss * self._counts.sharing.replicas)[1]

        rows = (x, y) if weight is None else (x, y, weight)
        count, loss, *counted = self._counts.sharing.total(of_part, rows)
        self._counts.take(count, loss, counted)


def times(value: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
    """Return a mean over some rows times their number, float32: 0 for no rows, of which the mean is not a number."""
    return tf.math.multiply_no_nan(tf.cast(value, tf.float32), count)
