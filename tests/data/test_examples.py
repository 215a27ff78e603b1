import numpy as np
import pytest

from zoo.config import BadInput, Data
from zoo.data import Examples, load
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


def rows(*parts):
    return sorted(row for part in parts for row in part.x[:, 0])


def test_folds_share_out_what_is_trained_and_validated_on_and_leave_the_test_split_alone():
    x, y = table(n=60)
    _, (train, valid, test), _ = split(Examples((x, y)), asked())
    folded = [split(Examples((x, y)), asked(folds=4, fold=fold))[1] for fold in range(4)]
    assert rows(*(part[1] for part in folded)) == rows(train, valid)
    for own_train, own_valid, own_test in folded:
        assert rows(own_train, own_valid) == rows(train, valid)
        assert np.array_equal(own_test.x, test.x)
        assert np.bincount(own_valid.y).tolist() == [4, 4, 4]


def test_folds_share_out_the_loaders_own_validation_split_too():
    x, y = table(n=60)
    raw = Examples((x[:30], y[:30]), valid=(x[30:45], y[30:45]), test=(x[45:], y[45:]))
    folded = [split(raw, asked(folds=5, fold=fold))[1] for fold in range(5)]
    assert rows(*(valid for _, valid, _ in folded)) == x[:45, 0].tolist()
    assert all(np.array_equal(test.x, x[45:]) for _, _, test in folded)


def test_folds_hold_the_classes_that_are_kept():
    folded = split(Examples(table(n=60)), asked(folds=2, fold=1, classes=[2, 0]))[1]
    assert [np.bincount(part.y).tolist() for part in folded] == [[8, 8], [8, 8], [4, 4]]


def test_the_scale_of_a_fold_is_that_of_its_training_rows():
    raw = Examples(table(n=60))
    for fold in range(3):
        plain = split(raw, asked(folds=3, fold=fold))[1]
        scaled = split(raw, asked(folds=3, fold=fold, scale="standardize"))[1]
        mean, sd = plain[0].x.mean(0, dtype=np.float64), plain[0].x.std(0, dtype=np.float64)
        for before, after in zip(plain, scaled, strict=True):
            assert np.allclose(after.x, (before.x - mean) / sd, atol=1e-5)


def test_a_limit_cuts_the_training_rows_of_a_fold_alone():
    whole, limited = (split(Examples(table(n=60)), asked(folds=3, fold=1, limit=limit))[1] for limit in (None, 7))
    assert np.array_equal(limited[0].x, whole[0].x[:7])
    assert np.array_equal(limited[1].x, whole[1].x)
    assert np.array_equal(limited[2].x, whole[2].x)


def test_a_note_says_which_fold_of_how_many():
    assert split(Examples(table(n=60)), asked(folds=3, fold=1))[2] == [
        "Cross-validation: fold 1 of 3, counted from 0, validates; the rest trains."
    ]


def test_folds_of_data_that_validates_on_its_training_examples_are_refused():
    with pytest.raises(BadInput, match="data=mine, which validates on its training examples"):
        split(Examples(table(), table(), table()), asked(folds=2, fold=0))


@pytest.mark.parametrize(
    ("counts", "mend"),
    [
        ([30, 30, 3], r"Received: 3 with the label c in data=mine\. Use at most data\.folds=3\.$"),
        ([30, 1, 30], r"Received: 1 with the label b in data=mine\. Use more examples\.$"),
    ],
)
def test_more_folds_than_a_class_has_examples_are_refused_with_its_name(counts, mend):
    y = np.repeat([0, 1, 2], counts)
    raw = Examples((np.zeros((len(y), 2)), y), test=table(), labels=("a", "b", "c"))
    with pytest.raises(BadInput, match=rf"needs at least 4 examples of each class.*{mend}"):
        split(raw, asked(folds=4, fold=0))


def test_classes_that_leave_too_few_examples_for_the_folds_are_named_as_the_loader_does():
    raw = Examples((np.zeros((12, 2)), np.repeat([0, 1, 2], [5, 5, 2])), test=table(), labels=("a", "b", "c"))
    with pytest.raises(BadInput, match=r"2 with the label c in data=mine\. .*or other data\.classes"):
        split(raw, asked(folds=3, fold=0, classes=[2, 0]))


@pytest.mark.parametrize("name", ["digits", "synthetic"])
def test_each_fold_of_a_data_set_has_a_digest_of_its_own_and_tests_alike(name, option, tmp_path):
    usual = load(option(name), folder=tmp_path)
    folded = [load(option(name, folds=5, fold=fold), folder=tmp_path) for fold in range(5)]
    assert len({splits.digest for splits in (usual, *folded)}) == 6
    everything = len(usual.train) + len(usual.valid)
    assert sum(len(splits.valid) for splits in folded) == everything
    for splits in folded:
        assert len(splits.train) + len(splits.valid) == everything
        assert np.array_equal(splits.test.y, usual.test.y)
        shares = [np.bincount(part.y) / len(part) for part in (splits.train, splits.valid)]
        assert np.allclose(*shares, atol=0.01)


def test_a_fold_is_the_same_whenever_it_is_loaded(option, tmp_path):
    first, second = (load(option("digits", folds=5, fold=3), folder=tmp_path) for _ in range(2))
    assert first.digest == second.digest


@pytest.mark.parametrize("name", ["xor", "points"])
def test_four_points_have_no_folds(name, option, tmp_path):
    with pytest.raises(BadInput, match=rf"data\.folds=2 does not apply to data={name}"):
        load(option(name, folds=2, fold=0), folder=tmp_path)
