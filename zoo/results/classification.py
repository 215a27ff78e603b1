"""How well classes were told apart: scikit-learn's report, and the confusion matrix as a table and as a picture."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm

from zoo.results import style

COUNTED = 20
"""The most classes for which the picture has the counts in its cells."""


def report(labels: np.ndarray, predicted: np.ndarray, names: Sequence[str], folder: Path) -> list[Path]:
    """Write precision, recall and F1 by class, and the confusion matrix.

    Args:
        labels: int [n], the true classes.
        predicted: int [n], the predicted ones.
        names: The classes' names; class `i` is `names[i]`. Each has its row and column of the confusion matrix, whether
            it occurs or not.
        folder: Where to write.

    Returns:
        The paths of `classification_report.txt` (its macro average is over the classes that occur among the labels;
        those with neither examples nor predictions are left out), `confusion_matrix.csv` (its header the names; row `i`
        counts what the examples of class `i` were taken for) and `confusion_matrix.png`.

    Raises:
        ValueError: The arrays differ in length, or hold a class without a name.
    """
    folder, names = Path(folder), [str(name) for name in names]
    matrix = confusion_matrix(labels, predicted, len(names))
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "classification_report.txt"
    text.write_text(_report(labels, predicted, names, matrix), encoding="utf-8")
    table = folder / "confusion_matrix.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([names, *matrix.tolist()])
    return [text, table, _picture(matrix, names, folder / "confusion_matrix.png")]


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Count the examples of each class by what they were taken for.

    Args:
        labels: int [n], the true classes.
        predicted: int [n], the predicted ones.
        classes: How many there are.

    Returns:
        int [classes, classes]: a row for each true class, a column for each predicted one.

    Raises:
        ValueError: The arrays differ in length, or hold a class outside 0 to `classes` - 1.
    """
    labels, predicted = np.asarray(labels).ravel(), np.asarray(predicted).ravel()
    if len(labels) != len(predicted):
        raise ValueError(f"Expected as many predictions as labels. Received: {len(predicted)} and {len(labels)}.")
    for what, values in (("labels", labels), ("predicted", predicted)):
        if values.size and not (values.min() >= 0 and values.max() < classes):
            raise ValueError(
                f"Expected {what} from 0 to {classes - 1}, one name each. Received: {values.min()} to {values.max()}."
            )
    cells = np.bincount(labels.astype(np.int64) * classes + predicted.astype(np.int64), minlength=classes**2)
    return cells.reshape(classes, classes)


def by_class(matrix: np.ndarray, names: Sequence[str]) -> list[dict[str, str | int | float]]:
    """Return for each class its `label`, `precision`, `recall` and `f1` (0 where nothing is known), and `support`.

    Args:
        matrix: From `confusion_matrix`.
        names: The classes' names.
    """
    right, support, taken = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    precision, recall = right / np.maximum(taken, 1), right / np.maximum(support, 1)
    f1 = 2 * right / np.maximum(taken + support, 1)
    return [
        {
            "label": str(name),
            "precision": float(precision[i]),
            "recall": float(recall[i]),
            "f1": float(f1[i]),
            "support": int(support[i]),
        }
        for i, name in enumerate(names)
    ]


def occurring(matrix: np.ndarray) -> np.ndarray:
    """Return the classes that have examples or predictions, int [n]; all of them where there are no examples."""
    occurs = (matrix.sum(axis=0) + matrix.sum(axis=1)) > 0
    return np.flatnonzero(occurs) if occurs.any() else np.arange(len(matrix))


def aligned(matrix: np.ndarray, names: Sequence[str]) -> str:
    """Return the confusion matrix for the terminal: a row for each label, a column for each answer.

    Args:
        matrix: From `confusion_matrix`.
        names: The classes' names.
    """
    short = style.shorten([str(name) for name in names], limit=12)
    cells = [["", *short], *([name, *map(str, row)] for name, row in zip(short, matrix.tolist(), strict=True))]
    first, *others = [max(map(len, column)) for column in zip(*cells, strict=True)]
    width = max(others)
    lines = [f"{row[0]:>{first}}{''.join(f'{cell:>{width + 2}}' for cell in row[1:])}" for row in cells]
    return "\n".join(["confusion matrix: a row for each label, a column for each answer", "", *lines])


def _report(labels: np.ndarray, predicted: np.ndarray, names: Sequence[str], matrix: np.ndarray) -> str:
    # Imported here: scikit-learn takes as long to import as a picture takes to draw.
    from sklearn.metrics import classification_report, precision_recall_fscore_support

    given, shown = (np.ravel(labels), np.ravel(predicted)), occurring(matrix)
    text = str(
        classification_report(
            *given, labels=shown, target_names=[names[one] for one in shown], digits=4, zero_division=0
        )
    )
    with_examples = np.unique(given[0])
    if not 0 < len(with_examples) < len(names):
        return text
    # scikit-learn's mean over classes counts those without an example as 0, however good a model is.
    *means, _ = precision_recall_fscore_support(*given, labels=with_examples, average="macro", zero_division=0)
    lines = text.splitlines()
    place = next(place for place in reversed(range(len(lines))) if lines[place].lstrip().startswith("macro avg"))
    head, support = lines[place][: lines[place].index("macro avg") + 9], str(len(given[0]))
    lines[place] = f"{head} {''.join(f'{mean:>10.4f}' for mean in means)}{support:>10}"
    lines += ["", f"macro avg: of the {len(with_examples):,} classes that occur, of {len(names):,}"]
    if absent := len(names) - len(shown):
        which = "1 class that has" if absent == 1 else f"{absent:,} classes that have"
        lines.append(f"left out: {which} neither examples nor predictions")
    return "\n".join([*lines, ""])


def _picture(matrix: np.ndarray, names: Sequence[str], path: Path) -> Path:
    classes = len(names)
    total, right = int(matrix.sum()), int(np.trace(matrix))
    rows = matrix.sum(axis=1, keepdims=True)
    shares = matrix / np.maximum(rows, 1)
    short = style.shorten(names, limit=16)
    longest = max(map(len, short), default=1)
    turned = longest > 4
    side = min(max(0.46 * classes, 2.4), 8.0)
    with style.picture(
        path, width=side + 1.6 + 0.08 * longest, height=side + (0.7 + 0.055 * longest if turned else 0.85)
    ) as figure:
        axes = figure.subplots()
        # The square root lifts the few mistakes of a good classifier out of the white.
        image = axes.imshow(shares, cmap=style.SHARE, norm=PowerNorm(0.5, vmin=0, vmax=1), interpolation="nearest")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        step = style.every(classes, room=40)
        ticks = range(0, classes, step)
        axes.set_xticks(ticks, short[::step], rotation=45 if turned else 0, ha="right" if turned else "center")
        axes.set_yticks(ticks, short[::step])
        axes.set_xlabel("predicted")
        axes.set_ylabel("label")
        axes.set_title(f"accuracy {right / max(total, 1):.4f} ({right:,} of {total:,})")
        if classes <= COUNTED:
            _write_counts(axes, matrix, shares)
        bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=24, ticks=[0, 0.01, 0.1, 0.5, 1])
        bar.ax.set_yticklabels(["0", "1 %", "10 %", "50 %", "100 %"])
        bar.set_label("share of the label's examples")
        bar.outline.set_visible(False)
    return path


def _write_counts(axes: Axes, matrix: np.ndarray, shares: np.ndarray) -> None:
    size = style.FONT_SIZE - (1.5 if matrix.max() >= 1000 and len(matrix) > 6 else 0)
    for (row, column), count in np.ndenumerate(matrix):
        color = "white" if shares[row, column] > 0.25 else style.INK if count else "#BBBBBB"
        cell = axes.text(column, row, f"{count}", ha="center", va="center", fontsize=size, color=color)
        cell.set_in_layout(False)  # it lies inside the axes: measuring 400 of them would take most of the time
