"""Runs of the same shapes share one compiled program, and end as if each had its own."""

import numpy as np
import pytest

from zoo import compose, data
from zoo.training import batches, program

DIGITS = ["model=mnist_fcn", "data=digits", "epochs=2", "data.limit=300"]
LSTM = ["model=lstm", "model.units=8", "model.embedding=8", "model.vocab_size=100", "data.limit=900", "epochs=2"]
PLATEAU = ["schedule=plateau", "schedule.patience=1"]
LSTM += ["data.sequence_length=6", "batch_size=8", "model.dropout=0.2"]


@pytest.fixture(autouse=True)
def none_kept():
    program._recent.clear()
    yield
    program._recent.clear()


@pytest.mark.parametrize("loop", ["fit", "tape"])
@pytest.mark.parametrize(
    "words",
    [
        [*DIGITS, "model.dropout=0.3", "model.batch_normalization=true", *PLATEAU, "class_weight=balanced"],
        ["model=xor_mlp", "epochs=30", "schedule=cosine", "optimizer=momentum"],
        LSTM,
    ],
)
def test_a_run_in_a_used_program_ends_with_the_bits_of_one_in_a_new_program(words, loop, train_one):
    words = [*words, f"loop={loop}"]
    second = [*words, "seed=7", "init=he_normal", "optimizer.learning_rate=0.003"]
    if "schedule=cosine" in words:
        second.remove("optimizer.learning_rate=0.003")  # a table of rates is part of the program
    alone = train_one(*second, fresh=True)
    first = train_one(*words, fresh=True)
    after = train_one(*second)
    assert after.program is first.program is not alone.program
    assert alone.untimed() == after.untimed()
    for one, other in zip(alone.training.best_weights, after.training.best_weights, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(alone.training.norms, after.training.norms)


@pytest.mark.parametrize("size", ["[16]", "[1024]"])
def test_nothing_is_traced_a_second_time(size, train_one):
    first = train_one(*DIGITS, f"model.hidden={size}").program
    functions = {key: getattr(function, "_run", function) for key, function in first._functions.items()}
    traces = {key: function.experimental_get_tracing_count() for key, function in functions.items()}
    words = ["seed=1", "init=orthogonal", "stop.metric=loss", "stop.value=0", f"model.hidden={size}"]
    used = train_one(*DIGITS, *words).program
    assert used is first
    assert set(used._functions) == set(functions)
    assert {key: function.experimental_get_tracing_count() for key, function in functions.items()} == traces


def test_another_shape_is_another_program(data_dir):
    def prepared(*words):
        config = compose(*words)
        splits = data.load(config.data, folder=data_dir)
        learn, measure = batches.training(splits, config), batches.evaluation(splits.valid, splits, config)
        return program.prepare(config, splits, learn, measure)

    first = prepared(*DIGITS)
    assert prepared(*DIGITS, "seed=3") is first
    for word in (
        "model.hidden=[32]", "optimizer=sgd", "data.limit=200", "batch_size=32", "model.l2=0.01", "loop.jit=false"
    ):  # fmt: skip
        assert prepared(*DIGITS, word) is not first, word
        assert prepared(*DIGITS) is first, word
