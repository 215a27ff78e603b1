"""A model, its loss and its optimizer over stacked weights: what one step and one measurement do to all members."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.config import Config
from zoo.data import Spec
from zoo.optim import initializers, optimizers
from zoo.training import losses
from zoo.training.state import Fresh
from zoo.training.step import sums_of_squares

Sums = dict[str, tf.Tensor]


class Stacked:
    """All members' weights and optimizer states, and the arithmetic on them.

    Args:
        model: Of one member, built. Its weights serve as scratch while the initial ones are drawn.
        spec: What the data is.
        configs: One for each member; they differ in what `same_program` leaves out.
        rates: Learning rates, float32 [members, steps]; the last one stays.
        at_once: Compute all members in the same operations, rather than member by member in one program. XLA's products
            of stacked matrices are slow unless they are tiny, and add up in another order than those of one model: with
            Adam, that can change a weight of MNIST's network by a percent within 500 steps.

    Attributes:
        size: How many members.
        weights: Trainable, [members, ...] each, in the model's order.
        others: The model's other variables, stacked alike.
        variables: All of them, in the order of `model.get_weights()`.
        layers: Names of those that have weights, in the model's order.
    """

    def __init__(self, model: keras.Model, spec: Spec, configs: Sequence[Config], rates: np.ndarray, *, at_once: bool):
        self.size, self._at_once = len(configs), at_once
        self._model, self._config = model, configs[0]
        self._loss = losses.loss(spec, configs[0])
        self._is_right = losses.is_right(spec, configs[0])
        self._trainable = [variable.path for variable in model.trainable_variables]
        self.weights = [_stacked(variable, self.size) for variable in model.trainable_variables]
        self.others = [_stacked(variable, self.size) for variable in model.non_trainable_variables]
        of = dict(zip(map(id, self._own_variables()), [*self.weights, *self.others], strict=True))
        self.variables = [of[id(variable)] for variable in model.weights]
        self.optimizer = optimizers.build(configs[0].optimizer, configs[0].optimizer.learning_rate)
        self.optimizer.build(self.weights)
        self._fresh = Fresh(self.optimizer.variables)
        # A variable, so that the members of another chunk bring their own.
        self._rates = tf.Variable(rates, trainable=False)
        members: dict[str, list[int]] = {}
        for index, path in enumerate(self._trainable):
            members.setdefault(path.split("/")[0], []).append(index)
        self.layers, self._of_layer = list(members), list(members.values())

    def begin(self, configs: Sequence[Config], rates: np.ndarray) -> None:
        """Give every member its initial weights, a function of its seed as in a run of its own, and a new optimizer."""
        drawn: dict[str, list[np.ndarray]] = {}
        for config in configs:
            if (key := _origin(config)) not in drawn:
                initializers.initialize(self._model, config.init, config.seed)
                drawn[key] = [np.array(variable) for variable in self._own_variables()]
        keys = [_origin(config) for config in configs]
        for index, variable in enumerate([*self.weights, *self.others]):
            variable.assign(np.stack([drawn[key][index] for key in keys]))
        self._fresh.restore()
        self._rates.assign(rates)

    def _own_variables(self) -> list[keras.Variable]:
        return [*self._model.trainable_variables, *self._model.non_trainable_variables]

    def step(self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None = None) -> tuple[Sums, tf.Tensor]:
        """Train each member on its own batch.

        Args:
            x: Inputs [members, batch, ...].
            y: Targets [members, batch, ...].
            weight: Of each row in the loss, float32 [members, batch].

        Returns:
            Sums over the batch by metric, float32 [members] each; and whether the loss (first) and each layer's
            gradient were finite, bool [members, 1 + layers].
        """

        def one(member):  # type: ignore[no-untyped-def]
            weights, others, batch = member
            with tf.GradientTape() as tape:
                tape.watch(weights)
                prediction, others, extra = self._model.stateless_call(
                    weights, others, batch[0], training=True, return_losses=True
                )
                loss = tf.add_n([self._loss(batch[1], prediction, *batch[2:]), *extra])
            return loss, prediction, others, tape.gradient(loss, weights)

        batch = (x, y) if weight is None else (x, y, weight)
        values = ([tf.convert_to_tensor(w) for w in self.weights], [tf.convert_to_tensor(o) for o in self.others])
        loss, prediction, others, gradients = self._each(one, (*values, batch))
        finite = self._finite(loss, gradients)
        self._apply(gradients)
        for variable, value in zip(self.others, others, strict=True):
            variable.assign(value)
        return self._sums(loss, y, prediction), finite

    def measure(self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None = None) -> Sums:
        """Return sums over the same batch for each member, float32 [members] by metric: x [batch, ...]."""

        def one(member):  # type: ignore[no-untyped-def]
            prediction, _, extra = self._model.stateless_call(*member, x, training=False, return_losses=True)
            row_weights = () if weight is None else (weight,)
            return tf.add_n([self._loss(y, prediction, *row_weights), *extra]), prediction

        loss, prediction = self._each(one, self._values())
        return self._sums(loss, tf.broadcast_to(y, tf.concat([[self.size], tf.shape(y)], 0)), prediction)

    def outputs(self, x: tf.Tensor) -> tf.Tensor:
        """Return what every member puts out for the same inputs, [members, batch, outputs]."""

        def one(member):  # type: ignore[no-untyped-def]
            return self._model.stateless_call(*member, x, training=False)[0]

        return self._each(one, self._values())

    def _each(self, function: Callable[..., Any], values: Any) -> Any:
        """Apply a function to each member's part of values [members, ...], and stack what it returns."""
        if self._at_once:
            return tf.vectorized_map(function, values, fallback_to_while_loop=False)
        parts = [function(tf.nest.map_structure(lambda one, i=i: one[i], values)) for i in range(self.size)]
        return tf.nest.map_structure(lambda *found: tf.stack(found), *parts)

    def _values(self) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        return [tf.convert_to_tensor(w) for w in self.weights], [tf.convert_to_tensor(o) for o in self.others]

    def _sums(self, loss: tf.Tensor, y: tf.Tensor, prediction: tf.Tensor) -> Sums:
        rows = tf.shape(prediction)[1]
        sums = {"loss": loss * tf.cast(rows, loss.dtype)}
        if self._is_right is not None:
            right = self._is_right(y, prediction)
            sums["accuracy"] = tf.reduce_sum(tf.reshape(right, [self.size, rows]), axis=1)
        return sums

    def _finite(self, loss: tf.Tensor, gradients: Sequence[tf.Tensor]) -> tf.Tensor:
        squares = [sums_of_squares(tf.reshape(g, [self.size, -1])) for g in gradients]
        norms = [tf.add_n([squares[index] for index in indices]) for indices in self._of_layer]
        return tf.stack([tf.math.is_finite(value) for value in [loss, *norms]], axis=1)

    def _apply(self, gradients: Sequence[tf.Tensor]) -> None:
        """Do what `optimizer.apply` does, with a learning rate for each member."""
        optimizer = self.optimizer
        last = tf.shape(self._rates)[1] - 1
        rate = tf.gather(self._rates, tf.minimum(tf.cast(optimizer.iterations, tf.int32), last), axis=1)
        for variable, gradient in zip(self.weights, gradients, strict=True):
            if optimizer.clipvalue is not None:
                gradient = tf.clip_by_value(gradient, -optimizer.clipvalue, optimizer.clipvalue)
            own = tf.reshape(rate, [self.size] + [1] * (len(variable.shape) - 1))
            if optimizer.weight_decay is not None:
                variable.assign_sub(variable * optimizer.weight_decay * own)
            optimizer.update_step(gradient, variable, own)
        optimizer.iterations.assign_add(1)


def _stacked(variable: keras.Variable, size: int) -> keras.Variable:
    shape = (size, *variable.shape)
    return keras.Variable(np.zeros(shape, variable.dtype), name=variable.name, dtype=variable.dtype)


def _origin(config: Config) -> str:
    return f"{config.init.model_dump_json()} {config.seed}"
