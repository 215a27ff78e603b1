"""Epochs that run ahead of their callbacks leave what epochs run one by one leave."""

import numpy as np
import pytest
from rich.console import Console

from zoo import compose, data
from zoo.training import ahead, batches
from zoo.training.setup import build
from zoo.training.train import train

XOR = ["model=xor_mlp", "optimizer=adam", "optimizer.learning_rate=0.05"]
TIMES = {"epoch_seconds", "examples_per_second"}


def run(*overrides, data_dir):
    config = compose("loop=tape", *overrides)
    splits = data.load(config.data, folder=data_dir, vocab_size=None)
    model = build(config, splits)
    logged = []
    training = train(
        model, splits, config,
        log=lambda metrics, step: logged.append((step, {k: v for k, v in metrics.items() if k not in TIMES})),
        console=Console(quiet=True),
        check_interrupt=lambda: None,
    )  # fmt: skip
    return model, training, logged


def one_by_one(*overrides, data_dir):
    """A fixed number of steps in a call makes every epoch a call of its own."""
    return run(*overrides, "loop.steps_per_execution=1", data_dir=data_dir)


def assert_same(one, other):
    (model, training, logged), (other_model, other_training, other_logged) = one, other
    assert logged == other_logged
    assert (training.outcome, training.reason) == (other_training.outcome, other_training.reason)
    np.testing.assert_array_equal(training.norms, other_training.norms)
    for variables, others in [
        (model.variables, other_model.variables), (model.optimizer.variables, other_model.optimizer.variables),
    ]:  # fmt: skip
        for variable, same in zip(variables, others, strict=True):
            np.testing.assert_array_equal(variable.numpy(), same.numpy())
    for weights, same in zip(training.best_weights or [], other_training.best_weights or [], strict=True):
        np.testing.assert_array_equal(weights, same)


@pytest.mark.parametrize("jit", ["true", "false"])
@pytest.mark.parametrize("size", ["1", "3", "full"])
def test_epochs_run_ahead_are_epochs_run_one_by_one(size, jit, data_dir):
    options = [*XOR, f"batch_size={size}", f"loop.jit={jit}", "epochs=40", "schedule=cosine"]
    assert_same(run(*options, data_dir=data_dir), one_by_one(*options, data_dir=data_dir))


def test_a_stop_leaves_the_state_after_that_epoch(data_dir):
    options = [*XOR, "loop.jit=false", "stop.metric=val_loss", "stop.value=0.5", "epochs=400"]
    stopped = run(*options, data_dir=data_dir)
    assert stopped[1].outcome == "target_reached"
    assert 20 < len(stopped[2]) < 400  # in the middle of a block
    assert_same(stopped, one_by_one(*options, data_dir=data_dir))


def test_early_stopping_leaves_the_state_after_that_epoch(data_dir):
    options = [*XOR, "loop.jit=false", "early_stopping.patience=5", "early_stopping.min_delta=0.01", "epochs=400"]
    stopped = run(*options, data_dir=data_dir)
    assert stopped[1].outcome == "early_stopped"
    assert_same(stopped, one_by_one(*options, data_dir=data_dir))


def test_a_divergence_is_found_at_the_same_step(data_dir):
    options = ["optimizer=sgd", "optimizer.learning_rate=1.0", "model=linear", "batch_size=1", "loop.jit=false"]
    diverged = run(*options, data_dir=data_dir)
    assert diverged[1].outcome == "diverged"
    assert diverged[1].reason == one_by_one(*options, data_dir=data_dir)[1].reason


def test_large_epochs_are_run_one_at_a_time(data_dir):
    config = compose("data=digits", "model.hidden=[256]")
    splits = data.load(config.data, folder=data_dir, vocab_size=None)
    assert not ahead.pays(build(config, splits), batches.training(splits, config))
