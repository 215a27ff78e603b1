"""From a loader's `Examples` to splits: hold out or take a fold, keep some classes, limit, scale; in this order.

Scaling is fitted to the training split before `data.limit` cuts it: a limit shortens training and changes nothing else.
Rows are chosen without being copied, so that whoever streams them can do without all of them in memory.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from zoo.config import BadInput, Data
from zoo.data.rows import Rows
from zoo.data.scaling import Scaling
from zoo.data.shards import Stored
from zoo.data.spec import Examples, Pair, Spec, Split
from zoo.data.splitting import hold_out, stratified, stratified_fold

TEST_FRACTION = 0.2
Chosen = tuple[Rows, np.ndarray]
"""Rows as the loader brought them, and their labels, int32 [n]."""


@dataclass(frozen=True)
class Choice:
    """Which rows of what a loader brought make up each split, not scaled yet.

    Attributes:
        name: Of the data option.
        spec: What a model has to know about them, the scaling among it.
        parts: Training, validation and test split.
        notes: Sentences that the run's log must show.
    """

    name: str
    spec: Spec
    parts: Mapping[str, Chosen]
    notes: list[str]

    def scaled(self, part: str, x: np.ndarray) -> np.ndarray:
        """Return rows of a split as a model reads them, float32.

        Raises:
            BadInput: Some values are too large for that.
        """
        found = self.spec.scaling(x)
        if x.dtype.kind == "f" and not np.isfinite(found).all():
            raise _not_finite(self.name, part)
        return found

    def split(self, part: str) -> Split:
        """Return a split in memory."""
        x, y = self.parts[part]
        return Split(self.scaled(part, x.whole()), y)


def split(
    raw: Examples, data: Data, scaling: Scaling | None = None
) -> tuple[Spec, tuple[Split, Split, Split], list[str]]:
    """Turn raw examples into three splits in memory; see `choose`.

    Returns:
        The spec; training, validation and test split; notes.
    """
    found = choose(raw, data, scaling)
    train, valid, test = map(found.split, ("training", "validation", "test"))
    return found.spec, (train, valid, test), found.notes


def choose(raw: Examples, data: Data, scaling: Scaling | None = None) -> Choice:
    """Choose which of the raw examples make up each split.

    Args:
        raw: What a loader returned.
        data: The data option: `classes`, `validation`, `folds`, `fold`, `limit` and `scale` are used here.
        scaling: Of other data, which is used as it is; None: it is fitted to the training split.

    Raises:
        BadInput: An option is out of range, or the loader's arrays are malformed.
    """
    given = {"training": raw.train, "validation": raw.valid, "test": raw.test}
    pairs = {name: _rows(name, pair, data) for name, pair in given.items() if pair is not None}
    if "test" not in pairs:
        pairs["training"], pairs["test"] = _parted(pairs["training"], stratified(pairs["training"][1], TEST_FRACTION))
        if not len(pairs["test"][1]):
            raise BadInput(
                f"data={data.name} has too few examples of each class to hold out {TEST_FRACTION:.0%} of them for the "
                "test split. Use more."
            )
    labels = _labels(raw, pairs, data)
    if data.classes is not None:
        pairs = {name: _keep(pair, data.classes, labels) for name, pair in pairs.items()}
        labels = tuple(labels[label] for label in data.classes)
    notes = []
    if data.folds is not None and data.fold is not None:
        pool = _pool(pairs, labels, data, of_each=data.folds)
        parts = stratified_fold(pool[1], data.folds, data.fold)
        pairs["training"], pairs["validation"] = _parted(pool, parts)
        notes.append(f"Cross-validation: fold {data.fold} of {data.folds}, counted from 0, validates; the rest trains.")
    elif "validation" not in pairs:
        held_out = hold_out(len(pairs["training"][1]), data.validation)
        pairs["training"], pairs["validation"] = _parted(pairs["training"], held_out)

    for name, (rows, _) in pairs.items():
        if not len(rows):
            raise BadInput(
                f"No example is left in the {name} split of data={data.name}. Use more, or other data.classes."
            )

    x, y = pairs["training"]
    scaling = scaling or Scaling.fit(
        data.options().get("scale", "none"), x, is_image=bool(raw.image_shape), value_range=raw.value_range
    )
    if data.limit is not None:
        pairs["training"] = x[: data.limit], y[: data.limit]
        if data.limit > len(x):
            notes.append(f"data.limit={data.limit} keeps all of the {len(x):,} training examples.")
    spec = Spec("vectors", x.shape[1:], data.target, len(labels), labels, raw.image_shape, scaling=scaling)
    return Choice(data.name, spec, pairs, notes)


def _rows(name: str, pair: Pair, data: Data) -> Chosen:
    """Return a loader's pair as rows and whole-number labels."""
    x, y = pair[0] if isinstance(pair[0], Stored) else np.asarray(pair[0]), np.asarray(pair[1])
    if y.ndim != 1 or len(x) != len(y) or not len(y) or x.dtype.kind not in "buif" or y.dtype.kind not in "bui":
        raise BadInput(
            f"{data.load} should return numbers x [n, ...] with whole-number labels y [n], n of at least 1, as its "
            f"{name} split. Received: x {x.dtype} {list(x.shape)}, y {y.dtype} {list(y.shape)}."
        )
    rows = Rows(x if isinstance(x, Stored) else x.reshape(len(x), -1))
    if (
        x.dtype.kind == "f"
        and not isinstance(x, Stored)
        and not all(np.isfinite(part).all() for part in rows.portions())
    ):
        raise _not_finite(data.name, name)
    if y.min() < 0:
        raise BadInput(f"{data.load} should number the classes from 0. Received: a label {y.min()}.")
    return rows, y.astype(np.int32)


def _not_finite(name: str, part: str) -> BadInput:
    return BadInput(f"data={name} holds values in its {part} split that are not finite. Clean them first.")


def _parted(pair: Chosen, indices: tuple[np.ndarray, np.ndarray]) -> tuple[Chosen, Chosen]:
    x, y = pair
    first, second = indices
    return (x[first], y[first]), (x[second], y[second])


def _labels(raw: Examples, pairs: dict[str, Chosen], data: Data) -> tuple[str, ...]:
    """Return the names of the classes, which are their numbers where the loader names none."""
    count = 1 + max(int(y.max()) for _, y in pairs.values())
    labels = tuple(str(label) for label in raw.labels) or tuple(str(label) for label in range(count))
    if count > len(labels):
        raise BadInput(f"{data.load} names {len(labels)} classes, but its labels go up to {count - 1}.")
    if data.target == "binary" and len(labels) != 2:
        raise BadInput(f"data.target=binary takes the labels 0 and 1, but those of {data.load} go up to {count - 1}.")
    return labels


def _keep(pair: Chosen, classes: list[int], labels: tuple[str, ...]) -> Chosen:
    """Keep the examples of some classes and number these 0, 1, ... in the order in which they were named."""
    unknown = [label for label in classes if label >= len(labels)]
    if unknown:
        names = "" if labels == tuple(map(str, range(len(labels)))) else f" ({', '.join(labels)})"
        raise BadInput(
            f"data.classes should name classes from 0 to {len(labels) - 1}{names}. Received: {unknown} in {classes}."
        )
    number = np.full(len(labels), -1, np.int32)
    number[classes] = np.arange(len(classes))
    y = number[pair[1]]
    return pair[0][y >= 0], y[y >= 0]


def _pool(pairs: dict[str, Chosen], labels: tuple[str, ...], data: Data, of_each: int) -> Chosen:
    """Return the examples to train and to validate on, which folds are cut from; each class needs `of_each` of them."""
    x, y = pairs["training"]
    if "validation" in pairs:
        more_x, more_y = pairs["validation"]
        if np.array_equal(y, more_y) and x.same(more_x):
            raise BadInput(
                f"data.folds={data.folds} does not apply to data={data.name}, which validates on its training "
                "examples. Leave out data.folds and data.fold."
            )
        x, y = x.and_then(more_x), np.concatenate([y, more_y])
    rarest, fewest = min(Counter(y.tolist()).items(), key=lambda counted: counted[1], default=(0, 0))
    if fewest < of_each:
        less = f"Use at most data.folds={fewest}" if fewest > 1 else "Use more examples"
        others = ", or other data.classes" if "classes" in data.model_fields_set else ""
        raise BadInput(
            f"data.folds={data.folds} needs at least {of_each} examples of each class beside the test split. "
            f"Received: {fewest} with the label {labels[rarest]} in data={data.name}. {less}{others}."
        )
    return x, y
