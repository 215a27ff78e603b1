"""The recurrent layers: Keras's own results, states, gradients and files, computed in another way."""

import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import layers
from zoo.layers import any_length, recurrent

KINDS = ["LSTM", "GRU", "SimpleRNN"]
BATCH, STEPS, FEATURES, UNITS = 5, 11, 6, 8
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(2, BATCH, STEPS, FEATURES)).astype(np.float32)  # two batches, one after the other
STATES = RANDOM.uniform(-1, 1, size=(2, BATCH, UNITS)).astype(np.float32)


def pair(kind, shape=(BATCH, STEPS, FEATURES), **options):
    """Return the zoo's layer and Keras's, with the same random weights."""
    theirs = getattr(keras.layers, kind)(UNITS, **options)
    ours = getattr(layers, kind)(UNITS, **options)
    theirs.build(shape)
    ours.build(shape)
    rng = np.random.default_rng(1)
    weights = [rng.uniform(-0.5, 0.5, size=variable.shape) for variable in theirs.trainable_variables]
    for layer in (ours, theirs):
        for variable, value in zip(layer.trainable_variables, weights, strict=True):
            variable.assign(value)
    return ours, theirs


def step_of(layer):
    """Return a function from inputs and states to outputs, last states and all gradients."""

    def step(x, *states):
        with tf.GradientTape() as tape:
            tape.watch([x, *states])
            results = tf.nest.flatten(layer(x, initial_state=list(states) or None, training=True))
            losses = [tf.reduce_mean(tf.sin(tf.cast(result, tf.float32) * 3)) for result in results]
            loss = tf.add_n([(index + 1.0) * loss for index, loss in enumerate(losses)])
        return [*results, *tape.gradient(loss, [x, *states, *layer.trainable_variables])]

    return step


def states_for(kind):
    return [tf.constant(state) for state in STATES[: 2 if kind == "LSTM" else 1]]


def assert_same(ours, theirs, atol=1e-5):
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        np.testing.assert_allclose(np.asarray(one, np.float32), np.asarray(other, np.float32), rtol=1e-5, atol=atol)


def eager(step, _):
    return step


def graph(step, _):
    return tf.function(step)


def open_batch(step, states):
    signature = [tf.TensorSpec([None, STEPS, FEATURES]), *[tf.TensorSpec([None, UNITS]) for _ in states]]
    return tf.function(step, input_signature=signature)


@pytest.mark.parametrize("how", [eager, graph, open_batch])
@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_outputs_states_and_gradients_are_keras_s(kind, return_sequences, how):
    ours, theirs = pair(kind, return_sequences=return_sequences, return_state=True)
    states = states_for(kind)
    assert_same(*[how(step_of(layer), states)(tf.constant(X[0]), *states) for layer in (ours, theirs)])


@pytest.mark.parametrize("steps", [1, 8, 9])
@pytest.mark.parametrize("kind", KINDS)
def test_any_number_of_steps_gives_keras_s_gradients_from_the_outputs_alone(kind, steps):
    ours, theirs = pair(kind, return_sequences=True, use_bias=False)
    assert_same(*[tf.function(step_of(layer))(tf.constant(X[0, :, :steps])) for layer in (ours, theirs)])


@pytest.mark.parametrize("return_sequences", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_state_is_carried_from_batch_to_batch(kind, return_sequences):
    ours, theirs = pair(kind, return_sequences=return_sequences, stateful=True)
    steps = [tf.function(step_of(layer)) for layer in (ours, theirs)]
    for x in X:
        assert_same(*[step(tf.constant(x)) for step in steps])
    assert_same(ours.states, theirs.states)
    assert np.abs(ours.states[0].numpy()).max() > 0


def test_a_model_fits_as_with_keras_s_layers_on_batches_of_any_size():
    history = []
    for kinds in ([layers.LSTM, layers.GRU, layers.SimpleRNN], [getattr(keras.layers, kind) for kind in KINDS]):
        keras.utils.set_random_seed(0)
        inputs = features = keras.Input((None, FEATURES))
        for depth, kind in enumerate(kinds):
            features = kind(UNITS, return_sequences=depth < 2)(features)
        model = keras.Model(inputs, keras.layers.Dense(1)(features))
        model.compile("sgd", "mse", jit_compile=False)
        x = X.reshape(-1, STEPS, FEATURES)
        history.append(model.fit(x, x.sum(axis=(1, 2)), batch_size=4, epochs=3, verbose=0).history["loss"])
    np.testing.assert_allclose(*history, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_steps_are_walked_without_a_loop(kind):
    ours, theirs = pair(kind)
    traced = [tf.function(step_of(layer)).get_concrete_function(tf.constant(X[0])).graph for layer in (ours, theirs)]
    loops = [any("While" in operation.type for operation in graph.get_operations()) for graph in traced]
    assert loops == [False, True]


@pytest.mark.parametrize("kind", KINDS)
def test_mixed_bfloat16_is_near_float32_and_puts_out_what_keras_puts_out(kind):
    states = states_for(kind)
    precise, _ = pair(kind, return_sequences=True, return_state=True)
    ours, theirs = pair(kind, return_sequences=True, return_state=True, dtype="mixed_bfloat16")
    expected = step_of(precise)(tf.constant(X[0]), *states)
    low, keras_s = [step_of(layer)(tf.constant(X[0]), *states) for layer in (ours, theirs)]
    assert [result.dtype for result in low] == [result.dtype for result in keras_s]
    assert low[0].dtype == tf.bfloat16
    for one, other in zip(low, expected, strict=True):
        np.testing.assert_allclose(np.asarray(one, np.float32), other, atol=0.03 * np.abs(other).max() + 0.01)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *[(kind, {"recurrent_dropout": 0.3, "seed": 4}) for kind in KINDS],
        *[(kind, {"dropout": 0.3, "seed": 4}) for kind in KINDS],
        *[(kind, {"go_backwards": True}) for kind in KINDS],
        *[(kind, {"activation": "relu"}) for kind in KINDS],
        *[(kind, {"dtype": "mixed_float16"}) for kind in KINDS],
        ("LSTM", {"unroll": True}),
        ("LSTM", {"recurrent_activation": "hard_sigmoid"}),
        ("GRU", {"reset_after": False}),
    ],
)
def test_what_is_not_walked_here_is_left_to_keras(kind, options):
    ours, theirs = pair(kind, return_sequences=True, **options)
    for one, other in zip(*[step_of(layer)(tf.constant(X[0])) for layer in (ours, theirs)], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_masks_open_lengths_long_sequences_and_xla_are_left_to_keras(kind):
    ours, theirs = pair(kind, return_sequences=True)
    mask = tf.sequence_mask([3, 11, 7, 1, 9], STEPS)
    np.testing.assert_array_equal(*[layer(X[0], mask=mask) for layer in (ours, theirs)])
    spec = [tf.TensorSpec([None, None, FEATURES])]
    np.testing.assert_array_equal(*[tf.function(layer, input_signature=spec)(X[0]) for layer in (ours, theirs)])
    np.testing.assert_array_equal(*[tf.function(layer, jit_compile=True)(X[0]) for layer in (ours, theirs)])
    long = np.zeros((1, recurrent.MAX_STEPS + 1, FEATURES), np.float32)
    np.testing.assert_array_equal(*[tf.function(layer)(long) for layer in (ours, theirs)])


@pytest.mark.parametrize("kind", KINDS)
def test_a_gpu_is_left_to_keras_and_cudnn(kind, monkeypatch):
    ours, _ = pair(kind)
    monkeypatch.setattr(recurrent.recurrence, {"SimpleRNN": "simple_rnn"}.get(kind, kind.lower()), None)
    with pytest.raises(TypeError):
        ours(X[0])
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: ["/device:GPU:0"])
    assert ours(X[0]).shape == (BATCH, UNITS)


@pytest.mark.parametrize("kind", KINDS)
def test_initial_weights_are_keras_s(kind):
    drawn = []
    for module in (layers, keras.layers):
        keras.utils.set_random_seed(7)
        layer = getattr(module, kind)(UNITS)
        layer.build((None, None, FEATURES))
        drawn.append({weight.path.split("/", 1)[1]: weight.numpy() for weight in layer.weights})
    assert list(drawn[0]) == list(drawn[1])
    for name, weight in drawn[0].items():
        np.testing.assert_array_equal(weight, drawn[1][name])
    assert isinstance(getattr(layers, kind)(UNITS), keras.layers.RNN)


def test_a_saved_model_loads_in_another_process(tmp_path):
    inputs = keras.Input((None, FEATURES))
    features = layers.LSTM(UNITS, return_sequences=True, unit_forget_bias=False)(inputs)
    features = layers.SimpleRNN(UNITS)(layers.GRU(UNITS, return_sequences=True)(features))
    model = keras.Model(inputs, features)
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "expected.npz", x=X[0], y=model(X[0]))
    code = (
        "import sys, keras, numpy as np, zoo.layers; model = keras.saving.load_model(sys.argv[1]);"
        "assert [type(one).__module__ for one in model.layers[1:]] == ['zoo.layers.recurrent'] * 3;"
        "data = np.load(sys.argv[2]); np.testing.assert_allclose(model(data['x']), data['y'], atol=1e-6)"
    )
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "model.keras"), str(tmp_path / "expected.npz")],
        check=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip


@pytest.mark.parametrize("sequences", [True, False])
@pytest.mark.parametrize("kind", KINDS)
def test_a_layer_that_is_exported_puts_out_the_same_bits_for_any_length(kind, sequences):
    ours, _ = pair(kind, return_sequences=sequences)
    with any_length.exporting():
        exported = tf.function(ours, input_signature=[tf.TensorSpec([None, None, FEATURES])]).get_concrete_function()
    for steps in (1, 4, STEPS):
        x = X[0, :, :steps]
        np.testing.assert_array_equal(exported(tf.constant(x)), tf.function(ours)(tf.constant(x)))


def test_an_import_of_the_layers_alone_registers_all_that_a_saved_model_holds():
    code = (
        "import keras, zoo.layers\n"
        "for name in ('LSTM', 'GRU', 'SimpleRNN', 'Logits', 'TiedEmbedding', 'FeedbackCell'):\n"
        "    assert keras.saving.get_registered_object('zoo>' + name), name"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
