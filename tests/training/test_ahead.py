"""Epochs that run ahead of their callbacks leave what epochs run one by one leave."""

import numpy as np
import pytest

from zoo import compose, data
from zoo.training import ahead, batches
from zoo.training.setup import build

XOR = ["model=xor_mlp", "optimizer=adam", "optimizer.learning_rate=0.05"]


@pytest.fixture
def both(train_one):
    """Train the same run with epochs ahead and one by one, compare what they leave, and return the former."""

    def compared(*words):
        # A fixed number of steps in a call makes every epoch a call of its own.
        ahead_of, by_one = train_one("loop=tape", *words), train_one("loop=tape", *words, "loop.steps_per_execution=1")
        assert ahead_of.untimed() == by_one.untimed()
        for one, other in [(ahead_of.training, by_one.training)]:
            assert (one.outcome, one.reason) == (other.outcome, other.reason)
            np.testing.assert_array_equal(one.norms, other.norms)
            for weights, same in zip(one.best_weights or [], other.best_weights or [], strict=True):
                np.testing.assert_array_equal(weights, same)
        for weights, same in zip(
            [*ahead_of.weights, *ahead_of.optimizer], [*by_one.weights, *by_one.optimizer], strict=True
        ):
            np.testing.assert_array_equal(weights, same)
        return ahead_of

    return compared


@pytest.mark.parametrize(("size", "jit"), [("1", "true"), ("3", "false"), ("full", "true"), ("full", "false")])
def test_epochs_run_ahead_are_epochs_run_one_by_one(size, jit, both):
    both(*XOR, f"batch_size={size}", f"loop.jit={jit}", "epochs=40", "schedule=cosine")


def test_a_stop_leaves_the_state_after_that_epoch(both):
    stopped = both(*XOR, "loop.jit=false", "stop.metric=val_loss", "stop.value=0.5", "epochs=400")
    assert stopped.training.outcome == "target_reached"
    assert 20 < len(stopped.logged) < 400  # in the middle of a block


def test_early_stopping_leaves_the_state_after_that_epoch(both):
    words = ["loop.jit=false", "early_stopping.patience=5", "early_stopping.min_delta=0.01", "epochs=400"]
    assert both(*XOR, *words).training.outcome == "early_stopped"


def test_a_divergence_is_found_at_the_same_step(train_one):
    words = ["optimizer=sgd", "optimizer.learning_rate=1.0", "model=linear", "batch_size=1", "loop.jit=false"]
    diverged, by_one = (train_one(*words, *own).training for own in ([], ["loop.steps_per_execution=1"]))
    assert diverged.outcome == "diverged"
    assert diverged.reason == by_one.reason


def test_large_epochs_are_run_one_at_a_time(data_dir):
    config = compose("data=digits", "model.hidden=[256]")
    splits = data.load(config.data, folder=data_dir, vocab_size=None)
    assert not ahead.pays(build(config, splits), batches.training(splits, config))
