import numpy as np
import pytest

from zoo.config import BadInput
from zoo.data.splitting import hold_out, pinned_permutation, stratified, stratified_fold


def test_the_pinned_permutation_never_changes():
    # Results on another permutation would not compare with published ones.
    assert pinned_permutation(10).tolist() == [2, 8, 1, 7, 9, 6, 3, 4, 5, 0]


def test_no_seed_has_a_say_in_the_permutation():
    np.random.seed(1)
    first = pinned_permutation(100)
    np.random.seed(2)
    assert np.array_equal(first, pinned_permutation(100))


@pytest.mark.parametrize(("validation", "held_out"), [(1, 1), (30, 30), (0.25, 25), (0.001, 1)])
def test_validation_is_a_number_of_examples_or_a_fraction(validation, held_out):
    train, valid = hold_out(100, validation)
    assert len(valid) == held_out
    assert sorted([*train, *valid]) == list(range(100))


def test_indices_rise_so_that_examples_keep_their_order():
    for indices in hold_out(100, 30):
        assert np.all(np.diff(indices) > 0)


@pytest.mark.parametrize("validation", [None, 2.5, 100, 101, 0.999])
def test_a_validation_split_that_cannot_be_is_refused(validation):
    with pytest.raises(BadInput, match=r"data\.validation"):
        hold_out(100, validation)


def test_a_stratified_split_holds_out_the_same_share_of_each_class():
    labels = np.repeat([0, 1, 2], [100, 50, 10])
    train, test = stratified(labels, 0.2)
    assert np.bincount(labels[test]).tolist() == [20, 10, 2]
    assert sorted([*train, *test]) == list(range(160))


def test_a_stratified_split_mixes_classes_that_came_sorted():
    labels = np.repeat([0, 1, 2], 50)
    train, _ = stratified(labels, 0.2)
    assert set(labels[train[:20]]) == {0, 1, 2}


def test_no_release_moves_an_example_to_another_fold():
    labels = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
    folds = [stratified_fold(labels, 3, fold)[1].tolist() for fold in range(3)]
    assert folds == [[2, 4, 6, 8], [1, 5, 7], [0, 3, 9]]


@pytest.mark.parametrize("folds", [2, 3, 10])
def test_folds_are_disjoint_and_cover_everything(folds):
    labels = np.repeat([0, 1, 2], [101, 52, 13])
    parts = [stratified_fold(labels, folds, fold) for fold in range(folds)]
    assert sorted(index for _, valid in parts for index in valid) == list(range(166))
    for train, valid in parts:
        assert sorted([*train, *valid]) == list(range(166))


@pytest.mark.parametrize("folds", [2, 3, 10])
def test_folds_are_of_one_size_and_share_each_class_alike(folds):
    labels = np.repeat([0, 1, 2, 3], [101, 51, 11, 11])
    counts = np.array([np.bincount(labels[stratified_fold(labels, folds, fold)[1]]) for fold in range(folds)])
    assert np.all(np.ptp(counts, axis=0) <= 1)
    assert np.ptp(counts.sum(axis=1)) <= 1


def test_a_fold_keeps_examples_in_their_order_and_takes_them_from_everywhere():
    train, valid = stratified_fold(np.repeat([0, 1], 100), 5, 0)
    assert np.all(np.diff(train) > 0)
    assert np.all(np.diff(valid) > 0)
    # A file may be sorted by more than its class.
    assert np.all(np.histogram(valid, bins=8, range=(0, 200))[0] > 0)
