"""The mistakes that a model was surest of: they are where labels are wrong, or where a model has learnt the wrong."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zoo.results import calibration, style

SHOWN = 25
_COLUMNS = 5


def most_confident(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the mistakes, the most confident first.

    Args:
        labels: int [n].
        probabilities: float [n, classes]; or [n] or [n, 1], that of class 1 of two.

    Returns:
        Their indices, what they were taken for, and with which probability.
    """
    chosen, sure = calibration.predictions(probabilities)
    wrong = np.flatnonzero(chosen != np.asarray(labels).ravel())
    order = wrong[np.argsort(-sure[wrong], kind="stable")]
    return order, chosen[order], sure[order]


def write(
    x: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    names: Sequence[str],
    folder: Path,
    image_shape: tuple[int, int] | None = None,
) -> list[Path]:
    """Write a table of all mistakes, and a picture of the most confident ones where the examples are pictures.

    Args:
        x: float [n, features].
        labels: int [n].
        probabilities: As `most_confident` takes them.
        names: Of the classes.
        folder: Where to write `mistakes.csv` and `mistakes.png`.
        image_shape: Height and width of a picture; None: the examples are none.
    """
    found, taken_for, sure = most_confident(labels, probabilities)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "mistakes.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["example", "label", "prediction", "probability"])
        for index, chosen, share in zip(found, taken_for, sure, strict=True):
            writer.writerow([index, names[int(labels[index])], names[chosen], f"{share:.6g}"])
    if image_shape is None or not len(found):
        return [table]
    titles = [
        f"{names[int(labels[index])]} → {names[chosen]}"
        for index, chosen in zip(found[:SHOWN], taken_for[:SHOWN], strict=True)
    ]
    pictures = x[found[:SHOWN]].reshape(-1, *image_shape)
    heading = f"The {len(pictures)} most confident of {len(found):,} mistakes"
    if len(found) == 1:
        heading = "The only mistake"
    elif len(found) <= SHOWN:
        heading = f"All {len(found)} mistakes, the most confident first"
    return [table, _picture(pictures, titles, sure, heading, folder / "mistakes.png")]


def _picture(pictures: np.ndarray, titles: Sequence[str], sure: np.ndarray, heading: str, path: Path) -> Path:
    columns = min(_COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    wide = 1.15 if max(map(len, titles)) <= 12 else 1.7
    with style.picture(path, max(wide * columns, 3.2), 1.42 * rows + 0.4) as figure:
        grid = figure.subplots(rows, columns, squeeze=False).ravel()
        low, high = float(pictures.min()), float(pictures.max())
        for axes in grid:
            axes.set_axis_off()
        for axes, picture, title, share in zip(grid, pictures, titles, sure, strict=False):
            axes.imshow(picture, cmap="gray_r", vmin=low, vmax=high, interpolation="nearest")
            axes.set_title(f"{title}\n{100 * share:.1f} %", fontsize=style.FONT_SIZE - 1, loc="center", pad=2.5,
                           fontweight="normal", linespacing=1.15)  # fmt: skip
        figure.suptitle(f"{heading}: label → prediction", fontsize=style.FONT_SIZE + 1, fontweight="bold",
                        x=0.01, ha="left")  # fmt: skip
    return path
