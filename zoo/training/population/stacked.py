"""A model, its loss and its optimizer over stacked weights: what one step and one measurement do to all members."""

import itertools
import math
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

    All trainable weights are one variable. Where members are computed at once, they lie along its last axis: XLA then
    updates the same weight of all members side by side, in a quarter of the time that it takes to go through the few
    weights of a tiny network member by member.

    Attributes:
        size: How many members.
        weights: The trainable ones, in the model's order, float32 [weights, members] if computed at once, else
            [members, weights].
        others: The model's other variables, [members, ...] each.
        variables: All of these.
        broadcasting: For each of them, the shape in which values [members] go with it.
        layers: Names of those that have weights, in the model's order.
    """

    def __init__(self, model: keras.Model, spec: Spec, configs: Sequence[Config], rates: np.ndarray, *, at_once: bool):
        self.size, self._at_once = len(configs), at_once
        self._model, self._config = model, configs[0]
        self._loss = losses.loss(spec, configs[0])
        self._is_right = losses.is_right(spec, configs[0])
        self._shapes = [tuple(variable.shape) for variable in model.trainable_variables]
        counts = [math.prod(shape) for shape in self._shapes]
        self._ends = list(itertools.accumulate(counts))
        self.weights = keras.Variable(self._turned(np.zeros((self.size, sum(counts)), np.float32)), name="weights")
        self.others = [_stacked(variable, self.size) for variable in model.non_trainable_variables]
        self.variables = [self.weights, *self.others]
        self.broadcasting: list[tuple[int, ...]] = [(1, self.size) if at_once else (self.size, 1)]
        self.broadcasting += [(self.size, *[1] * (len(other.shape) - 1)) for other in self.others]
        places = {id(variable): place for place, variable in enumerate(self._own_variables())}
        self._order = [places[id(variable)] for variable in model.weights]
        self.optimizer = optimizers.build(configs[0].optimizer, configs[0].optimizer.learning_rate)
        self.optimizer.build([self.weights])
        self._fresh = Fresh(self.optimizer.variables)
        # A variable, so that the members of another chunk bring their own.
        self._rates = tf.Variable(rates, trainable=False)
        members: dict[str, list[int]] = {}
        for index, variable in enumerate(model.trainable_variables):
            members.setdefault(variable.path.split("/")[0], []).append(index)
        self.layers = list(members)
        self._of_layer = [_spans(indices, [0, *self._ends]) for indices in members.values()]

    def begin(self, configs: Sequence[Config], rates: np.ndarray) -> None:
        """Give every member its initial weights, a function of its seed as in a run of its own, and a new optimizer."""
        drawn: dict[str, list[np.ndarray]] = {}
        for config in configs:
            if (key := _origin(config)) not in drawn:
                initializers.initialize(self._model, config.init, config.seed)
                drawn[key] = [np.array(variable) for variable in self._own_variables()]
        self._assign([drawn[_origin(config)] for config in configs])
        self._fresh.restore()
        self._rates.assign(rates)

    def hold(self, weights: Sequence[Sequence[np.ndarray]]) -> None:
        """Give every member weights, as `model.get_weights()` gives them."""
        own = [dict(zip(self._order, one, strict=True)) for one in weights]
        self._assign([[one[place] for place in sorted(one)] for one in own])

    def apart(self, values: Sequence[np.ndarray]) -> list[list[np.ndarray]]:
        """Return the weights of each member, as `model.get_weights()` gives them, from values of `variables`."""
        flat, *others = values
        flat = self._turned(flat)
        pieces = [
            flat[:, end - math.prod(shape) : end].reshape(self.size, *shape)
            for shape, end in zip(self._shapes, self._ends, strict=True)
        ]
        in_order = [[*pieces, *others][place] for place in self._order]
        return [[value[member] for value in in_order] for member in range(self.size)]

    def _assign(self, values: Sequence[Sequence[np.ndarray]]) -> None:
        """Take in the values of each member's own variables, the trainable ones first."""
        count = len(self._shapes)
        self.weights.assign(
            self._turned(np.stack([np.concatenate([v.ravel() for v in own[:count]]) for own in values]))
        )
        for index, variable in enumerate(self.others):
            variable.assign(np.stack([own[count + index] for own in values]))

    def _own_variables(self) -> list[keras.Variable]:
        return [*self._model.trainable_variables, *self._model.non_trainable_variables]

    def step(self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None = None) -> tuple[Sums, tf.Tensor]:
        """Train each member on its own batch.

        Args:
            x: Inputs [members, batch, ...].
            y: Targets [members, batch, ...].
            weight: Of each row in the loss, float32 [members, batch].

        Returns:
            Sums over the batch by metric, float32 [members] each; and the loss (first) and the sum of squares of each
            layer's gradient, float32 [1 + layers, members].
        """

        def one(member):  # type: ignore[no-untyped-def]
            flat, others, batch = member
            weights = self._pieces(flat)
            with tf.GradientTape() as tape:
                tape.watch(weights)
                prediction, others, extra = self._model.stateless_call(
                    weights, others, batch[0], training=True, return_losses=True
                )
                loss = tf.add_n([self._loss(batch[1], prediction, *batch[2:]), *extra])
            gradients = tape.gradient(loss, weights)
            return loss, prediction, others, tf.concat([tf.reshape(g, [-1]) for g in gradients], axis=0)

        batch = (x, y) if weight is None else (x, y, weight)
        loss, prediction, others, gradient = self._each(one, (*self._values(), batch))
        gradient = self._turned(gradient)
        watched = self._watched(loss, gradient)
        self._apply(gradient)
        for variable, value in zip(self.others, others, strict=True):
            variable.assign(value)
        return self._sums(loss, y, prediction), watched

    def measure(self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None = None) -> Sums:
        """Return sums over the same batch for each member, float32 [members] by metric: x [batch, ...]."""

        def one(member):  # type: ignore[no-untyped-def]
            flat, others = member
            prediction, _, extra = self._model.stateless_call(
                self._pieces(flat), others, x, training=False, return_losses=True
            )
            row_weights = () if weight is None else (weight,)
            return tf.add_n([self._loss(y, prediction, *row_weights), *extra]), prediction

        loss, prediction = self._each(one, self._values())
        return self._sums(loss, tf.broadcast_to(y, tf.concat([[self.size], tf.shape(y)], 0)), prediction)

    def outputs(self, x: tf.Tensor) -> tf.Tensor:
        """Return what every member puts out for the same inputs, [members, batch, outputs]."""

        def one(member):  # type: ignore[no-untyped-def]
            flat, others = member
            return self._model.stateless_call(self._pieces(flat), others, x, training=False)[0]

        return self._each(one, self._values())

    def _each(self, function: Callable[..., Any], values: Any) -> Any:
        """Apply a function to each member's part of values [members, ...], and stack what it returns."""
        if self._at_once:
            return tf.vectorized_map(function, values, fallback_to_while_loop=False)
        parts = [function(tf.nest.map_structure(lambda one, i=i: one[i], values)) for i in range(self.size)]
        return tf.nest.map_structure(lambda *found: tf.stack(found), *parts)

    def _values(self) -> tuple[tf.Tensor, list[tf.Tensor]]:
        weights = self._turned(tf.convert_to_tensor(self.weights))
        return weights, [tf.convert_to_tensor(other) for other in self.others]

    def _turned(self, values: Any) -> Any:
        """Turn [members, weights] into the order of `weights`, and the other way round."""
        if not self._at_once:
            return values
        return values.T if isinstance(values, np.ndarray) else tf.transpose(values)

    def _pieces(self, flat: tf.Tensor) -> list[tf.Tensor]:
        """Return the weights of one member, from [weights]."""
        return [
            tf.reshape(flat[end - math.prod(shape) : end], shape)
            for shape, end in zip(self._shapes, self._ends, strict=True)
        ]

    def _sums(self, loss: tf.Tensor, y: tf.Tensor, prediction: tf.Tensor) -> Sums:
        rows = tf.shape(prediction)[1]
        sums = {"loss": loss * tf.cast(rows, loss.dtype)}
        if self._is_right is not None:
            right = self._is_right(y, prediction)
            sums["accuracy"] = tf.reduce_sum(tf.reshape(right, [self.size, rows]), axis=1)
        return sums

    def _watched(self, loss: tf.Tensor, gradient: tf.Tensor) -> tf.Tensor:
        if self._at_once:
            of = [[tf.reduce_sum(tf.square(gradient[a:b]), axis=0) for a, b in spans] for spans in self._of_layer]
        else:
            of = [[sums_of_squares(gradient[:, a:b]) for a, b in spans] for spans in self._of_layer]
        return tf.stack([loss, *map(tf.add_n, of)])

    def _apply(self, gradient: tf.Tensor) -> None:
        """Do what `optimizer.apply` does, with a learning rate for each member."""
        optimizer = self.optimizer
        rate, last = self._rates, self._rates.shape[1] - 1
        if last:
            rate = tf.gather(rate, tf.minimum(tf.cast(optimizer.iterations, tf.int32), last), axis=1)
        if optimizer.clipvalue is not None:
            gradient = tf.clip_by_value(gradient, -optimizer.clipvalue, optimizer.clipvalue)
        own = tf.reshape(rate, self.broadcasting[0])
        if optimizer.weight_decay is not None:
            self.weights.assign_sub(self.weights * optimizer.weight_decay * own)
        optimizer.update_step(gradient, self.weights, own)
        optimizer.iterations.assign_add(1)


def _stacked(variable: keras.Variable, size: int) -> keras.Variable:
    shape = (size, *variable.shape)
    return keras.Variable(np.zeros(shape, variable.dtype), name=variable.name, dtype=variable.dtype)


def _spans(indices: Sequence[int], ends: Sequence[int]) -> list[tuple[int, int]]:
    """Return from where to where the weights of some variables lie; those that follow one another are one span."""
    spans = [(ends[index], ends[index + 1]) for index in indices]
    return [(spans[0][0], spans[-1][1])] if indices[-1] - indices[0] + 1 == len(indices) else spans


def _origin(config: Config) -> str:
    return f"{config.init.model_dump_json()} {config.seed}"
