"""Why a training ends, what it remembers, and that the user's own callbacks are called in both loops."""

import keras
import numpy as np
import pytest
from rich.console import Console

from zoo import compose, data
from zoo.training.callbacks import load_user_callbacks
from zoo.training.interruption import Interrupted
from zoo.training.setup import build
from zoo.training.train import test as measure
from zoo.training.train import train

LOOPS = pytest.mark.parametrize("loop", ["fit", "tape"])
DIGITS = ["model=mnist_fcn", "data=digits", "epochs=4", "loop.jit=false"]


def run(*overrides, data_dir, check_interrupt=lambda: None):
    config = compose(*overrides)
    splits = data.load(config.data, folder=data_dir, vocab_size=config.model.vocab_size)
    model = build(config, splits)
    logged = []
    training = train(
        model, splits, config,
        log=lambda metrics, step: logged.append((step, metrics)),
        console=Console(quiet=True),
        check_interrupt=check_interrupt,
        user_callbacks=load_user_callbacks(config.callbacks),
    )  # fmt: skip
    return config, splits, model, training, logged


@LOOPS
def test_a_completed_training_logs_each_epoch_at_the_optimizers_step(loop, data_dir):
    _, _, _, training, logged = run(*DIGITS, f"loop={loop}", data_dir=data_dir)
    assert training.outcome == "completed"
    assert [metrics["epoch"] for _, metrics in logged] == [1, 2, 3, 4]
    assert [step for step, _ in logged] == [21, 42, 63, 84]  # 1,294 examples in batches of 64
    names = {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "epoch", "epoch_seconds"}
    assert {*names, "examples_per_second"} == set(logged[0][1])
    assert training.history["val_loss"] == [metrics["val_loss"] for _, metrics in logged]
    assert training.norms.shape == (4, 2)
    assert (training.norms > 0).all()


@LOOPS
def test_the_best_weights_are_those_of_the_best_epoch(loop, data_dir):
    config, splits, model, training, _ = run(
        *DIGITS, f"loop={loop}", "monitor=val_loss", "optimizer.learning_rate=0.1", "epochs=7", data_dir=data_dir
    )
    assert training.best["val_loss"] == min(training.history["val_loss"])
    again = measure(training.best_weights, data.Splits(**{**vars(splits), "test": splits.valid}), config)
    np.testing.assert_allclose(again["loss"], training.best["val_loss"], rtol=1e-5)
    assert not all(np.array_equal(a, b) for a, b in zip(training.best_weights, model.get_weights(), strict=True))


@LOOPS
def test_reaching_the_target_ends_the_training(loop, data_dir):
    _, _, _, training, _ = run(
        *DIGITS, f"loop={loop}", "epochs=50", "stop.metric=val_accuracy", "stop.value=0.9", data_dir=data_dir
    )
    assert training.outcome == "target_reached"
    assert training.target_epoch == len(training.history["loss"]) < 50
    assert training.history["val_accuracy"][-1] >= 0.9 > max(training.history["val_accuracy"][:-1], default=0)


@LOOPS
def test_no_improvement_ends_the_training(loop, data_dir):
    _, _, _, training, _ = run(
        *DIGITS, f"loop={loop}", "epochs=200", "early_stopping.patience=3", "early_stopping.metric=val_loss",
        "optimizer.learning_rate=0.01", data_dir=data_dir,
    )  # fmt: skip
    assert training.outcome == "early_stopped"
    losses = training.history["val_loss"]
    assert int(np.argmin(losses)) == len(losses) - 4


@LOOPS
def test_a_diverging_training_stops_and_names_step_and_layer(loop, data_dir):
    _, _, _, training, logged = run(
        "model=linear", f"loop={loop}", "optimizer=sgd", "optimizer.learning_rate=1.0", "epochs=500", data_dir=data_dir
    )
    assert training.outcome == "diverged"
    assert "was not finite at step" in training.reason
    assert len(logged) < 100


@LOOPS
def test_an_interrupt_ends_the_training_between_steps(loop, data_dir):
    calls = iter(range(1000))

    def check():
        if next(calls) == 30:
            raise Interrupted(15)

    _, _, _, training, _ = run(
        *DIGITS, f"loop={loop}", "loop.steps_per_execution=1", data_dir=data_dir, check_interrupt=check
    )
    assert training.outcome == "interrupted"
    assert training.signal == 15
    assert "SIGTERM" in training.reason
    assert training.best_weights is not None


class Seen(keras.callbacks.Callback):
    """A user's callback that looks at every batch."""

    batches: list[int] = []  # noqa: RUF012
    epochs: list[dict] = []  # noqa: RUF012

    def on_train_batch_end(self, batch, logs=None):
        Seen.batches.append(batch)

    def on_epoch_end(self, epoch, logs=None):
        Seen.epochs.append(dict(logs))


class StopAfterTwo(keras.callbacks.Callback):
    """A user's callback that ends the training."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = epoch == 1


@LOOPS
def test_the_users_callbacks_see_every_batch_and_the_complete_logs(loop, data_dir, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "users_callbacks", type("module", (), {"Seen": Seen}))
    Seen.batches, Seen.epochs = [], []
    run(*DIGITS, f"loop={loop}", "epochs=2", "callbacks=[users_callbacks.Seen]", data_dir=data_dir)
    assert Seen.batches == [*range(21), *range(21)]
    assert {"learning_rate", "examples_per_second", "val_accuracy"} <= set(Seen.epochs[0])


@LOOPS
def test_a_users_callback_can_end_the_training(loop, data_dir, monkeypatch):
    module = type("module", (), {"StopAfterTwo": StopAfterTwo})
    monkeypatch.setitem(__import__("sys").modules, "users_callbacks", module)
    _, _, _, training, _ = run(*DIGITS, f"loop={loop}", "callbacks=[users_callbacks.StopAfterTwo]", data_dir=data_dir)
    assert training.outcome == "early_stopped"
    assert training.reason == "A callback ended the training after epoch 2."


@LOOPS
def test_weight_averaging_validates_and_keeps_the_averaged_weights(loop, data_dir):
    config, splits, _, training, _ = run(
        *DIGITS, f"loop={loop}", "optimizer.use_ema=true", "optimizer.ema_momentum=0.9", "monitor=val_loss",
        data_dir=data_dir,
    )  # fmt: skip
    again = measure(training.best_weights, data.Splits(**{**vars(splits), "test": splits.valid}), config)
    np.testing.assert_allclose(again["loss"], training.best["val_loss"], rtol=1e-5)


def test_accumulating_two_halves_of_a_batch_is_training_on_the_whole(data_dir):
    same = ["model=mnist_fcn", "data=digits", "data.limit=128", "optimizer=sgd", "epochs=3", "loop.jit=false"]
    *_, whole, _ = run(*same, "batch_size=128", data_dir=data_dir)
    *_, halves, _ = run(*same, "batch_size=64", "optimizer.gradient_accumulation_steps=2", data_dir=data_dir)
    for one, other in zip(whole.best_weights, halves.best_weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_language_model_logs_perplexity_and_tokens(data_dir):
    _, _, _, training, logged = run(
        "model=lstm", "model.units=8", "model.embedding=8", "model.vocab_size=100", "data.limit=2000", "epochs=2",
        "batch_size=4", data_dir=data_dir,
    )  # fmt: skip
    metrics = logged[-1][1]
    np.testing.assert_allclose(metrics["perplexity"], np.exp(metrics["loss"]), rtol=1e-6)
    np.testing.assert_allclose(metrics["val_perplexity"], np.exp(metrics["val_loss"]), rtol=1e-6)
    assert metrics["tokens_per_second"] > 0
    assert training.monitor == "val_loss"


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_learns_and_keeps_float32_weights(precision, data_dir):
    _, _, model, training, _ = run(*DIGITS, f"precision={precision}", data_dir=data_dir)
    assert training.outcome == "completed"
    assert training.history["loss"][-1] < training.history["loss"][0] / 2
    assert {w.dtype for w in model.get_weights()} == {np.dtype("float32")}


@LOOPS
def test_a_seeded_training_repeats_to_the_bit(loop, data_dir):
    overrides = [*DIGITS, f"loop={loop}", "model.dropout=0.2", "epochs=2", "deterministic=true"]
    weights = [run(*overrides, data_dir=data_dir)[2].get_weights() for _ in range(2)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
