"""What a small model ended with: each input's prediction beside its label, and its weights."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

WIDEST = 16
"""The most features written beside a prediction; wider examples (pictures) go by their number."""
SHOWN = 20
"""The most examples shown in the terminal."""


def table(
    x: np.ndarray, y: np.ndarray, predicted: np.ndarray, folder: Path, beside: Mapping[str, np.ndarray] | None = None
) -> tuple[Path, str]:
    """Write each input with its label, its prediction, and whether that is right.

    Args:
        x: float [n, features].
        y: int [n], the labels.
        predicted: float [n] or [n, 1], a probability or value for labels 0 and 1, right if on the label's side of 0.5;
            or int [n], the predicted class.
        folder: Where to write.
        beside: Further columns, float [n] by name, shown beside the prediction.

    Returns:
        The path of `predictions.csv` (every example, full precision), and an aligned table of the first ones.

    Raises:
        ValueError: The arrays differ in length, or a probability is given for labels other than 0 and 1.
    """
    x, y, predicted = np.asarray(x), np.asarray(y).ravel(), np.asarray(predicted)
    if predicted.ndim == 2 and predicted.shape[1] == 1:
        predicted = predicted[:, 0]
    if predicted.ndim != 1 or not len(x) == len(y) == len(predicted):
        raise ValueError(
            "Expected one label and one prediction for each example. "
            f"Received: x of shape {x.shape}, y {y.shape}, predicted {predicted.shape}."
        )
    results = np.where(_is_right(y, predicted), "right", "wrong")
    header, inputs = _inputs(x)
    further = dict(beside or {})
    header += ["label", "prediction", *further, "result"]
    columns = [y, predicted, *further.values(), results]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "predictions.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        # str() of a NumPy float is the shortest text that reads back as the same float.
        writer.writerows(map(str, row) for row in _rows(inputs, columns, len(y)))
    right = f"{np.count_nonzero(results == 'right'):,} of {len(y):,} right"
    shown = [_short(row, inputs.shape[1]) for row in _rows(inputs, columns, SHOWN)]
    lines = [*_align([header, *shown]), right if len(y) <= SHOWN else f"{right}; the first {SHOWN} are shown"]
    return path, "\n".join(lines)


def least_squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return what the linear function x w + b with the least squared error predicts, float64 [n].

    Args:
        x: float [n, features].
        y: float [n].
    """
    design = np.column_stack([x, np.ones(len(x))]).astype(np.float64)
    return design @ np.linalg.lstsq(design, np.asarray(y, np.float64).ravel(), rcond=None)[0]


def constant_error(train: np.ndarray, y: np.ndarray) -> float:
    """Return the mean squared error of always answering the mean of the training values.

    Args:
        train: float [n].
        y: float [m], the values to be told.
    """
    return float(np.mean((np.asarray(y, np.float64) - np.mean(train, dtype=np.float64)) ** 2))


def values(y: np.ndarray, predicted: np.ndarray, folder: Path) -> Path:
    """Write the value of each example beside its prediction.

    Args:
        y: float [n], the values.
        predicted: float [n].
        folder: Where to write.

    Returns:
        The path of `predictions.csv`.
    """
    path = Path(folder) / "predictions.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["value", "prediction", "error"])
        writer.writerows(map(str, row) for row in zip(y, predicted, predicted - y, strict=True))
    return path


def weights(weights: Sequence[tuple[str, np.ndarray]], folder: Path) -> tuple[Path, str]:
    """Write weights by name and shape: to read in `weights.txt`, and in full precision in `weights.json`.

    The JSON is a list of `{"name", "shape", "dtype", "values"}`; values that are not finite stand as "nan", "inf" and
    "-inf", and `numpy.array(values, dtype)` gives each array back to the bit.

    Args:
        weights: Names, such as `hidden_1/kernel`, with arrays of any shape.
        folder: Where to write.

    Returns:
        The path of `weights.txt`, and its text.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    arrays = [(name, np.asarray(array)) for name, array in weights]
    records = [
        {"name": name, "shape": list(array.shape), "dtype": array.dtype.name, "values": _values(array)}
        for name, array in arrays
    ]
    lines = ",\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    (folder / "weights.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    text = "\n\n".join(_describe(name, array) for name, array in arrays)
    path = folder / "weights.txt"
    path.write_text(text + "\n", encoding="utf-8")
    return path, text


def _is_right(y: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    if not np.issubdtype(predicted.dtype, np.floating):
        return np.asarray(predicted == y)
    if not np.isin(y, (0, 1)).all():
        raise ValueError(
            "A prediction that is not a class number is compared with 0.5, and that takes labels 0 and 1. "
            f"Received: predicted of {predicted.dtype}, labels {np.unique(y)[:8].tolist()}. Pass the predicted classes."
        )
    # Neither side of 0.5 holds a NaN or 0.5 itself.
    return np.where(y == 1, predicted > 0.5, predicted < 0.5)


def _inputs(x: np.ndarray) -> tuple[list[str], np.ndarray]:
    if x.ndim == 2 and x.shape[1] <= WIDEST:
        return [f"x{column}" for column in range(1, x.shape[1] + 1)], x
    return ["example"], np.arange(len(x))[:, None]


def _rows(inputs: np.ndarray, columns: Sequence[np.ndarray], limit: int) -> list[list[Any]]:
    return [[*row, *rest] for row, *rest in zip(inputs[:limit], *columns, strict=False)]


def _short(row: Sequence[Any], width: int) -> list[str]:
    inputs, (label, *numbers, result) = row[:width], row[width:]
    decimals = [f"{number:.4f}" if isinstance(number, np.floating) else f"{number}" for number in numbers]
    return [*(f"{value:.6g}" for value in inputs), f"{label}", *decimals, result]


def _align(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows as lines, with the columns flush right but for the last."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for *numbers, word in rows:
        cells = [cell.rjust(width) for cell, width in zip(numbers, widths, strict=False)]
        lines.append("  ".join([*cells, word]))
    return lines


def _values(array: np.ndarray) -> Any:
    """Return an array as nested lists of plain numbers, each with the fewest digits that keep it."""
    if array.dtype.kind in "iub":
        return array.tolist()
    # bfloat16, which NumPy knows by name only, is exact in float32.
    exact = array if array.dtype.kind == "f" else array.astype(np.float32)
    shortest = exact.astype(str).astype(object)
    finite = np.isfinite(exact)
    shortest[finite] = shortest[finite].astype(float)
    return shortest.tolist()


def _describe(name: str, array: np.ndarray) -> str:
    shape = " × ".join(map(str, array.shape)) or "scalar"
    shown = array if array.dtype.kind in "iubf" else array.astype(np.float32)
    numbers = np.array2string(shown, precision=6, suppress_small=True, max_line_width=100, threshold=400, edgeitems=4)
    return f"{name}  ({shape}, {array.dtype.name})\n" + "\n".join(f"  {line}" for line in numbers.splitlines())
