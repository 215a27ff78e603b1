import numpy as np
import pytest

from zoo.config import BadInput, Data
from zoo.data import Examples
from zoo.data.examples import split


def asked(**changes):
    keys = {"name": "mine", "load": "my.loader", "gives": "vectors", "scale": "none", "validation": 2}
    return Data.model_validate(keys | changes)


def table(n=30, classes=3, features=2):
    return np.arange(n * features, dtype=np.float64).reshape(n, features), np.arange(n) % classes


def test_classes_are_kept_and_numbered_in_the_order_named():
    x, y = table()
    spec, (train, valid, test), _ = split(Examples((x, y), test=(x, y), labels=("a", "b", "c")), asked(classes=[2, 0]))
    assert spec.labels == ("c", "a")
    assert spec.classes == 2
    assert len(train) + len(valid) == 20
    assert test.x.tolist() == x[y != 1].tolist()
    assert test.y.tolist() == [{2: 0, 0: 1}[label] for label in y[y != 1]]


def test_an_unknown_class_is_refused_with_the_known_ones():
    with pytest.raises(BadInput, match=r"0 to 2 \(a, b, c\)\. Received: \[3\]"):
        split(Examples(table(), labels=("a", "b", "c")), asked(classes=[0, 3]))


def test_a_limit_takes_the_first_training_examples_and_leaves_the_rest_alone():
    raw = Examples(table(), test=table())
    _, (train, valid, test), _ = split(raw, asked())
    _, (limited, same_valid, same_test), notes = split(raw, asked(limit=5))
    assert np.array_equal(limited.x, train.x[:5])
    assert np.array_equal(limited.y, train.y[:5])
    assert np.array_equal(same_valid.x, valid.x)
    assert np.array_equal(same_test.x, test.x)
    assert notes == []


def test_a_limit_above_the_training_split_keeps_all_of_it_and_says_so():
    _, (train, _, _), notes = split(Examples(table(), test=table()), asked(limit=29))
    assert len(train) == 28
    assert notes == ["data.limit=29 keeps all of the 28 training examples."]


def test_a_test_split_is_held_out_where_the_loader_brings_none():
    x, y = table(n=60)
    _, parts, _ = split(Examples((x, y)), asked(validation=0.25))
    assert [len(part) for part in parts] == [36, 12, 12]
    assert sorted(row for part in parts for row in part.x[:, 0]) == x[:, 0].tolist()


def test_standardizing_uses_the_training_split_alone():
    stream = np.random.RandomState(0)
    train, test = stream.normal(5, 3, (200, 4)), stream.normal(-5, 1, (50, 4))
    y = np.arange(200) % 2
    raw = Examples((train, y), valid=(test, y[:50]), test=(test, y[:50]))
    _, parts, _ = split(raw, asked(scale="standardize"))
    assert np.allclose(parts[0].x.mean(0), 0, atol=1e-6)
    assert np.allclose(parts[0].x.std(0), 1, atol=1e-6)
    assert np.allclose(parts[2].x, (test - train.mean(0)) / train.std(0), atol=1e-5)
    assert parts[2].x.dtype == np.float32


def test_a_limit_does_not_change_the_scale():
    raw = Examples(table(), test=table())
    whole, limited = (split(raw, asked(scale="standardize", limit=limit))[1] for limit in (None, 5))
    assert np.array_equal(whole[2].x, limited[2].x)


def test_unit_scale_maps_the_range_to_zero_and_one():
    y = np.arange(10) % 2
    pixels = np.arange(40, dtype=np.uint8).reshape(10, 4)
    _, (train, _, _), _ = split(
        Examples((pixels, y), (pixels, y), (pixels, y), value_range=(0, 255)), asked(scale="unit")
    )
    assert np.array_equal(train.x, (pixels / np.float32(255)).astype(np.float32))
    _, (train, _, _), _ = split(Examples((pixels - 7.0, y), (pixels, y), (pixels, y)), asked(scale="unit"))
    assert (train.x.min(), train.x.max()) == (0, 1)


@pytest.mark.parametrize("scale", ["unit", "standardize"])
def test_a_feature_that_never_changes_scales_to_zero(scale):
    x, y = table()
    x[:, 1] = 7
    _, parts, _ = split(Examples((x, y)), asked(scale=scale))
    assert all(np.all(part.x[:, 1] == 0) for part in parts)


def test_large_numbers_keep_the_digits_that_tell_them_apart():
    y = np.arange(10) % 2
    years = 1e9 + np.arange(10.0)[:, None]
    _, (train, _, _), _ = split(Examples((years, y), (years, y), (years, y)), asked(scale="unit"))
    assert np.allclose(train.x[:, 0], np.arange(10) / 9)


def test_pictures_are_flattened_and_share_one_scale():
    images = np.zeros((10, 2, 2), np.uint8)
    images[:, 0, 0] = np.arange(10)
    raw = Examples((images, np.arange(10) % 2), image_shape=(2, 2))
    spec, (train, _, _), _ = split(raw, asked(scale="standardize", validation=1))
    assert spec.shape == (4,)
    assert spec.image_shape == (2, 2)
    assert len(np.unique(train.x[:, 1:])) == 1


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.zeros((3, 2)), np.zeros(4, int), r"x float64 \[3, 2\], y int64 \[4\]"),
        (np.zeros((3, 2)), np.array([0.5, 1, 2]), "whole-number"),
        (np.array([["a"], ["b"]]), np.array([0, 1]), "numbers x"),
        (np.zeros((0, 2)), np.zeros(0, int), "n of at least 1"),
        (np.zeros((2, 2)), np.array([-1, 1]), "from 0"),
        (np.full((30, 2), np.nan), np.arange(30) % 2, "not finite"),
    ],
)
def test_what_a_loader_should_not_return_is_named(x, y, words):
    with pytest.raises(BadInput, match=words):
        split(Examples((x, y)), asked())


def test_truth_values_are_labels_too():
    x, y = table(classes=2)
    spec, (_, _, test), _ = split(Examples((x, y == 1), test=(x, y == 1)), asked(classes=[1, 0]))
    assert spec.classes == 2
    assert test.y.tolist() == (1 - y).tolist()
    assert test.y.dtype == np.int32


def test_labels_beyond_the_names_are_refused():
    with pytest.raises(BadInput, match="names 2 classes, but its labels go up to 2"):
        split(Examples(table(), labels=("a", "b")), asked())


def test_a_binary_target_takes_two_labels():
    with pytest.raises(BadInput, match="target=binary"):
        split(Examples(table()), asked(target="binary"))
