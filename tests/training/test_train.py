"""Why a training ends, what it remembers, and that the user's own callbacks are called in both loops."""

import keras
import numpy as np
import pytest

from zoo import data
from zoo.training.interruption import Interrupted
from zoo.training.train import test as measure

LOOPS = pytest.mark.parametrize("loop", ["fit", "tape"])
DIGITS = ["model=mnist_fcn", "data=digits", "epochs=4", "loop.jit=false"]


@LOOPS
def test_a_completed_training_logs_each_epoch_at_the_optimizers_step(loop, train_one):
    run = train_one(*DIGITS, f"loop={loop}")
    assert run.training.outcome == "completed"
    assert [metrics["epoch"] for _, metrics in run.logged] == [1, 2, 3, 4]
    assert [step for step, _ in run.logged] == [21, 42, 63, 84]  # 1,294 examples in batches of 64
    names = {"loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "epoch", "epoch_seconds"}
    assert {*names, "examples_per_second"} == set(run.logged[0][1])
    assert run.training.history["val_loss"] == [metrics["val_loss"] for _, metrics in run.logged]
    assert run.training.norms.shape == (4, 2)
    assert (run.training.norms > 0).all()


@LOOPS
def test_the_best_weights_are_those_of_the_best_epoch(loop, train_one):
    run = train_one(*DIGITS, f"loop={loop}", "monitor=val_loss", "optimizer.learning_rate=0.1", "epochs=7")
    assert run.training.best["val_loss"] == min(run.training.history["val_loss"])
    again = measure(
        run.training.best_weights, data.Splits(**{**vars(run.splits), "test": run.splits.valid}), run.config
    )
    np.testing.assert_allclose(again["loss"], run.training.best["val_loss"], rtol=1e-5)
    assert not all(np.array_equal(a, b) for a, b in zip(run.training.best_weights, run.weights, strict=True))


@LOOPS
def test_reaching_the_target_ends_the_training(loop, train_one):
    run = train_one(*DIGITS, f"loop={loop}", "epochs=50", "stop.metric=val_accuracy", "stop.value=0.9")
    assert run.training.outcome == "target_reached"
    assert run.training.target_epoch == len(run.training.history["loss"]) < 50
    assert run.training.history["val_accuracy"][-1] >= 0.9 > max(run.training.history["val_accuracy"][:-1], default=0)


@LOOPS
def test_no_improvement_ends_the_training(loop, train_one):
    run = train_one(
        *DIGITS, f"loop={loop}", "epochs=200", "early_stopping.patience=3", "early_stopping.metric=val_loss",
        "optimizer.learning_rate=0.01")  # fmt: skip
    assert run.training.outcome == "early_stopped"
    losses = run.training.history["val_loss"]
    assert int(np.argmin(losses)) == len(losses) - 4


@LOOPS
def test_a_diverging_training_stops_and_names_step_and_layer(loop, train_one):
    run = train_one("model=linear", f"loop={loop}", "optimizer=sgd", "optimizer.learning_rate=1.0", "epochs=500")
    assert run.training.outcome == "diverged"
    assert "was not finite at step" in run.training.reason
    assert len(run.logged) < 100


@LOOPS
def test_an_interrupt_ends_the_training_between_steps(loop, train_one):
    calls = iter(range(1000))

    def check():
        if next(calls) == 30:
            raise Interrupted(15)

    run = train_one(*DIGITS, f"loop={loop}", "loop.steps_per_execution=1", check_interrupt=check)
    assert run.training.outcome == "interrupted"
    assert run.training.signal == 15
    assert "SIGTERM" in run.training.reason
    assert run.training.best_weights is not None


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
def test_the_users_callbacks_see_every_batch_and_the_complete_logs(loop, train_one, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "users_callbacks", type("module", (), {"Seen": Seen}))
    Seen.batches, Seen.epochs = [], []
    train_one(*DIGITS, f"loop={loop}", "epochs=2", "callbacks=[users_callbacks.Seen]")
    assert Seen.batches == [*range(21), *range(21)]
    assert {"learning_rate", "examples_per_second", "val_accuracy"} <= set(Seen.epochs[0])


@LOOPS
def test_a_users_callback_can_end_the_training(loop, train_one, monkeypatch):
    module = type("module", (), {"StopAfterTwo": StopAfterTwo})
    monkeypatch.setitem(__import__("sys").modules, "users_callbacks", module)
    run = train_one(*DIGITS, f"loop={loop}", "callbacks=[users_callbacks.StopAfterTwo]")
    assert run.training.outcome == "early_stopped"
    assert run.training.reason == "A callback ended the training after epoch 2."


@LOOPS
def test_weight_averaging_validates_and_keeps_the_averaged_weights(loop, train_one):
    run = train_one(
        *DIGITS, f"loop={loop}", "optimizer.use_ema=true", "optimizer.ema_momentum=0.9", "monitor=val_loss",
    )  # fmt: skip
    again = measure(
        run.training.best_weights, data.Splits(**{**vars(run.splits), "test": run.splits.valid}), run.config
    )
    np.testing.assert_allclose(again["loss"], run.training.best["val_loss"], rtol=1e-5)


def test_accumulating_two_halves_of_a_batch_is_training_on_the_whole(train_one):
    same = ["model=mnist_fcn", "data=digits", "data.limit=128", "optimizer=sgd", "epochs=3", "loop.jit=false"]
    whole = train_one(*same, "batch_size=128")
    halves = train_one(*same, "batch_size=64", "optimizer.gradient_accumulation_steps=2")
    for one, other in zip(whole.training.best_weights, halves.training.best_weights, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_language_model_logs_perplexity_and_tokens(train_one):
    run = train_one(
        "model=lstm", "model.units=8", "model.embedding=8", "model.vocab_size=100", "data.limit=2000", "epochs=2",
        "batch_size=4")  # fmt: skip
    metrics = run.logged[-1][1]
    np.testing.assert_allclose(metrics["perplexity"], np.exp(metrics["loss"]), rtol=1e-6)
    np.testing.assert_allclose(metrics["val_perplexity"], np.exp(metrics["val_loss"]), rtol=1e-6)
    assert metrics["tokens_per_second"] > 0
    assert run.training.monitor == "val_loss"
    assert "bits_per_character" not in metrics


@LOOPS
@pytest.mark.parametrize("words", [[], ["label_smoothing=0.1"]], ids=["plain", "smoothed"])
def test_a_language_model_of_characters_logs_bits(words, loop, train_one):
    run = train_one(
        "model=lstm", "data.level=char", "model.units=8", "model.embedding=8", "data.limit=2000", "epochs=2",
        "batch_size=4", f"loop={loop}", *words)  # fmt: skip
    tested = measure(run.training.best_weights, run.splits, run.config)
    for metrics in (run.logged[-1][1], tested):
        for of in {"", "val_"} & {name.removesuffix("perplexity") for name in metrics}:
            bits = metrics[f"{of}bits_per_character"]
            np.testing.assert_allclose(bits, np.log2(metrics[f"{of}perplexity"]), rtol=1e-6)
            if not words:
                np.testing.assert_allclose(bits, metrics[f"{of}loss"] / np.log(2), rtol=1e-6)
    assert "val_bits_per_character" in run.logged[-1][1]
    assert "bits_per_character" in tested


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_learns_and_keeps_float32_weights(precision, train_one):
    run = train_one(*DIGITS, f"precision={precision}")
    assert run.training.outcome == "completed"
    assert run.training.history["loss"][-1] < run.training.history["loss"][0] / 2
    assert {w.dtype for w in run.weights} == {np.dtype("float32")}


@LOOPS
def test_a_seeded_training_repeats_to_the_bit(loop, train_one):
    overrides = [*DIGITS, f"loop={loop}", "model.dropout=0.2", "epochs=2", "deterministic=true"]
    weights = [train_one(*overrides, fresh=True).weights for _ in range(2)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_end_asked_for_too_late_for_a_run_reaches_the_sweep_around_it():
    import os
    import signal

    from zoo.training.interruption import Interrupted, Interruption

    with Interruption() as outer:
        with Interruption():
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(Interrupted):
            outer.check()
    with Interruption() as outer:
        with Interruption() as inner:
            os.kill(os.getpid(), signal.SIGINT)
            with pytest.raises(Interrupted):
                inner.check()
        outer.check()  # it has been heard
