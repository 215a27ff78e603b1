"""The signature of the zoo: `loop=fit` and `loop=tape` are the same training, to the last bit."""

import numpy as np
import pytest

from zoo.training import setup

SMALL_LSTM = ["model=lstm", "model.units=16", "model.embedding=8", "model.vocab_size=200", "data.limit=1200"]
SMALL_LSTM += ["data.sequence_length=7", "batch_size=8"]
SMALL_MNIST = ["model=mnist_fcn", "data=digits", "model.hidden=[32,16]", "data.limit=403"]
SMALL_ADDING = ["data=adding", "data.samples=200", "data.validation=40", "data.length=11", "batch_size=32"]
SMALL_ADDING += ["optimizer.global_clipnorm=1"]
FAMILIES = {
    "linear": ["model=linear"],
    "xor_mlp": ["model=xor_mlp"],
    "xor_mlp logits": ["model=xor_mlp", "model.output=logits", "model.hidden=[3,2]", "batch_size=3"],
    "feedback": ["model=feedback"],
    "mnist_fcn": SMALL_MNIST,
    "mnist_fcn dropout": [*SMALL_MNIST, "model.dropout=0.3"],
    "mnist_fcn batch normalization": [*SMALL_MNIST, "model.batch_normalization=true", "model.dropout=0.2"],
    "mnist_fcn augmented": [*SMALL_MNIST, "data.augment=[shift,rotate]"],
    "mnist_fcn weighted": [*SMALL_MNIST, "class_weight=balanced", "model.l2=0.001", "model.max_norm=2.0"],
    "lstm dropout": [*SMALL_LSTM, "model.dropout=0.3", "optimizer.global_clipnorm=0.5"],
    "lstm tied, last": [*SMALL_LSTM, "model.predict=last", "model.tied_weights=true"],
    "gru": ["model=gru", *SMALL_LSTM[1:]],
    "rnn": ["model=rnn", *SMALL_LSTM[1:]],
    "feedback of sequences": ["model=feedback", "model.hidden=[8]", *SMALL_ADDING],
    "rnn of sequences": ["model=rnn", "model.units=8", *SMALL_ADDING],
    "gru of sequences": ["model=gru", "model.units=8", *SMALL_ADDING],
    "lstm of sequences": ["model=lstm", "model.units=8", "model.dropout=0.2", *SMALL_ADDING],
}
OPTIMIZERS = {"momentum": ["optimizer=momentum"], "adam": ["optimizer=adam", "optimizer.learning_rate=0.01"]}


@pytest.fixture
def assert_same_training(train_one):
    def check(overrides: list[str]) -> None:
        by_fit, by_tape = (
            train_one(f"loop={loop}", "loop.jit=false", "epochs=3", *overrides, fresh=True) for loop in ("fit", "tape")
        )
        fit, tape = by_fit.training, by_tape.training
        assert by_fit.program is not by_tape.program
        assert fit.outcome == tape.outcome == "completed"
        assert by_fit.untimed() == by_tape.untimed()
        for one, other in zip(by_fit.weights, by_tape.weights, strict=True):
            np.testing.assert_array_equal(one, other)
        for one, other in zip(by_fit.optimizer, by_tape.optimizer, strict=True):
            np.testing.assert_array_equal(one, other)
        for one, other in zip(fit.best_weights, tape.best_weights, strict=True):
            np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(fit.norms, tape.norms)

    return check


@pytest.mark.parametrize("family", FAMILIES)
def test_fit_and_tape_end_with_the_same_weights_and_log_the_same_metrics(family, assert_same_training):
    assert_same_training([*FAMILIES[family], *OPTIMIZERS["adam"]])


@pytest.mark.parametrize("family", ["linear", "xor_mlp", "feedback", "mnist_fcn batch normalization", "lstm dropout"])
def test_the_two_loops_agree_with_momentum_and_a_schedule(family, assert_same_training):
    assert_same_training([*FAMILIES[family], *OPTIMIZERS["momentum"], "schedule=cosine"])


@pytest.mark.parametrize("schedule", [["step"], ["plateau", "schedule.patience=1"], ["warm_restarts"]])
def test_the_two_loops_agree_under_every_kind_of_schedule(schedule, assert_same_training):
    name, *extra = schedule
    assert_same_training([*FAMILIES["mnist_fcn dropout"], *OPTIMIZERS["adam"], f"schedule={name}", *extra])


def test_the_two_loops_agree_where_loss_and_update_are_compiled(assert_same_training, monkeypatch):
    monkeypatch.setattr(setup, "compiles_parts", lambda *choices: True)
    assert_same_training([*FAMILIES["lstm dropout"], "optimizer=adam"])
