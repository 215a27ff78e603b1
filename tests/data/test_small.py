from pathlib import Path

import numpy as np
import pytest

from zoo.data import load

NOWHERE = Path("/dev/null/nowhere")  # these data sets need no folder


def test_points_are_the_four_of_the_textbook(option):
    splits = load(option("points"), folder=NOWHERE)
    assert splits.train.x.tolist() == [[1, 2], [2, 3], [3, 4], [4, 5]]
    assert splits.train.y.tolist() == [0, 1, 1, 0]


def test_xor_is_the_four_patterns(option):
    splits = load(option("xor"), folder=NOWHERE)
    assert splits.train.x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert splits.train.y.tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("name", ["points", "xor"])
def test_the_small_tables_validate_and_test_on_their_training_points_and_say_so(option, name):
    splits = load(option(name), folder=NOWHERE)
    for split in (splits.valid, splits.test):
        assert np.array_equal(split.x, splits.train.x)
        assert np.array_equal(split.y, splits.train.y)
    assert splits.notes == (f"{name} validates and tests on its training points.",)
    assert (splits.spec.kind, splits.spec.shape, splits.spec.target, splits.spec.classes) == (
        "vectors",
        (2,),
        "binary",
        2,
    )


def test_digits_are_those_of_scikit_learn(option):
    from sklearn.datasets import load_digits

    raw = load_digits()
    splits = load(option("digits", scale="none"), folder=NOWHERE)
    ours = np.concatenate([np.c_[part.x, part.y] for part in (splits.train, splits.valid, splits.test)])
    theirs = np.c_[raw.data, raw.target]
    assert sorted(map(tuple, ours)) == sorted(map(tuple, theirs))
    assert splits.source.startswith("scikit-learn ")


def test_digits_are_split_the_same_way_in_every_run(option):
    splits = load(option("digits"), folder=NOWHERE)
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [1294, 144, 359]
    assert np.bincount(splits.test.y).min() >= 35
    assert splits.spec.image_shape == (8, 8)
    assert (splits.train.x.min(), splits.train.x.max()) == (0, 1)
    assert splits.digest == load(option("digits"), folder=NOWHERE).digest


def test_blobs_have_the_size_number_and_spread_asked_for(option):
    asked = option("synthetic", samples=3000, features=5, n_classes=4, spread=0.5, scale="none")
    splits = load(asked, folder=NOWHERE)
    x = np.concatenate([part.x for part in (splits.train, splits.valid, splits.test)])
    y = np.concatenate([part.y for part in (splits.train, splits.valid, splits.test)])
    assert x.shape == (3000, 5)
    assert np.bincount(y).tolist() == [750] * 4
    assert splits.spec.classes == 4
    for label in range(4):
        assert np.allclose(x[y == label].std(0), 0.5, atol=0.05)
