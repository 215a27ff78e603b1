"""The shared step is Keras's own step, with gradient norms and a check for numbers that are not finite."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.training.step import GradientWatch, TrainStep, dense, sums_of_squares

GENERATOR = np.random.default_rng(0)
X = GENERATOR.normal(size=(64, 12)).astype(np.float32)
Y = GENERATOR.integers(0, 4, 64).astype(np.int32)
WEIGHT = GENERATOR.uniform(0.5, 2.0, 64).astype(np.float32)


def model(optimizer, **compile_options):
    keras.utils.clear_session()
    keras.utils.set_random_seed(3)
    inputs = keras.Input((12,))
    x = keras.layers.Dense(16, kernel_regularizer="l2", kernel_constraint=keras.constraints.MaxNorm(1.0))(inputs)
    x = keras.layers.Dropout(0.3, seed=5)(keras.layers.ReLU()(keras.layers.BatchNormalization()(x)))
    made = keras.Model(inputs, keras.layers.Dense(4)(x))
    made.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        **compile_options,
    )
    return made


OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.1),
    "adam, global_clipnorm": lambda: keras.optimizers.Adam(0.01, global_clipnorm=0.5),
    "momentum, clipvalue": lambda: keras.optimizers.SGD(0.1, momentum=0.9, clipvalue=0.01),
    "adamw, accumulated": lambda: keras.optimizers.AdamW(0.01, gradient_accumulation_steps=2),
    "adam, averaged": lambda: keras.optimizers.Adam(0.01, use_ema=True),
    "scaled": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01), initial_scale=1024.0),
}


@pytest.mark.parametrize(("optimizer", "weighted"), [*((name, False) for name in OPTIMIZERS), ("sgd", True)])
def test_the_shared_step_is_equal_to_keras_s_own(optimizer, weighted):
    ours, keras_s = model(OPTIMIZERS[optimizer]()), model(OPTIMIZERS[optimizer]())
    step = tf.function(TrainStep(ours))
    keras_s.optimizer.build(keras_s.trainable_variables)
    keras_step = tf.function(lambda *data: keras_s.train_step(data))
    for start in (0, 16, 32, 48):
        rows = slice(start, start + 16)
        batch = [tf.constant(a[rows]) for a in (X, Y, *([WEIGHT] if weighted else []))]
        logs, keras_logs = step(*batch), keras_step(*batch)
        assert {k: float(v) for k, v in logs.items()} == {k: float(v) for k, v in keras_logs.items()}
    for one, other in zip(ours.get_weights(), keras_s.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(ours.optimizer.variables, keras_s.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_gradient_of_a_word_that_stands_twice_is_the_sum_over_both():
    table = tf.Variable(np.ones((5, 3), np.float32))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(tf.gather(table, [2, 2, 4]))
    (gradient,) = dense([tape.gradient(loss, table)])
    np.testing.assert_array_equal(gradient.numpy()[:, 0], [0, 0, 2, 0, 1])


def test_the_watch_reports_the_mean_norm_of_each_layer_over_an_epoch():
    made = model(keras.optimizers.SGD(0.1))
    watch = GradientWatch(made)
    ones = [tf.ones_like(variable) for variable in made.trainable_variables]
    watch.observe(tf.constant(1.0), ones)
    watch.observe(tf.constant(1.0), [3 * one for one in ones])
    first = 2 * np.sqrt(12 * 16 + 16)
    assert watch.layers[0] == made.layers[1].name
    np.testing.assert_allclose(watch.epoch_means()[0], first, rtol=1e-6)
    np.testing.assert_array_equal(watch.epoch_means(), 0.0)


@pytest.mark.parametrize("size", [1, 63, 64, 6_500])
def test_squares_added_up_side_by_side_make_the_same_sum(size):
    rows = GENERATOR.normal(size=(3, size)).astype(np.float32)
    for jit in (False, True):
        sums = tf.function(sums_of_squares, jit_compile=jit)(tf.constant(rows))
        np.testing.assert_allclose(sums, np.square(rows, dtype=np.float64).sum(axis=1), rtol=1e-6)


def test_the_watch_names_the_first_step_and_the_layers_that_are_not_finite():
    made = model(keras.optimizers.SGD(0.1))
    watch = GradientWatch(made)
    ones = [tf.ones_like(variable) for variable in made.trainable_variables]
    watch.observe(tf.constant(1.0), ones)
    assert watch.fault() is None
    watch.observe(tf.constant(1.0), [*ones[:-1], tf.fill([4], np.nan)])
    watch.observe(tf.constant(np.nan), [tf.fill(one.shape, np.nan) for one in ones])
    said = watch.fault()
    assert said is not None
    first, last = (made.layers[index] for index in (1, -1))
    assert said.startswith(f"the gradient of {last.name} was not finite at step 2; the largest gradient norms in")
    assert f" the step before: {first.name} {np.sqrt(first.count_params()):.3g}, " in said


def test_an_overflow_of_scaled_gradients_is_no_fault():
    made = model(keras.optimizers.SGD(0.1))
    watch = GradientWatch(made)
    watch.observe(tf.constant(1.0), [tf.fill(v.shape, np.inf) for v in made.trainable_variables], tf.constant(2.0**15))
    assert watch.fault() is None
