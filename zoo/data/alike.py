"""Another data set as a model that was trained on one would read it: the same scaling, vocabulary and classes."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo.config import BadInput, Data
from zoo.data import examples, loading, sequences, streams
from zoo.data.hashes import digest
from zoo.data.spec import Spec, Split, Splits, Texts
from zoo.data.vocabulary import Vocabulary


def load_alike(data: Data, own: Splits, *, folder: Path) -> Splits:
    """Load the test split of another data set, made as a model's own data was.

    Vectors are scaled by the constants of the model's own training split, text is encoded by its vocabulary. Classes
    go by their names; where none of them is known, but there are as many, by their order.

    Args:
        data: The checked `data` section of the other data set.
        own: The data that the model was trained on.
        folder: Where prepared data is kept.

    Returns:
        The model's own data with the other's test split.

    Raises:
        BadInput: The data cannot be had, or its shape, classes or characters do not fit.
    """
    raw = loading.read(data, folder)
    notes = [*raw.notes]
    if isinstance(raw, Texts):
        test = streams.encoded(raw, data, _vocabulary(data, own))
    elif own.spec.kind == "sequences":
        spec, (_, _, test), more = sequences.split(raw, data)
        _check_shape(spec.shape, data, own)
        notes += more
    else:
        _check_shape((math.prod(np.shape(raw.train[0])[1:]),), data, own)
        chosen = examples.choose(raw, data, own.spec.scaling)
        test, how = _with_classes_of(own.spec, chosen.spec, chosen.split("test"), data)
        notes += [*chosen.notes, *how]
    return replace(own, name=data.name, test=test, digest=digest([test]), source=raw.source, notes=tuple(notes))


def _check_shape(shape: tuple[int, ...], data: Data, own: Splits) -> None:
    if shape != own.spec.shape:
        ours, theirs = (" x ".join(f"{side:,}" for side in one) for one in (own.spec.shape, shape))
        raise BadInput(
            f"The run reads inputs of {ours} numbers, as data={own.name} has them. Received: {theirs} of "
            f"data={data.name}."
        )


def _vocabulary(data: Data, own: Splits) -> Vocabulary:
    assert own.vocabulary is not None
    if data.level != own.vocabulary.level:
        raise BadInput(
            f"The run reads text by {own.vocabulary.level}. Received: data.level={data.level}. Leave it out."
        )
    return own.vocabulary


def _with_classes_of(own: Spec, other: Spec, test: Split, data: Data) -> tuple[Split, list[str]]:
    """Return a split with its labels numbered as a model numbers them."""
    assert test.y is not None
    known, given = _labels(own), _labels(other)
    if set(given) <= set(known):
        number = np.array([known.index(label) for label in given], test.y.dtype)
        return Split(test.x, number[test.y]), []
    if len(known) == len(given) and not set(given) & set(known):
        pairs = ", ".join(f"{label} as {name}" for label, name in zip(given, known, strict=True))
        return test, [f"The classes of data={data.name} are not those of the run. They are taken in order: {pairs}."]
    raise BadInput(
        f"The run tells {len(known)} classes apart: {', '.join(known)}. Received: {len(given)} of data={data.name}, "
        f"{', '.join(given)}. Choose those that it knows: data.classes=[...]."
    )


def _labels(spec: Spec) -> tuple[str, ...]:
    return spec.labels or tuple(str(label) for label in range(spec.classes))
