"""Losses and metrics fit the target, and a model that contradicts itself is refused."""

import keras
import numpy as np
import pytest

from zoo import compose
from zoo.config import BadInput
from zoo.data import Spec
from zoo.training import losses

CLASSES = Spec("vectors", (4,), "classes", 3)
XOR = Spec("vectors", (2,), "binary", 2)


def test_auto_picks_the_loss_that_goes_with_the_target():
    assert isinstance(losses.loss(XOR, compose("model=linear")), keras.losses.MeanSquaredError)
    assert isinstance(losses.loss(XOR, compose("model=xor_mlp")), keras.losses.BinaryCrossentropy)
    assert isinstance(losses.loss(CLASSES, compose()), keras.losses.SparseCategoricalCrossentropy)


@pytest.mark.parametrize("output", ["logits", "probabilities"])
def test_the_loss_and_the_accuracy_know_what_the_model_puts_out(output):
    config = compose("model=xor_mlp", f"model.output={output}")
    y = np.array([[0.0], [1.0], [1.0]])
    predicted = np.array([[-1.0], [2.0], [-0.5]])
    probability = 1 / (1 + np.exp(-predicted))
    shown = predicted if output == "logits" else probability
    expected = -np.mean(y * np.log(probability) + (1 - y) * np.log(1 - probability))
    np.testing.assert_allclose(float(losses.loss(XOR, config)(y, shown)), expected, rtol=1e-5)
    (accuracy,) = losses.metrics(XOR, config)
    accuracy.update_state(y, shown)
    np.testing.assert_allclose(float(accuracy.result()), 2 / 3, rtol=1e-6)


@pytest.mark.parametrize("from_logits", [True, False])
def test_smoothed_crossentropy_is_keras_s_own_on_one_hot_labels(from_logits):
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(6, 5)).astype(np.float32)
    labels = generator.integers(0, 5, 6)
    shown = logits if from_logits else np.asarray(keras.ops.softmax(logits))
    theirs = keras.losses.CategoricalCrossentropy(from_logits=from_logits, label_smoothing=0.1)
    ours = losses.SmoothedCrossentropy(0.1, from_logits)
    np.testing.assert_allclose(float(ours(labels, shown)), float(theirs(np.eye(5)[labels], shown)), rtol=1e-5)


def test_perplexity_is_exp_of_the_unsmoothed_mean():
    logits = np.random.default_rng(0).normal(size=(2, 3, 5)).astype(np.float32)
    labels = np.array([[0, 1, 2], [3, 4, 0]])
    metric = losses.Perplexity(from_logits=True)
    metric.update_state(labels[:1], logits[:1])
    metric.update_state(labels[1:], logits[1:])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)
    np.testing.assert_allclose(float(metric.result()), np.exp(float(loss)), rtol=1e-5)


def test_squared_error_on_classes_compares_with_one_hot_labels():
    predicted = np.array([[0.7, 0.2, 0.1]], np.float32)
    expected = np.mean((np.array([0, 1, 0]) - predicted) ** 2)
    np.testing.assert_allclose(float(losses.OneHotSquaredError()(np.array([1]), predicted)), expected, rtol=1e-6)


def model(units, activation):
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation=activation)])


@pytest.mark.parametrize(("spec", "activation"), [(XOR, "sigmoid"), (CLASSES, "softmax")])
def test_the_mistake_made_on_purpose_applies_a_second_sigmoid_or_softmax(spec, activation):
    config = compose("model=xor_mlp", "loss=probabilities_as_logits")
    outputs = 1 if spec is XOR else 3
    inputs = keras.Input(spec.shape)
    model = keras.Model(inputs, keras.layers.Dense(outputs, activation=activation)(inputs))
    x = np.random.default_rng(0).normal(size=(5, *spec.shape)).astype(np.float32)
    p, labels = np.asarray(model(x), np.float64), np.arange(5) % spec.classes
    if spec is XOR:
        again = 1 / (1 + np.exp(-p[:, 0]))
        expected = -np.mean(np.log(np.where(labels, again, 1 - again)))
        y, keras_s = labels.reshape(-1, 1).astype(np.float32), keras.losses.BinaryCrossentropy(from_logits=True)
    else:
        again = np.exp(p) / np.exp(p).sum(axis=1, keepdims=True)
        expected = -np.mean(np.log(again[np.arange(5), labels]))
        y, keras_s = labels.astype(np.int32), keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    np.testing.assert_allclose(float(losses.loss(spec, config)(y, model(x))), expected, rtol=1e-5)
    with pytest.warns(UserWarning, match="was produced by a S"):
        mended = float(keras_s(y, model(x)))  # Keras looks before its own layer, which is why it is spelled out
    assert abs(mended - expected) > 0.01


def test_probabilities_are_not_taken_for_logits_nor_the_other_way_round():
    with pytest.raises(BadInput, match="the loss would take probabilities for logits"):
        losses.check_output(model(3, "softmax"), CLASSES, compose("model.output=logits"))
    with pytest.raises(BadInput, match="does not give probabilities"):
        losses.check_output(model(3, "relu"), CLASSES, compose("model.output=probabilities"))
    losses.check_output(model(3, "softmax"), CLASSES, compose("model.output=probabilities"))
    losses.check_output(model(3, None), CLASSES, compose("model.output=logits"))


def test_a_model_with_the_wrong_number_of_outputs_is_refused():
    with pytest.raises(BadInput, match="needs 3 outputs, but model=mnist_fcn puts out 4"):
        losses.check_output(model(4, None), CLASSES, compose())
