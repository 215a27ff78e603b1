"""Which examples are held out. A run's seed has no say in it: all runs are validated and tested alike."""

import numpy as np

from zoo.config import BadInput

# Changing it would move examples between splits, and no result would compare with an earlier one.
_PIN = 1986


def pinned_permutation(n: int) -> np.ndarray:
    """Return the one permutation of `n` things that every run uses, int64 [n]."""
    # Not a Generator: NumPy promises the same stream for ever only of RandomState (NEP 19).
    return np.random.RandomState(_PIN).permutation(n)


def hold_out(n: int, validation: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Choose the examples to validate on.

    Args:
        n: Number of training examples.
        validation: How many to hold out, or which fraction if below 1.

    Returns:
        Indices to train on and to validate on, both rising.

    Raises:
        BadInput: It is no such number, or leaves nothing to train on.
    """
    if validation is None or (validation > 1 and validation != int(validation)):
        raise BadInput(
            f"data.validation should be a whole number of examples, or a fraction below 1. Received: {validation}."
        )
    count = max(1, round(validation * n)) if validation < 1 else int(validation)
    if count >= n:
        raise BadInput(
            f"data.validation={validation:.12g} leaves no example to train on: there are {n:,}. Choose fewer than that."
        )
    order = pinned_permutation(n)
    return np.sort(order[count:]), np.sort(order[:count])


def stratified_fold(labels: np.ndarray, folds: int, fold: int) -> tuple[np.ndarray, np.ndarray]:
    """Choose the examples to validate on in one fold of a cross-validation.

    Over all folds each example is chosen once. Each fold holds the same number of each class, and of all examples,
    give or take one.

    Args:
        labels: int [n].
        folds: Number of parts, at least 2.
        fold: The part to validate on, from 0 to `folds` - 1.

    Returns:
        Indices to train on and to validate on, both rising.
    """
    order = pinned_permutation(len(labels))
    # Dealt like cards, class after class: the next class goes on where the last one ended, so that no part gets ahead.
    by_class = order[np.argsort(labels[order], kind="stable")]
    is_chosen = np.zeros(len(labels), bool)
    is_chosen[by_class[fold::folds]] = True
    return np.flatnonzero(~is_chosen), np.flatnonzero(is_chosen)


def stratified(labels: np.ndarray, fraction: float) -> tuple[np.ndarray, np.ndarray]:
    """Choose a test split that holds the same fraction of each class.

    Args:
        labels: int [n].
        fraction: Share of each class to hold out.

    Returns:
        Indices to train on and to test on. Both are shuffled: tables are often sorted by class, and the first
        `data.limit` examples should be a fair sample.
    """
    order = pinned_permutation(len(labels))
    is_test = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        of_class = order[labels[order] == label]
        is_test[of_class[: round(fraction * len(of_class))]] = True
    return order[~is_test[order]], order[is_test[order]]
