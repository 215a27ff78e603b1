"""Random shifts and rotations: nothing at inference, bounded in training, the same with XLA."""

import keras
import numpy as np
import tensorflow as tf

from zoo.layers import RandomAffine

PICTURES = np.random.default_rng(0).uniform(size=(16, 64)).astype(np.float32)


def test_pictures_pass_unchanged_at_inference():
    np.testing.assert_array_equal(RandomAffine((8, 8), seed=1)(PICTURES, training=False), PICTURES)


def test_without_shift_and_rotation_training_changes_nothing():
    layer = RandomAffine((8, 8), shift=False, rotate=False, seed=1)
    np.testing.assert_allclose(layer(PICTURES, training=True), PICTURES, atol=1e-6)


def test_a_shift_moves_the_centre_of_mass_by_no_more_than_its_bound():
    dot = np.zeros((200, 28, 28), np.float32)
    dot[:, 14, 14] = 1.0
    moved = np.asarray(RandomAffine((28, 28), rotate=False, max_shift=3.0, seed=1)(dot.reshape(200, -1), training=True))
    moved = moved.reshape(200, 28, 28)
    rows = (moved * np.arange(28)[None, :, None]).sum((1, 2)) - 14
    np.testing.assert_allclose(moved.sum((1, 2)), 1.0, atol=1e-4)
    assert 2.0 < np.abs(rows).max() <= 3.0 + 1e-3


def test_a_rotation_turns_about_the_centre_by_no_more_than_its_bound():
    dot = np.zeros((200, 29, 29), np.float32)
    dot[:, 14, 24] = 1.0  # 10 pixels to the right of the centre
    turned = np.asarray(
        RandomAffine((29, 29), shift=False, max_degrees=20, seed=1)(dot.reshape(200, -1), training=True)
    )
    turned = turned.reshape(200, 29, 29)
    mass = turned.sum((1, 2))
    rows = (turned * np.arange(29)[None, :, None]).sum((1, 2)) / mass - 14
    columns = (turned * np.arange(29)[None, None, :]).sum((1, 2)) / mass - 14
    angles = np.degrees(np.arctan2(rows, columns))
    assert 15 < np.abs(angles).max() < 22
    np.testing.assert_allclose(np.hypot(rows, columns), 10, atol=0.5)


def test_it_compiles_with_xla_and_keeps_what_stays_inside():
    layer = RandomAffine((28, 28), seed=1)
    dot = np.zeros((16, 28, 28), np.float32)
    dot[:, 10:18, 10:18] = 1.0
    compiled = tf.function(lambda x: layer(x, training=True), jit_compile=True)
    moved = np.asarray(compiled(dot.reshape(16, -1)))
    np.testing.assert_allclose(moved.sum(axis=1), 64.0, rtol=0.01)
    assert not np.allclose(moved, dot.reshape(16, -1))


def test_the_layer_survives_saving(tmp_path):
    model = keras.Sequential([keras.Input((64,)), RandomAffine((8, 8), max_degrees=5)])
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").layers[0].max_degrees == 5
