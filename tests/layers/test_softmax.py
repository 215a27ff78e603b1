import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import compose
from zoo.data.spec import Spec
from zoo.layers.softmax import Logits, TiedEmbedding, TokenCrossentropy, origin
from zoo.models import building

CLASSES, UNITS = 50, 12
FEATURES = np.random.default_rng(0).normal(size=(4, 7, UNITS)).astype("float32")
LABELS = np.random.default_rng(1).integers(0, CLASSES, (4, 7)).astype("int32")


def linear(layer):
    inputs = keras.Input((None, UNITS))
    return keras.Model(inputs, layer(inputs))


def loss_and_gradients(call, variables, loss, *weights, batch=None):
    @tf.function(input_signature=[tf.TensorSpec([batch, 7, UNITS])])
    def compute(features):
        with tf.GradientTape() as tape:
            tape.watch(features)
            value = loss(LABELS, call(features), *weights)
        return [value, *tape.gradient(value, [features, *variables])]

    return [np.array(tf.convert_to_tensor(one)) for one in compute(FEATURES)]


def assert_close(one, other, tolerance):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance * np.abs(b).max(), rtol=0)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("batch", [None, 4])
@pytest.mark.parametrize("use_bias", [True, False])
def test_loss_and_gradients_are_those_of_a_dense_layer_and_keras_s_loss(use_bias, batch, compiled):
    keras.utils.set_random_seed(0)
    theirs, ours = linear(keras.layers.Dense(CLASSES, use_bias=use_bias)), linear(Logits(CLASSES, use_bias=use_bias))
    ours.set_weights(theirs.get_weights())
    np.testing.assert_allclose(ours(FEATURES), theirs(FEATURES), atol=1e-6)
    expected = loss_and_gradients(
        theirs, theirs.trainable_variables, keras.losses.SparseCategoricalCrossentropy(from_logits=True), batch=batch
    )
    found = loss_and_gradients(ours, ours.trainable_variables, TokenCrossentropy(compiled=compiled), batch=batch)
    assert_close(found, expected, 1e-6)


def test_the_gradient_of_a_tied_embedding_is_that_of_keras_s():
    keras.utils.set_random_seed(0)
    ours, theirs = TiedEmbedding(CLASSES, UNITS), keras.layers.ReversibleEmbedding(CLASSES, UNITS)
    for layer in (ours, theirs):
        layer.build((None, None))
    theirs.set_weights(ours.get_weights())
    expected = loss_and_gradients(
        lambda features: theirs(features, reverse=True),
        theirs.trainable_variables,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    found = loss_and_gradients(
        lambda features: ours(features, reverse=True), ours.trainable_variables, TokenCrossentropy()
    )
    assert_close(found, expected, 1e-6)


def test_weighted_rows_count_as_in_keras():
    layer = linear(Logits(CLASSES))
    weights = np.array([[1], [0], [2], [0.5]], "float32")
    keras_loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    found = loss_and_gradients(layer, layer.trainable_variables, TokenCrossentropy(), weights)
    assert_close(found, loss_and_gradients(layer, layer.trainable_variables, keras_loss, weights), 1e-6)


def test_a_product_in_bfloat16_keeps_float32_weights_and_logits():
    wide, narrow = linear(Logits(CLASSES)), linear(Logits(CLASSES, product_dtype="bfloat16"))
    narrow.set_weights(wide.get_weights())
    assert narrow(FEATURES).dtype == tf.float32
    assert {variable.dtype for variable in narrow.variables} == {"float32"}
    expected = loss_and_gradients(wide, wide.trainable_variables, TokenCrossentropy())
    found = loss_and_gradients(narrow, narrow.trainable_variables, TokenCrossentropy())
    assert found[0] == pytest.approx(expected[0], rel=1e-3)
    assert_close(found, expected, 0.03)


@pytest.mark.parametrize("options", [[], ["model.tied_weights=true"], ["model.predict=last"]])
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_the_language_models_hand_their_loss_what_it_needs(options, precision):
    config = compose("model=lstm", "model.units=12", "model.embedding=8", *options).model
    model = building.build(config, Spec("tokens", (7,), "tokens", CLASSES), precision)

    @tf.function
    def is_fast(tokens):
        return tf.constant(origin(model(tokens, training=True)) is not None)

    assert is_fast(tf.constant(LABELS))


def test_a_saved_model_comes_back_with_its_product(tmp_path):
    model = linear(Logits(CLASSES, product_dtype="bfloat16"))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[-1].product_dtype == "bfloat16"
    np.testing.assert_array_equal(loaded(FEATURES), model(FEATURES))


def test_what_the_fast_way_does_not_know_goes_keras_s_way():
    keras.utils.set_random_seed(0)
    ours = linear(Logits(CLASSES))
    theirs = linear(keras.layers.Dense(CLASSES))
    theirs.set_weights(ours.get_weights())
    ignoring = {"from_logits": True, "ignore_class": int(LABELS[0, 0])}
    expected = loss_and_gradients(
        theirs, theirs.trainable_variables, keras.losses.SparseCategoricalCrossentropy(**ignoring)
    )
    assert_close(loss_and_gradients(ours, ours.trainable_variables, TokenCrossentropy(**ignoring)), expected, 1e-6)
    squashed = Logits(CLASSES, activation="softmax")(FEATURES)
    assert origin(squashed) is None
    np.testing.assert_allclose(np.sum(squashed, axis=-1), 1.0, rtol=1e-5)
