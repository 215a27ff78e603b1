"""Rows and their order: every row once an epoch, the order a function of (seed, epoch), streams contiguous."""

import numpy as np
import pytest

from zoo import compose, data
from zoo.config import BadInput
from zoo.data import Spec, Split, Splits
from zoo.training import batches

TOKENS = np.arange(1000, dtype=np.int32)
SPLITS = Splits("text", Spec("tokens", (7,), "tokens", 1000), *[Split(TOKENS)] * 3, None, "0", "a test")


def config(*overrides):
    return compose("model=lstm", "data.sequence_length=7", "batch_size=4", *overrides)


def test_an_epoch_holds_every_row_once_in_an_order_of_its_own(data_dir):
    chosen = compose("data=digits", "model=mnist_fcn")
    made = batches.training(data.load(chosen.data, folder=data_dir), chosen)
    first, second = made.order(0), made.order(1)
    assert sorted(first) == list(range(made.rows))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, made.order(0))
    assert made.steps == -(-made.rows // 64)


def test_another_seed_gives_another_order(data_dir):
    splits = data.load(compose("data=digits", "model=mnist_fcn").data, folder=data_dir)
    orders = [batches.training(splits, compose("data=digits", f"seed={seed}")).order(0) for seed in (0, 1)]
    assert not np.array_equal(*orders)


def test_full_is_one_batch_of_all_rows(data_dir):
    chosen = compose("data=digits", "batch_size=full")
    made = batches.training(data.load(chosen.data, folder=data_dir), chosen)
    assert made.steps == 1
    assert made.batch_size == made.rows


def test_a_stream_goes_on_from_one_batch_to_the_next():
    made = batches.training(SPLITS, config())
    assert made.steps == (1000 // 4 - 1) // 7
    by_step = made.x.reshape(made.steps, 4, 7)
    np.testing.assert_array_equal(by_step[1:, :, 0], by_step[:-1, :, -1] + 1)
    np.testing.assert_array_equal(by_step[0, :, 0], [0, 250, 500, 750])
    np.testing.assert_array_equal(made.y, made.x + 1)
    np.testing.assert_array_equal(made.order(5), np.arange(made.rows))


def test_predicting_the_last_position_leaves_one_target_a_row():
    made = batches.training(SPLITS, config("model.predict=last"))
    np.testing.assert_array_equal(made.y, made.x[:, -1] + 1)
    assert made.seed is not None  # independent windows are shuffled


def test_windows_overlap_by_the_stride():
    made = batches.training(SPLITS, config("model.predict=last", "data.stride=1"))
    np.testing.assert_array_equal(made.x[:, 0], np.arange(1000 - 7))


def test_the_test_text_is_read_to_its_last_token():
    parts = batches.whole(Split(TOKENS), SPLITS, config())
    targets = np.concatenate([part.y.ravel() for part in parts])
    np.testing.assert_array_equal(targets, np.arange(1, 1000))
    assert all(part.batch_size == 1 for part in parts)


def test_a_text_too_short_for_its_streams_says_what_would_do():
    short = Splits("text", SPLITS.spec, Split(TOKENS[:20]), Split(TOKENS), Split(TOKENS), None, "0", "a test")
    with pytest.raises(BadInput, match=r"20 tokens is too short for batch_size=4 .* at least 32 are needed"):
        batches.training(short, config())


def test_balanced_class_weights_make_every_class_count_the_same(data_dir):
    chosen = compose("data=digits", "class_weight=balanced", "data.classes=[1,7]")
    made = batches.training(data.load(chosen.data, folder=data_dir), chosen)
    sums = [made.weight[made.y == label].sum() for label in (0, 1)]
    np.testing.assert_allclose(sums[0], sums[1], rtol=1e-5)
    np.testing.assert_allclose(made.weight.mean(), 1.0, rtol=1e-5)


@pytest.mark.parametrize(
    ("words", "shape", "passes"),
    [
        (["data=digits"], [64], 1),
        (["model=lstm", "data=adding", "data.length=12", "data.samples=50"], [12, 2], 12),
    ],
)
def test_a_row_goes_through_the_weights_once_for_each_of_its_time_steps(words, shape, passes, data_dir):
    chosen = compose(*words)
    splits = data.load(chosen.data, folder=data_dir)
    for made in (batches.training(splits, chosen), batches.evaluation(splits.valid, splits, chosen)):
        assert (list(made.x.shape[1:]), made.units, made.passes) == (shape, 1, passes)
    windows = batches.windows(TOKENS, config("model.carry_state=false"), 4, seed=None)
    assert (windows.units, windows.passes) == (7, 7)


def test_the_value_of_a_sequence_is_its_target_as_a_column(data_dir):
    chosen = compose("model=rnn", "data=adding", "data.samples=50")
    splits = data.load(chosen.data, folder=data_dir)
    made = batches.training(splits, chosen)
    assert (made.unit, made.weight) == ("examples", None)
    np.testing.assert_array_equal(made.y, splits.train.y[:, None])
