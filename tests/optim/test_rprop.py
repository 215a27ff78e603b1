from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.optim.rprop import Rprop


def update(optimizer: keras.optimizers.Optimizer, variable: keras.Variable, *gradients: float) -> list[float]:
    """Return a scalar weight after each gradient."""
    path = []
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient)], [variable])
        path.append(float(variable.value))
    return path


def paper_rprop(
    weights: np.ndarray, gradient_of: object, steps: int, *, start: float, least: float = 1e-6, most: float = 50.0
) -> np.ndarray:
    """Follow the pseudocode of Riedmiller & Braun 1993 weight by weight, with all that it remembers, in float32."""
    one = np.float32
    delta = [one(start)] * weights.size
    last_gradient = [one(0)] * weights.size
    last_change = [one(0)] * weights.size
    for _ in range(steps):
        gradient = gradient_of(weights)
        for i in range(weights.size):
            product = last_gradient[i] * gradient[i]
            if product > 0:
                delta[i] = min(delta[i] * one(1.2), one(most))
                change = -np.sign(gradient[i]) * delta[i]
                last_gradient[i] = gradient[i]
            elif product < 0:
                delta[i] = max(delta[i] * one(0.5), one(least))
                change = -last_change[i]
                last_gradient[i] = one(0)
            else:
                change = -np.sign(gradient[i]) * delta[i]
                last_gradient[i] = gradient[i]
            weights[i] += change
            last_change[i] = change
    return weights


def test_four_steps_agree_with_those_computed_by_hand():
    # start -> grow -> sign changed: halve and take back 0.12 -> move on without a second punishment
    path = update(Rprop(0.1), keras.Variable(0.0), 3.0, 0.001, -7.0, -2.0)
    assert path == pytest.approx([-0.1, -0.22, -0.10, -0.04], abs=1e-6)


def test_a_hundred_steps_on_a_curved_valley_agree_with_the_pseudocode_of_the_paper():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(6, 6)).astype(np.float32)
    target = rng.normal(size=6).astype(np.float32)

    def gradient_of(weights: np.ndarray) -> np.ndarray:
        return matrix.T @ np.tanh(matrix @ weights - target)

    expected = paper_rprop(np.ones(6, np.float32), gradient_of, 100, start=0.1)
    variable = keras.Variable(np.ones(6, np.float32))
    optimizer = Rprop(0.1)
    for _ in range(100):
        optimizer.apply([tf.constant(gradient_of(variable.numpy()))], [variable])
    np.testing.assert_allclose(variable.numpy(), expected, rtol=1e-5, atol=1e-6)
    assert np.linalg.norm(gradient_of(expected)) < 0.05 * np.linalg.norm(gradient_of(np.ones(6, np.float32)))


def test_steps_stay_between_their_bounds():
    assert update(Rprop(1.0, step_max=1.1), keras.Variable(0.0), 1.0, 1.0, 1.0) == pytest.approx([-1.0, -2.1, -3.2])
    optimizer = Rprop(0.4, step_min=0.3)
    assert update(optimizer, keras.Variable(0.0), 1.0, -1.0, -1.0) == pytest.approx([-0.4, 0.0, 0.3])


def test_gradients_too_small_to_multiply_still_count_by_their_sign():
    assert update(Rprop(0.1), keras.Variable(0.0), 1e-30, 1e-30) == pytest.approx([-0.1, -0.22])


def test_a_weight_without_a_gradient_does_not_move():
    assert update(Rprop(0.1), keras.Variable(1.0), 0.0, 0.0) == [1.0, 1.0]


def test_words_that_do_not_occur_keep_their_embedding():
    embedding = keras.layers.Embedding(4, 2)
    embedding.build()
    before = embedding.embeddings.numpy()
    optimizer = Rprop(0.1)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(embedding(tf.constant([1, 1, 3])))
    optimizer.apply(tape.gradient(loss, embedding.trainable_variables), embedding.trainable_variables)
    expected = before - np.array([[0.0], [0.1], [0.0], [0.1]], np.float32)
    np.testing.assert_allclose(embedding.embeddings.numpy(), expected, atol=1e-6)


def test_stacked_weights_with_their_own_learning_rates_move_as_each_would_alone():
    rates = np.array([0.01, 0.1, 1.0], np.float32)
    gradients = np.random.default_rng(1).normal(size=(30, 3, 5)).astype(np.float32)
    stacked = keras.Variable(np.zeros((3, 5), np.float32))
    together = Rprop()
    together.build([stacked])
    for gradient in gradients:
        together.update_step(tf.constant(gradient), stacked, rates[:, None])
    for member, rate in enumerate(rates):
        alone = keras.Variable(np.zeros(5, np.float32))
        optimizer = Rprop(float(rate))
        for gradient in gradients:
            optimizer.apply([tf.constant(gradient[member])], [alone])
        np.testing.assert_array_equal(stacked.numpy()[member], alone.numpy())


@pytest.mark.parametrize("jit", [False, True])
def test_a_compiled_step_moves_as_an_eager_one(jit: bool):
    gradients = np.random.default_rng(2).normal(size=(20, 4)).astype(np.float32)
    compiled, eager = keras.Variable(np.zeros(4, np.float32)), keras.Variable(np.zeros(4, np.float32))
    fast, plain = Rprop(0.1), Rprop(0.1)
    fast.build([compiled])

    @tf.function(jit_compile=jit)
    def step(gradient: tf.Tensor) -> None:
        fast.apply([gradient], [compiled])

    for gradient in gradients:
        step(tf.constant(gradient))
        plain.apply([tf.constant(gradient)], [eager])
    np.testing.assert_allclose(compiled.numpy(), eager.numpy(), rtol=1e-6)


def test_a_saved_model_goes_on_as_if_it_had_not_been_saved(tmp_path: Path):
    x = np.random.default_rng(3).normal(size=(16, 3)).astype(np.float32)
    y = x[:, :1] * x[:, 1:2]
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, "tanh"), keras.layers.Dense(1)])
    model.compile(Rprop(0.05, eta_plus=1.3, step_max=2.0), "mse")
    model.fit(x, y, batch_size=16, epochs=5, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    for one in (model, loaded):
        one.fit(x, y, batch_size=16, epochs=5, verbose=0)
    for one, other in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("arguments", [{"eta_plus": 1.0}, {"eta_minus": 1.0}, {"step_min": 0.0}, {"step_max": 1e-9}])
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, float]):
    with pytest.raises(ValueError, match="Received"):
        Rprop(**arguments)
