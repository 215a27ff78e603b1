"""The signature of the zoo: `loop=fit` and `loop=tape` are the same training, to the last bit."""

import numpy as np
import pytest
from rich.console import Console

from zoo import compose, data
from zoo.training import setup
from zoo.training.setup import build
from zoo.training.train import train

SMALL_LSTM = ["model=lstm", "model.units=16", "model.embedding=8", "model.vocab_size=200", "data.limit=1200"]
SMALL_LSTM += ["data.sequence_length=7", "batch_size=8"]
SMALL_MNIST = ["model=mnist_fcn", "data=digits", "model.hidden=[32,16]", "data.limit=403"]
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
    "lstm": SMALL_LSTM,
    "lstm dropout": [*SMALL_LSTM, "model.dropout=0.3", "optimizer.global_clipnorm=0.5"],
    "lstm tied, last": [*SMALL_LSTM, "model.predict=last", "model.tied_weights=true"],
    "gru": ["model=gru", *SMALL_LSTM[1:]],
}
OPTIMIZERS = {"momentum": ["optimizer=momentum"], "adam": ["optimizer=adam", "optimizer.learning_rate=0.01"]}
TIMES = {"epoch_seconds", "examples_per_second", "tokens_per_second"}


def trained(loop: str, overrides: list[str], data_dir):
    config = compose(f"loop={loop}", "loop.jit=false", "epochs=3", *overrides)
    splits = data.load(config.data, folder=data_dir, vocab_size=config.model.vocab_size)
    model = build(config, splits)
    logged: list[tuple[int, dict[str, float]]] = []
    training = train(
        model,
        splits,
        config,
        log=lambda metrics, step: logged.append((step, {k: v for k, v in metrics.items() if k not in TIMES})),
        console=Console(quiet=True),
        check_interrupt=lambda: None,
    )
    return model, training, logged


def assert_same_training(overrides: list[str], data_dir) -> None:
    by_fit, fit, fit_log = trained("fit", overrides, data_dir)
    by_tape, tape, tape_log = trained("tape", overrides, data_dir)
    assert fit.outcome == tape.outcome == "completed"
    assert fit_log == tape_log
    for one, other in zip(by_fit.get_weights(), by_tape.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(by_fit.optimizer.variables, by_tape.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    for one, other in zip(fit.best_weights, tape.best_weights, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(fit.norms, tape.norms)


@pytest.mark.parametrize("family", FAMILIES)
def test_fit_and_tape_end_with_the_same_weights_and_log_the_same_metrics(family, data_dir):
    assert_same_training([*FAMILIES[family], *OPTIMIZERS["adam"]], data_dir)


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("family", ["linear", "xor_mlp", "feedback", "mnist_fcn batch normalization", "lstm dropout"])
def test_the_two_loops_agree_with_momentum_and_a_schedule(family, schedule, data_dir):
    assert_same_training([*FAMILIES[family], *OPTIMIZERS["momentum"], f"schedule={schedule}"], data_dir)


@pytest.mark.parametrize("schedule", [["step"], ["plateau", "schedule.patience=1"], ["warm_restarts"]])
def test_the_two_loops_agree_under_every_kind_of_schedule(schedule, data_dir):
    name, *extra = schedule
    assert_same_training([*FAMILIES["mnist_fcn dropout"], *OPTIMIZERS["adam"], f"schedule={name}", *extra], data_dir)


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_the_two_loops_agree_where_the_update_is_compiled(optimizer, data_dir, monkeypatch):
    monkeypatch.setattr(setup, "choose_fused", lambda *choices: True)
    assert_same_training([*FAMILIES["lstm dropout"], f"optimizer={optimizer}"], data_dir)
