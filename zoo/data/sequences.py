"""From a loader's `Examples` to splits of sequences with one number each as their target: hold out, limit."""

import numpy as np

from zoo.config import BadInput, Data
from zoo.data.examples import TEST_FRACTION
from zoo.data.spec import Examples, Pair, Spec, Split
from zoo.data.splitting import hold_out


def split(raw: Examples, data: Data) -> tuple[Spec, tuple[Split, Split, Split], list[str]]:
    """Turn raw sequences into three splits.

    Args:
        raw: What a loader returned: x [n, time, features] and y [n], any numbers.
        data: The data option: `validation` and `limit` are used here.

    Returns:
        The spec; training, validation and test split; notes.

    Raises:
        BadInput: An option is out of range, or the loader's arrays are malformed.
    """
    given = {"training": raw.train, "validation": raw.valid, "test": raw.test}
    splits = {name: _checked(name, pair, data) for name, pair in given.items() if pair is not None}
    if "test" not in splits:
        splits["training"], splits["test"] = _parted(splits["training"], TEST_FRACTION)
    if "validation" not in splits:
        splits["training"], splits["validation"] = _parted(splits["training"], data.validation)
    shapes = {name: one.x.shape[1:] for name, one in splits.items()}
    if len(set(shapes.values())) > 1:
        raise BadInput(f"{data.load} should return sequences of one shape [time, features]. Received: {shapes}.")
    train = splits["training"]
    notes = []
    if data.limit is not None:
        splits["training"] = _rows(train, slice(data.limit))
        if data.limit > len(train):
            notes.append(f"data.limit={data.limit} keeps all of the {len(train):,} training examples.")
    spec = Spec("sequences", train.x.shape[1:], data.target, classes=1)
    return spec, (splits["training"], splits["validation"], splits["test"]), notes


def _checked(name: str, pair: Pair, data: Data) -> Split:
    """Return a loader's pair in float32."""
    x, y = np.asarray(pair[0]), np.asarray(pair[1])
    if x.ndim != 3 or y.ndim != 1 or len(x) != len(y) or not x.size or not {x.dtype.kind, y.dtype.kind} <= set("buif"):
        raise BadInput(
            f"{data.load} should return numbers x [n, time, features] with numbers y [n], n of at least 1, as its "
            f"{name} split. Received: x {x.dtype} {list(x.shape)}, y {y.dtype} {list(y.shape)}."
        )
    found = Split(x.astype(np.float32, copy=False), y.astype(np.float32, copy=False))
    if not (np.isfinite(found.x).all() and np.isfinite(y).all()):
        raise BadInput(f"data={data.name} holds values in its {name} split that are not finite. Clean them first.")
    return found


def _parted(whole: Split, held_out: float | None) -> tuple[Split, Split]:
    rest, chosen = hold_out(len(whole), held_out)
    return _rows(whole, rest), _rows(whole, chosen)


def _rows(whole: Split, which: np.ndarray | slice) -> Split:
    assert whole.y is not None
    return Split(whole.x[which], whole.y[which])
