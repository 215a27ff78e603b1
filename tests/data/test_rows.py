"""Rows are chosen without being copied, in memory and in files."""

import numpy as np
import pytest

from zoo.data import rows
from zoo.data.rows import Rows


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Portions of five rows of three numbers."""
    monkeypatch.setattr(rows, "_BYTES", 5 * 3 * 8)
    monkeypatch.setattr(rows, "_FROM_FILE", 2)


def table(n, first=0):
    return np.arange(first, first + 3 * n, dtype=np.float64).reshape(n, 3)


def test_chosen_rows_are_those_of_the_array():
    array = table(23)
    which = np.random.default_rng(0).permutation(23)
    chosen = Rows(array)[which][2:19][array[which][2:19, 0] > 12]
    expected = array[which][2:19][array[which][2:19, 0] > 12]
    assert (len(chosen), chosen.shape, chosen.dtype) == (len(expected), expected.shape, array.dtype)
    assert np.array_equal(chosen.whole(), expected)
    portions = list(chosen.portions())
    assert [len(one) for one in portions[:-1]] == [5] * (len(portions) - 1)
    assert np.array_equal(np.concatenate(portions), expected)


def test_all_rows_are_the_array_itself():
    array = table(7)
    assert np.shares_memory(Rows(array).whole(), array)


def test_rows_behind_others_are_counted_through_both():
    one, other = table(9), table(6, first=100)
    both = Rows(one)[1:].and_then(Rows(other))
    expected = np.concatenate([one[1:], other])
    assert np.array_equal(both.whole(), expected)
    assert np.array_equal(both[::-2].whole(), expected[::-2])
    assert np.array_equal(both.and_then(Rows(one))[12:].whole(), np.concatenate([other[4:], one]))


def test_same_rows_have_the_same_values():
    array = table(12)
    assert Rows(array).same(Rows(array.copy())[np.arange(12)])
    assert not Rows(array).same(Rows(array)[::-1])
    assert not Rows(array).same(Rows(array)[:10])


@pytest.mark.parametrize("mode", ["r", "c", "r+"])
def test_rows_of_a_file_are_those_of_the_array(tmp_path, mode):
    array = table(4000)
    np.save(tmp_path / "x.npy", array)
    mapped = np.load(tmp_path / "x.npy", mmap_mode=mode)
    if mode == "c":  # changes that the file does not have stay
        mapped[17], array[17] = 5, 5
    chosen = Rows(np.asarray(mapped).reshape(4000, -1))[::3]
    for _ in range(2):
        assert np.array_equal(np.concatenate(list(chosen.portions())), array[::3])
    assert np.array_equal(mapped, array)
