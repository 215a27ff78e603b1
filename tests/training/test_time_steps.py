"""How far back a gradient reaches, against a network whose gradient is known."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from zoo import compose, data
from zoo.data import Split
from zoo.training import time_steps
from zoo.training.setup import build


@pytest.fixture
def of_adding(data_dir):
    """Return model, data and config for some words."""

    def one(*words):
        config = compose("data=adding", "data.samples=200", "data.validation=60", *words)
        splits = data.load(config.data, folder=data_dir)
        return build(config, splits), splits, config

    return one


def linear_memory(decay, features):
    """Return a network that keeps a share of its one state in each step: ∂prediction/∂x[t] is known."""
    inputs = keras.Input((None, features))
    layer = keras.layers.SimpleRNN(1, activation="linear")
    model = keras.Model(inputs, layer(inputs))
    layer.set_weights([np.ones((features, 1)), np.array([[decay]]), np.zeros(1)])
    return model


@pytest.mark.parametrize("decay", [0.001, 0.5, 1.0])
def test_the_norm_is_the_mean_over_examples_of_the_gradient_of_each_one_s_own_loss(decay, of_adding):
    _, splits, config = of_adding("model=rnn", "data.length=10")
    model = linear_memory(decay, 2)
    found = time_steps.gradient_norms(model, splits.valid, splits.spec, config)
    errors = np.abs(np.asarray(model(splits.valid.x))[:, 0] - splits.valid.y)
    steps = splits.spec.shape[0]
    expected = np.mean(2 * errors) * decay ** np.arange(steps - 1, -1, -1) * np.sqrt(2)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_no_more_than_the_first_examples_are_looked_at(of_adding, monkeypatch):
    model, splits, config = of_adding("model=rnn", "model.units=4")
    monkeypatch.setattr(time_steps, "EXAMPLES", 7)
    few = replace(splits.valid, x=splits.valid.x[:7], y=splits.valid.y[:7])
    np.testing.assert_array_equal(
        time_steps.gradient_norms(model, splits.valid, splits.spec, config),
        time_steps.gradient_norms(model, few, splits.spec, config),
    )


@pytest.mark.parametrize("model", ["rnn", "gru", "lstm", "feedback"])
def test_every_model_that_reads_sequences_has_a_gradient_at_each_step(model, of_adding):
    width = "model.hidden=[8]" if model == "feedback" else "model.units=8"
    built, splits, config = of_adding(f"model={model}", width, "data.length=12")
    found = time_steps.gradient_norms(built, Split(splits.valid.x, splits.valid.y), splits.spec, config)
    assert found.shape == (12,)
    assert np.all(found > 0)
