"""The gradient norm over the time steps of a sequence: it is how a gradient that vanishes on its way back shows."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zoo.results import formats, style
from zoo.results.lines import draw_line, end_of, finite, label_ends, mark_zeros


def gradient_by_time(norms: Mapping[str, np.ndarray], folder: Path) -> Path:
    """Draw the gradient norm over the time steps, a line for each state of the weights.

    The axis is logarithmic; a norm of zero is a triangle at its foot, and one that is not finite a gap.

    Args:
        norms: float [time] by the name of its line: `{"before training": ..., "after training": ...}`.
        folder: Where to write `gradient_by_time.png`, `.svg` and `.csv`.

    Returns:
        The path of the PNG.
    """
    table = np.stack([finite(line) for line in norms.values()], axis=1)
    steps = len(table)
    height = 3.4
    path = Path(folder) / "gradient_by_time.png"
    with formats.picture(path, 6.2, height) as figure:
        axes = figure.subplots()
        colors = style.PALETTE[: len(norms)]
        positive = np.where(table > 0, table, np.nan)
        for place, (column, color) in enumerate(zip(positive.T, colors, strict=True)):
            draw_line(axes, np.arange(1, steps + 1), column, color, style.DASHES[place])
        axes.set_title("gradient norm by time step")
        style.epoch_axis(axes, steps)
        axes.set_xlabel("time step")
        style.log_axis(axes)
        mark_zeros(axes, table, colors)
        ends = [end_of(name, column, color, axes) for name, column, color in zip(norms, table.T, colors, strict=True)]
        label_ends(axes, ends, points=(height - 0.7) * 72)
    with path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["time step", *norms])
        writer.writerows([step, *map(str, row)] for step, row in enumerate(zip(*norms.values(), strict=True), start=1))
    return path


def reach(norms: np.ndarray) -> float:
    """Return the norm at the first time step over that at the last: 1 if nothing is lost on the way back.

    Args:
        norms: float [time].
    """
    first, last = float(norms[0]), float(norms[-1])
    return first / last if last else float("nan")
