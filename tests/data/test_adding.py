"""The adding problem: labels that are the sums of what is marked, the same each time, no sequence in two splits."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from zoo.config import BadInput
from zoo.data import load
from zoo.start import compose

NOWHERE = Path("/dev/null/nowhere")  # what is generated needs no folder


def parts(splits):
    return splits.train, splits.valid, splits.test


@pytest.mark.parametrize("length", [10, 11, 50, 200])
def test_the_target_is_the_sum_of_one_marked_value_from_each_half(option, length):
    splits = load(option("adding", length=length, samples=500, validation=50), folder=NOWHERE)
    assert splits.spec.kind == "sequences"
    assert (splits.spec.shape, splits.spec.target, splits.spec.classes) == ((length, 2), "value", 1)
    for part in parts(splits):
        assert (part.x.dtype, part.y.dtype) == (np.float32, np.float32)
        for x, y in zip(part.x.tolist(), part.y.tolist(), strict=True):
            marked = [step for step, (_, marker) in enumerate(x) if marker == 1]
            assert [marker for _, marker in x].count(0) == length - 2
            assert len(marked) == 2
            assert marked[0] < length // 2 <= marked[1]
            assert all(0 <= value < 1 for value, _ in x)
            assert y == pytest.approx(sum(x[step][0] for step in marked), abs=1e-6)


def test_every_step_is_marked_as_often_as_another_of_its_half(option):
    x = load(option("adding", length=10), folder=NOWHERE).train.x
    shares = x[..., 1].mean(axis=0)
    np.testing.assert_allclose(shares, 0.2, atol=0.02)


def test_always_answering_one_has_a_mean_squared_error_of_a_sixth(option):
    y = np.concatenate([part.y for part in parts(load(option("adding"), folder=NOWHERE))])
    assert np.mean((y - 1) ** 2) == pytest.approx(1 / 6, rel=0.03)


def test_the_same_sequences_come_each_time_and_none_is_in_two_splits(option):
    splits = load(option("adding"), folder=NOWHERE)
    assert [len(part) for part in parts(splits)] == [21_600, 2_400, 6_000]
    assert splits.digest == load(option("adding"), folder=NOWHERE).digest
    rows = [row.tobytes() for part in parts(splits) for row in part.x]
    assert len(set(rows)) == 30_000


@pytest.mark.parametrize("length", ["9", "201", "50.5", "long"])
def test_a_length_that_is_no_whole_number_from_10_to_200_is_refused(length):
    with pytest.raises(BadInput, match=r"data\.length should be a whole number from 10 to 200\. Received"):
        compose("model=lstm", "data=adding", f"data.length={length}")


def test_sequences_have_a_value_each_and_nothing_else_has(option):
    with pytest.raises(ValidationError, match=r"go together\. Received: data\.gives=vectors with data\.target=value"):
        option("adding", gives="vectors")
    with pytest.raises(ValidationError, match=r"Received: data\.gives=sequences with data\.target=classes"):
        option("adding", target="classes")
