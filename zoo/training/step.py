"""The one training step, shared by the GradientTape loop and by Keras's fit."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf


class TrainStep:
    """One optimizer step: forward, loss, gradient, clip, apply.

    The model is compiled: loss, optimizer and metrics are the ones `model.compile` was given, so that a step in
    either loop is the same arithmetic on the same objects.

    Args:
        model: A compiled model.
        fused: Compile the optimizer alone with XLA, which then reads and writes each weight once instead of once for
            every operation of the update. For a step that is not compiled as a whole.
    """

    def __init__(self, model: keras.Model, fused: bool = False):
        self.model = model
        self.gradients = GradientWatch(model)
        self._mean_loss = next(metric for metric in model.metrics if metric.name == "loss")
        model.optimizer.build(model.trainable_variables)
        self._apply = tf.function(self._apply_all, jit_compile=True) if fused else self._apply_all

    def __call__(self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None = None) -> dict[str, tf.Tensor]:
        """Train on one batch and return the metrics of the epoch so far.

        Args:
            x: Inputs [batch, ...].
            y: Targets [batch, ...].
            weight: Weight of each row in the loss, float32 [batch].
        """
        prediction, loss, gradients = self.differentiate(x, y, weight)
        self.learn(loss, gradients)
        self._mean_loss.update_state(loss, sample_weight=tf.shape(x)[0])
        return self.model.compute_metrics(x, y, prediction, weight)

    def differentiate(
        self, x: tf.Tensor, y: tf.Tensor, weight: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor | None]]:
        """Return the prediction, the loss, and its gradient by each trainable variable."""
        model = self.model
        with tf.GradientTape() as tape:
            prediction = model(x, training=True)  # forward
            loss = model.compute_loss(x, y, prediction, weight, training=True)  # loss, and the layers' regularization
            scaled_loss = model.optimizer.scale_loss(loss)  # differs from the loss in mixed_float16 only
        return prediction, loss, dense(tape.gradient(scaled_loss, model.trainable_variables))  # gradient

    def learn(self, loss: tf.Tensor, gradients: list[tf.Tensor | None]) -> None:
        """Watch the loss and its gradient, and have the optimizer apply it."""
        self.gradients.observe(loss, gradients, self.model.optimizer.loss_scale_factor)
        self._apply(gradients)  # clip, as the optimizer's clipnorm, global_clipnorm or clipvalue say; apply

    def _apply_all(self, gradients: list[tf.Tensor | None]) -> None:
        self.model.optimizer.apply(gradients, self.model.trainable_variables)


class GradientWatch:
    """Mean gradient norm of each layer over an epoch, and the first step whose loss or gradient was not finite.

    Norms are Euclidean, over all variables of a layer, before clipping.
    """

    def __init__(self, model: keras.Model):
        layers: dict[str, list[int]] = {}
        for index, variable in enumerate(model.trainable_variables):
            layers.setdefault(variable.path.split("/")[0], []).append(index)
        self.layers = list(layers)
        self._members = list(layers.values())
        self._sum_of_squares = _sum_of_squares_by_xla if getattr(model, "jit_compile", False) else _sum_of_squares
        self._sum = tf.Variable(tf.zeros(len(layers)), trainable=False, name="gradient_norm_sum")
        self._steps = tf.Variable(0, trainable=False, dtype=tf.int64, name="gradient_norm_steps")
        self._total_steps = tf.Variable(0, trainable=False, dtype=tf.int64, name="steps")
        self._first_bad = tf.Variable(-1, trainable=False, dtype=tf.int64, name="first_bad_step")
        self._bad = tf.Variable(tf.zeros(len(layers) + 1, tf.bool), trainable=False, name="not_finite")
        self._before = tf.Variable(tf.zeros(len(layers)), trainable=False, name="gradient_norms_before")

    def observe(self, loss: tf.Tensor, gradients: list[tf.Tensor | None], scale: tf.Tensor | None = None) -> None:
        """Take in one step's loss and gradients, inside the compiled step.

        Args:
            loss: Scalar.
            gradients: One per trainable variable; None where the loss does not depend on it.
            scale: What mixed_float16 has multiplied the gradients by. Overflowing gradients are expected there: the
                optimizer skips them and lowers the scale.
        """
        squares = [tf.zeros(()) if g is None else self._sum_of_squares(g) for g in gradients]
        norms = tf.sqrt(tf.stack([tf.add_n([squares[index] for index in members]) for members in self._members]))
        finite = tf.math.is_finite(norms)
        if scale is not None:
            norms = tf.where(finite, norms / tf.cast(scale, norms.dtype), 0.0)
            finite = tf.ones_like(finite)
        finite = tf.concat([[tf.math.is_finite(tf.cast(loss, tf.float32))], finite], axis=0)

        step = self._total_steps.assign_add(1)
        is_first_bad = tf.logical_and(self._first_bad < 0, tf.logical_not(tf.reduce_all(finite)))
        good_so_far = tf.logical_and(self._first_bad < 0, tf.logical_not(is_first_bad))
        self._before.assign(tf.where(good_so_far, norms, self._before))
        self._first_bad.assign(tf.where(is_first_bad, step, self._first_bad))
        self._bad.assign(tf.where(is_first_bad, tf.logical_not(finite), self._bad))
        self._sum.assign_add(norms)
        self._steps.assign_add(1)

    @property
    def variables(self) -> list[tf.Variable]:
        """Everything that the watch remembers."""
        return [self._sum, self._steps, self._total_steps, self._before, self._first_bad, self._bad]

    def means(self) -> tf.Tensor:
        """Return the mean norm of each layer since `reset`, float32 [layers]."""
        return self._sum / tf.cast(tf.maximum(self._steps, 1), tf.float32)

    def reset(self) -> None:
        """Start a new mean."""
        self._sum.assign(tf.zeros_like(self._sum))
        self._steps.assign(0)

    def forget(self) -> None:
        """Start anew, as if no step had been seen."""
        self.reset()
        self._total_steps.assign(0)
        self._first_bad.assign(-1)
        self._bad.assign(tf.zeros_like(self._bad))
        self._before.assign(tf.zeros_like(self._before))

    def epoch_means(self) -> np.ndarray:
        """Return the mean norm of each layer since the last call, float32 [layers], and start anew."""
        means = self.means().numpy()
        self.reset()
        return means

    def last_norms(self) -> np.ndarray:
        """Return the norm of each layer's gradient in the last step at which all was finite, float32 [layers]."""
        return self._before.numpy()

    def fault(self, found: tuple[np.ndarray, int, np.ndarray] | None = None) -> str | None:
        """Say in words where the loss or a gradient first was not finite, or return None.

        Args:
            found: As the last three of `variables` have it; the watch's own if left out.
        """
        if found is None:
            found = self._before.numpy(), int(self._first_bad.numpy()), self._bad.numpy()
        before, step, bad = found
        return fault(self.layers, int(step), bad, before)


def fault(layers: Sequence[str], step: int, bad: np.ndarray, before: np.ndarray | None = None) -> str | None:
    """Say in words where the loss or a gradient first was not finite, or return None.

    Args:
        layers: Names of those that have weights.
        step: The first such step, below 0 for none.
        bad: What was not finite then: the loss first, then the gradient of each layer, bool [1 + layers].
        before: The norm of each layer's gradient in the step before, float32 [layers].
    """
    if step < 0:
        return None
    found = [layer for layer, is_bad in zip(layers, bad[1:], strict=True) if is_bad]
    parts = [*(["the loss"] if bad[0] else []), *([f"the gradient of {', '.join(found)}"] if found else [])]
    said = f"{' and '.join(parts)} {'were' if len(parts) > 1 else 'was'} not finite at step {step}"
    if before is None or step == 1:
        return said
    return f"{said}; the largest gradient norms in the step before: {largest(layers, before)}"


def after(epoch: int, step: int, layers: Sequence[str], norms: np.ndarray) -> str:
    """Return in words when an epoch ended with something not finite, and the largest gradient norms of its last step.

    Args:
        epoch: From 1.
        step: Its last one.
        layers: Names of those that have weights.
        norms: Of their gradients in that step, float32 [layers].
    """
    return f"not finite after epoch {epoch}, step {step}; the largest gradient norms in it: {largest(layers, norms)}"


def largest(layers: Sequence[str], norms: np.ndarray, count: int = 3) -> str:
    """Return the layers with the largest gradient norms in words, such as `output 3.2e+09, hidden_1 88`."""
    ordered = sorted(zip(norms.tolist(), layers, strict=True), reverse=True)[:count]
    return ", ".join(f"{layer} {norm:.3g}" for norm, layer in ordered)


def dense(gradients: list[tf.Tensor | tf.IndexedSlices | None]) -> list[tf.Tensor | None]:
    """Return gradients with the rows of an embedding added up, one for each word.

    TensorFlow hands an embedding's gradient over with a row for each *occurrence* of a word. Keras's optimizers square
    and clip those rows as they are, so that a word that stands twice in a batch gets another second moment and another
    norm than its gradient has.
    """
    return [None if gradient is None else tf.convert_to_tensor(gradient) for gradient in gradients]


def sums_of_squares(rows: tf.Tensor, lanes: int = 64) -> tf.Tensor:
    """Return the sum of squares of each row, [rows], of values [rows, n], fast under XLA on a CPU.

    Asked for one sum, XLA adds number to number, each waiting for the one before: 0.1 ms for 784 x 256, a fifth of a
    step of that network. So `lanes` sums grow side by side, and are added up at the end; the square root between keeps
    XLA from making one sum of the two.
    """
    even = (rows.shape[1] or 0) // lanes * lanes  # 0 where the graph does not know
    rest = tf.reduce_sum(tf.square(rows[:, even:]), axis=1)
    if not even:
        return rest
    columns = tf.reduce_sum(tf.square(tf.reshape(rows[:, :even], [rows.shape[0], -1, lanes])), axis=1)
    return tf.reduce_sum(tf.square(tf.sqrt(columns)), axis=1) + rest


def _sum_of_squares_by_xla(gradient: tf.Tensor) -> tf.Tensor:
    return sums_of_squares(tf.reshape(tf.cast(gradient, tf.float32), [1, -1]))[0]


def _sum_of_squares(gradient: tf.Tensor) -> tf.Tensor:
    return 2.0 * tf.nn.l2_loss(tf.cast(gradient, tf.float32))  # one pass over memory
