"""The builders: parameter counts, layer names, and what they put out."""

import keras
import numpy as np
import pytest

from zoo import compose, data
from zoo.config import BadInput
from zoo.data import Spec
from zoo.models import building, feedback, mlp, recurrent
from zoo.training.setup import build

VECTORS = Spec("vectors", (784,), "classes", 10)
XOR = Spec("vectors", (2,), "binary", 2)
TOKENS = Spec("tokens", (35,), "tokens", 10_000)
SEQUENCES = Spec("sequences", (30, 2), "value", 1)


def lstm(**options):
    chosen = {"output": "logits", "cell": "lstm", "vocab_size": 10_000, "embedding": 128, "units": 256, "layers": 2}
    return recurrent.build(TOKENS, **{**chosen, **options})


def test_the_default_networks_have_the_parameters_that_the_textbook_counts():
    assert mlp.build(VECTORS, output="logits", hidden=[256]).count_params() == 784 * 256 + 256 + 256 * 10 + 10
    assert mlp.build(XOR, output="probabilities", hidden=[2], activation="sigmoid").count_params() == 9
    assert mlp.build(XOR, output="values", hidden=[]).count_params() == 3
    gates = 4 * 256 * (128 + 256 + 1) + 4 * 256 * (256 + 256 + 1)
    assert lstm().count_params() == 10_000 * 128 + gates + 256 * 10_000 + 10_000


def test_the_small_network_of_zaremba_et_al_has_its_published_number_of_parameters():
    # 4,651,600 in TensorFlow's ptb_word_lm tutorial, which counts one bias per gate, as Keras does.
    assert lstm(embedding=200, units=200).count_params() == 4_651_600


def test_tied_weights_share_the_embedding_and_project_where_sizes_differ():
    assert lstm(tied_weights=True, embedding=256).count_params() == 10_000 * 256 + 2 * 4 * 256 * 513
    model = lstm(tied_weights=True)
    assert model.get_layer("projection").kernel.shape == (256, 128)
    assert model.output_shape == (None, None, 10_000)


def test_predicting_the_last_position_puts_out_one_distribution_a_row():
    assert lstm(predict="last").output_shape == (None, 10_000)


@pytest.mark.parametrize("output", ["logits", "probabilities"])
@pytest.mark.parametrize("tied_weights", [False, True])
def test_a_language_model_puts_out_what_it_says(output, tied_weights):
    small = {"embedding": 8, "units": 8, "vocab_size": 50, "tied_weights": tied_weights}
    spec = Spec("tokens", (5,), "tokens", 50)
    model = recurrent.build(spec, output=output, cell="gru", layers=1, **small)
    sums = np.asarray(model(np.arange(10).reshape(2, 5))).sum(axis=-1)
    assert np.allclose(sums, 1.0, atol=1e-5) == (output == "probabilities")


@pytest.mark.parametrize(("cell", "parameters"), [("rnn", 1), ("gru", 3), ("lstm", 4)])
def test_over_sequences_a_stack_has_no_embedding_and_puts_out_one_value_after_the_last_step(cell, parameters):
    options = {"output": "values", "cell": cell, "vocab_size": 50, "embedding": 8, "units": 6, "layers": 2}
    model = recurrent.build(SEQUENCES, **options)
    assert [layer.name for layer in model.layers] == ["inputs", f"{cell}_1", f"{cell}_2", "output"]
    assert (model.input_shape, model.output_shape) == ((None, None, 2), (None, 1))
    biases = 2 if cell == "gru" else 1  # Keras gives a GRU one for each of its two products
    assert model.count_params() == parameters * 6 * (2 + 6 + biases + 6 + 6 + biases) + 7
    x = np.random.default_rng(0).normal(size=(3, 30, 2)).astype(np.float32)
    moved = x.copy()
    moved[:, -1] += 1
    assert np.all(np.asarray(model(x)) != np.asarray(model(moved)))
    assert model(x[:, :7]).shape == (3, 1)


def test_over_sequences_the_feedback_network_has_one_set_of_weights_for_all_steps():
    model = feedback.build(SEQUENCES, output="values", hidden=[6], activation="tanh")
    assert (model.input_shape, model.output_shape) == ((None, None, 2), (None, 1))
    assert model.count_params() == (2 + 1) * 6 + 1 * 6 + (6 + 1) * 1
    assert feedback.build(SEQUENCES, output="values", hidden=[6], feedback_from="hidden_1").count_params() == 61


def test_a_vector_is_to_the_feedback_network_a_sequence_of_equal_steps():
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    options = {"hidden": [3, 4], "feedback_from": "hidden_2", "feedback_to": "hidden_1"}
    settling = feedback.build(XOR, output="logits", iterations=5, **options)
    reading = feedback.build(SEQUENCES, output="values", **options)
    weights = {"/".join(w.path.split("/")[-2:]): w for w in settling.trainable_variables}
    for number, variable in enumerate(reading.trainable_variables):
        own = weights["/".join(variable.path.split("/")[-2:])]
        own.assign(np.random.default_rng(number).normal(size=own.shape))
        variable.assign(own)
    again = np.repeat(x[:, None], 5, axis=1)
    np.testing.assert_allclose(np.asarray(reading(again)), np.asarray(settling(x)), atol=1e-6)


def test_an_lstm_without_unit_forget_bias_starts_from_a_zero_bias():
    with_bias, without = lstm(), lstm(unit_forget_bias=False)
    assert with_bias.get_layer("lstm_1").cell.bias.numpy()[256:512].min() == 1.0
    assert without.get_layer("lstm_1").cell.bias.numpy().max() == 0.0


def test_batch_normalization_dropout_max_norm_and_l2_reach_each_hidden_layer():
    model = mlp.build(
        VECTORS, output="logits", hidden=[32, 16], activation="relu", dropout=0.5, batch_normalization=True,
        max_norm=3.0, l2=0.01,
    )  # fmt: skip
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds.count("BatchNormalization") == kinds.count("Dropout") == 2
    assert model.get_layer("hidden_2").kernel_constraint.max_value == 3.0
    assert len(model.losses) == 3


def test_two_classes_of_pictures_get_two_outputs_and_a_binary_target_one():
    two = Spec("vectors", (784,), "classes", 2)
    assert mlp.build(two, output="logits", hidden=[8]).output_shape == (None, 2)
    assert mlp.build(XOR, output="logits", hidden=[8]).output_shape == (None, 1)


def by_hand(model, x, iterations, source):
    """Run the feedback network with plain NumPy."""
    weights = {w.path: w.numpy() for w in model.trainable_variables}

    def sigmoid(z):
        return 1 / (1 + np.exp(-z))

    returned = np.zeros((len(x), weights["feedback/kernel"].shape[0]))
    for _ in range(iterations):
        z = x @ weights["hidden_1/kernel"] + weights["hidden_1/bias"] + returned @ weights["feedback/kernel"]
        hidden = sigmoid(z)
        output = sigmoid(hidden @ weights["output/kernel"] + weights["output/bias"])
        returned = output if source == "output" else hidden
    return output


@pytest.mark.parametrize("source", ["output", "hidden_1"])
@pytest.mark.parametrize("iterations", [1, 2, 5])
def test_feedback_returns_the_activation_of_the_iteration_before(source, iterations):
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    model = feedback.build(XOR, output="probabilities", hidden=[3], iterations=5, feedback_from=source)
    for variable in model.trainable_variables:
        variable.assign(np.random.default_rng(1).normal(size=variable.shape))
    if iterations != 5:
        weights = model.get_weights()
        model = feedback.build(XOR, output="probabilities", hidden=[3], iterations=iterations, feedback_from=source)
        if iterations == 1:  # nothing has returned yet, so there is no feedback weight
            assert len(model.trainable_variables) == len(weights) - 1
            return
        model.set_weights(weights)
    np.testing.assert_allclose(np.asarray(model(x)), by_hand(model, x, iterations, source), atol=1e-6)


def test_the_feedback_weights_are_trained_through_all_iterations():
    import tensorflow as tf

    model = feedback.build(XOR, output="probabilities", hidden=[2], iterations=4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model(np.ones((1, 2), np.float32)))
    gradients = tape.gradient(loss, model.trainable_variables)
    assert all(float(tf.reduce_sum(tf.abs(gradient))) > 0 for gradient in gradients)


def test_initial_weights_are_a_function_of_seed_and_layer_name(data_dir):
    def weights(*overrides):
        config = compose("model=mnist_fcn", "data=digits", *overrides)
        splits = data.load(config.data, folder=data_dir)
        return {w.path: w.numpy() for w in build(config, splits).trainable_variables}

    small, deeper = weights("model.hidden=[16]"), weights("model.hidden=[16,16]")
    np.testing.assert_array_equal(small["hidden_1/kernel"], deeper["hidden_1/kernel"])
    assert not np.array_equal(small["hidden_1/kernel"], weights("model.hidden=[16]", "seed=1")["hidden_1/kernel"])


def own_model(spec, *, width=4):
    inputs = keras.Input(spec.shape)
    return keras.Model(inputs, keras.layers.Dense(spec.classes)(keras.layers.Dense(width)(inputs)))


def test_a_custom_builder_gets_its_own_options_and_a_wrong_one_is_named(monkeypatch):
    model = compose("model=custom", "data=digits", f"model.build={__name__}.own_model", "+model.width=7").model
    monkeypatch.setitem(__import__("sys").modules, __name__, type("module", (), {"own_model": staticmethod(own_model)}))
    assert building.build(model, Spec("vectors", (64,), "classes", 10), "float32").layers[1].units == 7
    wrong = compose("model=custom", "data=digits", f"model.build={__name__}.own_model", "+model.widht=7").model
    with pytest.raises(BadInput, match=r"takes no 'widht'\. Did you mean 'width'"):
        building.build(wrong, Spec("vectors", (64,), "classes", 10), "float32")


def test_building_in_mixed_precision_leaves_keras_s_global_policy_alone():
    model = compose("data=digits").model
    built = building.build(model, Spec("vectors", (64,), "classes", 10), "mixed_bfloat16")
    assert built.get_layer("hidden_1").compute_dtype == "bfloat16"
    assert built.get_layer("output").compute_dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"
