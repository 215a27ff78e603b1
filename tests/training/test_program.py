"""Runs of the same shapes share one compiled program, and end as if each had its own."""

import numpy as np
import pytest
from rich.console import Console

from zoo import compose, data
from zoo.training import batches, program
from zoo.training.train import train

DIGITS = ["model=mnist_fcn", "data=digits", "epochs=2", "data.limit=300"]
LSTM = ["model=lstm", "model.units=8", "model.embedding=8", "model.vocab_size=100", "data.limit=900", "epochs=2"]
LSTM += ["data.sequence_length=6", "batch_size=8", "model.dropout=0.2"]


@pytest.fixture(autouse=True)
def none_kept():
    program._recent.clear()
    yield
    program._recent.clear()


def run(*words, data_dir):
    config = compose(*words)
    splits = data.load(config.data, folder=data_dir, vocab_size=config.model.vocab_size)
    learn, measure = batches.training(splits, config), batches.evaluation(splits.valid, splits, config)
    used = program.prepare(config, splits, learn, measure)
    training = train(
        used.model, splits, config,
        log=lambda metrics, step: None, console=Console(quiet=True), check_interrupt=lambda: None, program=used,
    )  # fmt: skip
    return used, training


@pytest.mark.parametrize("loop", ["fit", "tape"])
@pytest.mark.parametrize(
    "words",
    [
        [*DIGITS, "model.dropout=0.3", "model.batch_normalization=true", "optimizer=adam"],
        [*DIGITS, "schedule=cosine", "optimizer=momentum"],
        [*DIGITS, "schedule=plateau", "schedule.patience=1", "class_weight=balanced"],
        ["model=xor_mlp", "epochs=30"],
        LSTM,
    ],
)
def test_a_run_in_a_used_program_ends_with_the_bits_of_one_in_a_new_program(words, loop, data_dir):
    words = [*words, f"loop={loop}"]
    second = [*words, "seed=7", "init=he_normal", "optimizer.learning_rate=0.003"]
    if "schedule=cosine" in words:
        second.remove("optimizer.learning_rate=0.003")  # a table of rates is part of the program
    _, alone = run(*second, data_dir=data_dir)
    program._recent.clear()
    first, _ = run(*words, data_dir=data_dir)
    used, after = run(*second, data_dir=data_dir)
    assert used is first
    for key, values in alone.history.items():
        if not key.endswith(("_seconds", "_per_second")):
            assert values == after.history[key], key
    for one, other in zip(alone.best_weights, after.best_weights, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(alone.norms, after.norms)


@pytest.mark.parametrize("size", ["[16]", "[1024]"])
def test_nothing_is_traced_a_second_time(size, data_dir):
    first, _ = run(*DIGITS, f"model.hidden={size}", data_dir=data_dir)
    functions = {key: getattr(function, "_run", function) for key, function in first._functions.items()}
    traces = {key: function.experimental_get_tracing_count() for key, function in functions.items()}
    words = ["seed=1", "init=orthogonal", "stop.metric=loss", "stop.value=0", f"model.hidden={size}"]
    used, _ = run(*DIGITS, *words, data_dir=data_dir)
    assert used is first
    assert set(used._functions) == set(functions)
    assert {key: function.experimental_get_tracing_count() for key, function in functions.items()} == traces


@pytest.mark.parametrize(
    "word", ["model.hidden=[32]", "optimizer=sgd", "data.limit=200", "batch_size=32", "model.l2=0.01", "loop.jit=false"]
)
def test_another_shape_is_another_program(word, data_dir):
    first, _ = run(*DIGITS, data_dir=data_dir)
    other, _ = run(*DIGITS[: -1 if "limit" in word else None], word, data_dir=data_dir)
    assert other is not first
