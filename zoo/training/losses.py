"""The loss and the metrics that go with a target, told whether the model puts out logits or probabilities."""

import functools
from collections.abc import Callable

import keras
import tensorflow as tf
from keras import ops

from zoo.config import BadInput, Config
from zoo.data import Spec
from zoo.layers.softmax import TokenCrossentropy


def loss(spec: Spec, config: Config, *, compiled: bool = False) -> keras.losses.Loss:
    """Return the loss of a target.

    `auto` is mean squared error for values, binary cross-entropy for a 0/1 target and categorical cross-entropy (on
    integer labels) for classes and tokens. `compiled` has XLA compile what can be compiled of it by itself.
    """
    from_logits = config.model.output == "logits"
    smoothing = config.label_smoothing
    if config.model.output == "values" or config.loss == "mse":
        return keras.losses.MeanSquaredError() if spec.target == "binary" or values(config) else OneHotSquaredError()
    if config.loss == "probabilities_as_logits":
        return ProbabilitiesAsLogits()
    if spec.target == "binary":
        return keras.losses.BinaryCrossentropy(from_logits=from_logits, label_smoothing=smoothing)
    if smoothing:
        return SmoothedCrossentropy(smoothing, from_logits=from_logits)
    if spec.target == "tokens" and from_logits:
        return TokenCrossentropy(compiled=compiled)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)


def values(config: Config) -> bool:
    """Tell whether the model regresses a value."""
    return config.model.output == "values"


def metrics(spec: Spec, config: Config) -> list[keras.metrics.Metric]:
    """Return the metrics beside the loss: accuracy for classes; for tokens see `Perplexity`."""
    if values(config):
        return []
    if spec.target == "binary":
        threshold = 0.0 if config.model.output == "logits" else 0.5
        return [keras.metrics.BinaryAccuracy(name="accuracy", threshold=threshold)]
    if spec.target == "classes":
        return [keras.metrics.SparseCategoricalAccuracy(name="accuracy")]
    # The perplexity is exp(loss) unless the loss is smoothed: no second softmax over the vocabulary is needed.
    return [Perplexity(from_logits=config.model.output == "logits")] if config.label_smoothing else []


def is_right(spec: Spec, config: Config) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None:
    """Return the function that the accuracy of `metrics` is the mean of, or None where there is none.

    It takes targets and predictions, [..., rows] or [..., rows, 1] and [..., rows, outputs], and returns 1 for each row
    that is right, else 0: float32 [..., rows].
    """
    if values(config) or spec.target == "tokens":
        return None
    if spec.target == "binary":
        threshold = 0.0 if config.model.output == "logits" else 0.5
        return functools.partial(keras.metrics.binary_accuracy, threshold=threshold)
    return lambda y, prediction: tf.cast(tf.cast(y, tf.int64) == tf.argmax(prediction, axis=-1), tf.float32)


def is_likelihood(spec: Spec, config: Config) -> bool:
    """Tell whether the loss is a token's mean negative log-likelihood, so that exp(loss) is the perplexity."""
    return spec.target == "tokens" and config.loss != "mse" and not config.label_smoothing


def negative_log_likelihood(y: tf.Tensor, prediction: tf.Tensor, *, from_logits: bool) -> tf.Tensor:
    """Return -ln p of each label, float32 [...].

    Args:
        y: Labels, int [...].
        prediction: Logits or probabilities, [..., classes].
        from_logits: Which of them.
    """
    return -_pick(_log_probabilities(prediction, from_logits), y)


def is_per_character(spec: Spec, config: Config) -> bool:
    """Tell whether the loss is of a character, rather than of a word or an example."""
    return spec.target == "tokens" and config.data.level == "char"


@keras.saving.register_keras_serializable(package="zoo")
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy on integer labels with label smoothing (Szegedy et al. 2016, section 7).

    The target is (1 - s) for the label plus s / classes for every class, so the loss is
    (1 - s) · -log p[label] + s · mean over classes of -log p, without building one-hot targets.

    Args:
        smoothing: s, in [0, 1).
        from_logits: Whether predictions are logits rather than probabilities.
    """

    def __init__(self, smoothing: float, from_logits: bool, name: str = "smoothed_crossentropy", **options: object):
        super().__init__(name=name, **options)
        self.smoothing = smoothing
        self.from_logits = from_logits

    def call(self, y_true, y_pred):  # type: ignore[no-untyped-def]  # noqa: D102
        log_p = _log_probabilities(y_pred, self.from_logits)
        of_label = _pick(log_p, y_true)
        return -(1.0 - self.smoothing) * of_label - self.smoothing * ops.mean(log_p, axis=-1)

    def get_config(self) -> dict[str, object]:  # noqa: D102
        return {**super().get_config(), "smoothing": self.smoothing, "from_logits": self.from_logits}


@keras.saving.register_keras_serializable(package="zoo")
class OneHotSquaredError(keras.losses.Loss):
    """Mean squared error between class probabilities and one-hot labels (the Brier score ÷ classes)."""

    def call(self, y_true, y_pred):  # type: ignore[no-untyped-def]  # noqa: D102
        one_hot = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
        return ops.mean(ops.square(one_hot - y_pred), axis=-1)


@keras.saving.register_keras_serializable(package="zoo")
class ProbabilitiesAsLogits(keras.losses.Loss):
    """Cross-entropy that takes probabilities for logits: a mistake of many tutorials, made on purpose.

    A sigmoid or softmax is applied to what one has been applied to already: log(1 + exp(p)) - y p for a 0/1 target,
    log(sum of exp(p)) - p[y] for classes. As p lies in [0, 1], the second sigmoid lies between 0.5 and 0.73: a sure and
    right "yes" still costs 0.31, a right "no" 0.69, and the gradient of a wrong answer fades with the first sigmoid's
    slope. Spelled out here, because Keras 3 notices where its own sigmoid or softmax layer has put out the
    probabilities: `BinaryCrossentropy(from_logits=True)` then warns, and takes the logits before the layer instead.
    `tf.nn.sigmoid_cross_entropy_with_logits` and other frameworks do not.
    """

    def call(self, y_true, y_pred):  # type: ignore[no-untyped-def]  # noqa: D102
        if y_pred.shape[-1] == 1:
            return ops.mean(ops.softplus(y_pred) - ops.cast(y_true, y_pred.dtype) * y_pred, axis=-1)
        return ops.logsumexp(y_pred, axis=-1) - _pick(y_pred, y_true)


@keras.saving.register_keras_serializable(package="zoo")
class Perplexity(keras.metrics.Metric):
    """exp of the mean negative log-likelihood of a token, whatever the loss adds to it.

    Args:
        from_logits: Whether predictions are logits rather than probabilities.
    """

    def __init__(self, from_logits: bool, name: str = "perplexity", **options: object):
        super().__init__(name=name, **options)
        self.from_logits = from_logits
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):  # type: ignore[no-untyped-def]  # noqa: D102
        of_label = _pick(_log_probabilities(y_pred, self.from_logits), y_true)
        self.total.assign_sub(ops.sum(of_label))
        self.count.assign_add(ops.cast(ops.size(of_label), "float32"))

    def result(self):  # type: ignore[no-untyped-def]  # noqa: D102
        return ops.exp(self.total / ops.maximum(self.count, 1.0))

    def get_config(self) -> dict[str, object]:  # noqa: D102
        return {**super().get_config(), "from_logits": self.from_logits}


def check_output(model: keras.Model, spec: Spec, config: Config) -> None:
    """Refuse a model whose last layer contradicts what it is said to put out.

    Probabilities fed to a loss that expects logits train, badly and without a warning: the commonest mistake of
    tutorials.

    Raises:
        BadInput: The shape or the last activation does not fit the target and `model.output`.
    """
    wanted = 1 if spec.target == "binary" or values(config) else spec.classes
    if model.output_shape[-1] != wanted:
        raise BadInput(
            f"data={config.data.name} needs {wanted} output{'s' * (wanted > 1)}, but model={config.model.name} "
            f"puts out {model.output_shape[-1]}."
        )
    activation = getattr(model.layers[-1], "activation", None)
    name = getattr(activation, "__name__", None)
    squashes = name in ("sigmoid", "softmax", "hard_sigmoid")
    if config.model.output == "logits" and squashes:
        raise BadInput(
            f"model.output=logits, but the last layer of model={config.model.name} is a {name}: the loss would take "
            "probabilities for logits. Say model.output=probabilities, or end in a linear layer."
        )
    if config.model.output == "probabilities" and name is not None and not squashes:
        raise BadInput(
            f"model.output=probabilities, but the last layer of model={config.model.name} has the activation {name}, "
            "which does not give probabilities. Say model.output=logits, or end in a sigmoid or softmax."
        )


def _log_probabilities(y_pred, from_logits: bool):  # type: ignore[no-untyped-def]
    if from_logits:
        return ops.log_softmax(y_pred, axis=-1)
    return ops.log(ops.clip(y_pred, keras.config.epsilon(), 1.0))


def _pick(log_p, y_true):  # type: ignore[no-untyped-def]
    labels = ops.expand_dims(ops.cast(y_true, "int32"), axis=-1)
    return ops.squeeze(ops.take_along_axis(log_p, labels, axis=-1), axis=-1)
