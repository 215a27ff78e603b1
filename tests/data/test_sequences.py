"""Sequences of the user's own: held out, limited, checked."""

import numpy as np
import pytest

from zoo.config import BadInput, Data
from zoo.data import Examples
from zoo.data.sequences import split


def asked(**changes):
    keys = {"name": "mine", "load": "my.loader", "gives": "sequences", "target": "value", "validation": 5}
    return Data.model_validate(keys | changes)


def table(n=40, time=7, features=3):
    return np.arange(n * time * features).reshape(n, time, features), np.arange(n) / 2


def test_validation_and_test_are_held_out_and_every_sequence_keeps_its_value():
    x, y = table()
    spec, parts, notes = split(Examples((x, y)), asked())
    assert (spec.kind, spec.shape, spec.target) == ("sequences", (7, 3), "value")
    assert [len(part) for part in parts] == [27, 5, 8]
    found = {part.y[row]: part.x[row] for part in parts for row in range(len(part))}
    assert len(found) == 40
    for value, rows in found.items():
        np.testing.assert_array_equal(rows, x[int(2 * value)])
    assert notes == []


def test_splits_of_the_loader_s_own_are_kept_and_a_limit_shortens_the_training_alone():
    raw = Examples(table(), valid=table(6), test=table(9))
    _, parts, notes = split(raw, asked(limit=11))
    assert [len(part) for part in parts] == [11, 6, 9]
    np.testing.assert_array_equal(parts[0].y, table()[1][:11])
    assert notes == []
    assert split(raw, asked(limit=99))[2] == ["data.limit=99 keeps all of the 40 training examples."]


@pytest.mark.parametrize(
    ("train", "words"),
    [
        ((np.zeros((4, 7)), np.zeros(4)), r"x \[n, time, features\].*Received: x float64 \[4, 7\]"),
        ((np.zeros((4, 7, 2)), np.zeros(5)), r"y float64 \[5\]"),
        ((np.zeros((4, 7, 2)), np.array(list("abcd"))), "y <U1"),
        ((np.full((4, 7, 2), np.nan), np.zeros(4)), "training split that are not finite"),
        ((np.zeros((4, 7, 2)), np.full(4, np.inf)), "training split that are not finite"),
    ],
)
def test_arrays_of_another_shape_or_without_numbers_are_refused(train, words):
    with pytest.raises(BadInput, match=words):
        split(Examples(train), asked())


def test_splits_of_different_lengths_are_refused():
    with pytest.raises(BadInput, match="sequences of one shape"):
        split(Examples(table(), test=table(time=8)), asked())
