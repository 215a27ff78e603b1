"""The loss of a language model by position: how much it gains from what it has read before."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zoo.results import formats, style
from zoo.results.lines import draw_line, end_of, label_ends


def loss_by_position(losses: Mapping[str, np.ndarray], unit: str, folder: Path) -> Path:
    """Draw the mean loss at each position of a sequence.

    Args:
        losses: Means, float [positions], in nats, by the name of their line: `{"state carried": ...}`.
        unit: What stands at a position: `word` or `character`.
        folder: Where to write `loss_by_position.png`, `.svg` and `.csv`.

    Returns:
        The path of the PNG.
    """
    count = len(next(iter(losses.values())))
    height = 3.2
    path = Path(folder) / "loss_by_position.png"
    with formats.picture(path, 6.2, height) as figure:
        axes = figure.subplots()
        colors = style.PALETTE[: len(losses)]
        for place, (line, color) in enumerate(zip(losses.values(), colors, strict=True)):
            draw_line(axes, np.arange(1, count + 1), line, color, style.DASHES[place])
        axes.set_title(f"loss by position, nats a {unit}")
        style.epoch_axis(axes, count)
        axes.set_xlabel(f"position in the sequence: {unit}s read before the next is told")
        style.linear_axis(axes)
        ends = [end_of(name, line, color, axes) for (name, line), color in zip(losses.items(), colors, strict=True)]
        if len(losses) > 1:
            label_ends(axes, ends, points=(height - 0.7) * 72)
    with path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["position", *losses])
        writer.writerows([place, *map(str, row)] for place, row in enumerate(zip(*losses.values(), strict=True), 1))
    return path
