"""The feedback cell: the recursion of the textbook, in a file and back, in any precision."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.layers import FeedbackCell

X = np.random.default_rng(0).normal(size=(4, 9, 3)).astype(np.float32)
NETWORKS = [
    ([5], "output", "hidden_1"),
    ([5], "hidden_1", "hidden_1"),
    ([5, 4], "output", "hidden_2"),
    ([5, 4], "hidden_2", "hidden_1"),
]


def network(hidden=(5,), feedback_from="output", feedback_to="hidden_1", activation="sigmoid", **options):
    """Return a model of one cell whose weights are drawn anew, biases too."""
    inputs = keras.Input((None, 3))
    cell = FeedbackCell(hidden, 2, activation, feedback_from, feedback_to, **options)
    model = keras.Model(inputs, keras.layers.RNN(cell)(inputs))
    for place, variable in enumerate(model.trainable_variables):
        variable.assign(np.random.default_rng(place).normal(size=variable.shape) / 2)
    return model


def by_hand(model, x, hidden, source, target):
    """Run it with plain NumPy, step by step."""
    found = {"/".join(w.path.split("/")[-2:]): np.asarray(w, np.float64) for w in model.trainable_variables}
    returned = np.zeros((len(x), found["feedback/kernel"].shape[0]))
    for step in range(x.shape[1]):
        activations = {}
        features = x[:, step]
        for depth in range(1, len(hidden) + 1):
            z = features @ found[f"hidden_{depth}/kernel"] + found[f"hidden_{depth}/bias"]
            if target == f"hidden_{depth}":
                z = z + returned @ found["feedback/kernel"]
            features = activations[f"hidden_{depth}"] = 1 / (1 + np.exp(-z))
        activations["output"] = features @ found["output/kernel"] + found["output/bias"]
        returned = activations[source]
    return activations["output"]


@pytest.mark.parametrize(("hidden", "source", "target"), NETWORKS)
def test_each_step_reads_its_input_and_the_activation_of_the_step_before(hidden, source, target):
    model = network(hidden, source, target)
    np.testing.assert_allclose(np.asarray(model(X)), by_hand(model, X, hidden, source, target), atol=1e-6)
    np.testing.assert_allclose(np.asarray(model(X[:, :1])), by_hand(model, X[:, :1], hidden, source, target), atol=1e-6)


def test_fed_back_from_its_hidden_layer_it_is_keras_s_simple_recurrent_network():
    model = network(feedback_from="hidden_1", activation="tanh")
    weights = {"/".join(w.path.split("/")[-2:]): w for w in model.trainable_variables}
    elman = keras.layers.SimpleRNN(5)
    elman.build(X.shape)
    for variable, name in zip(elman.weights, ("hidden_1/kernel", "feedback/kernel", "hidden_1/bias"), strict=True):
        variable.assign(weights[name])
    readout = np.asarray(elman(X)) @ np.asarray(weights["output/kernel"]) + np.asarray(weights["output/bias"])
    np.testing.assert_allclose(np.asarray(model(X)), readout, atol=1e-6)


def test_the_gradient_runs_back_through_all_steps():
    model = network()
    with tf.GradientTape() as tape:
        x = tf.constant(X)
        tape.watch(x)
        loss = tf.reduce_sum(model(x))
    gradients = tape.gradient(loss, [x, *model.trainable_variables])
    assert np.all(np.linalg.norm(gradients[0], axis=2) > 0)
    assert all(float(tf.norm(gradient)) > 0 for gradient in gradients)


@pytest.mark.parametrize(("hidden", "source", "target"), NETWORKS)
def test_a_saved_network_loads_as_it_was(hidden, source, target, tmp_path):
    model = network(hidden, source, target, activation="tanh")
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(np.asarray(loaded(X)), np.asarray(model(X)))


def test_in_bfloat16_it_puts_out_float32_near_what_float32_gives():
    exact, rounded = network(), network(dtype="mixed_bfloat16")
    assert np.asarray(rounded(X)).dtype == np.float32
    np.testing.assert_allclose(np.asarray(rounded(X)), np.asarray(exact(X)), atol=0.05)
