"""Lines over the epochs, each named at its end: that spares a legend, and the way there and back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb

from zoo.results import style

LONG = 300
"""From more points than these on, a line is drawn without dashes."""


@dataclass(frozen=True)
class EndLabel:
    """The name of a line, to be written at its end: `y` is where the line ends, in data."""

    text: str
    y: float
    color: Any


def draw_line(
    axes: Axes, epochs: np.ndarray, values: np.ndarray, color: Any, dashes: Any, behind: bool = False
) -> None:
    """Draw values over epochs; one between two gaps, a line with no length, becomes a point.

    Args:
        axes: Where to draw.
        epochs: int [n].
        values: float [n]; NaN leaves a gap.
        color: In any form that matplotlib takes.
        dashes: matplotlib's line style.
        behind: Whether another line is drawn over this one.
    """
    if len(values) <= LONG:
        axes.plot(epochs, values, color=color, linestyle=dashes)
    else:
        # Dashes drown in the noise of a long run: a broad pale line behind a thin one tells the two apart as well.
        axes.plot(epochs, values, color=color, linewidth=2.4 if behind else 0.9, alpha=0.45 if behind else 1)
    present = np.isfinite(values)
    neighbours = np.pad(present, 1)
    alone = present & ~neighbours[:-2] & ~neighbours[2:]
    if alone.any():
        axes.plot(epochs[alone], values[alone], color=color, linestyle="none", marker="o", markersize=4)


def finite(values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return the values as floats, NaN where they are not finite or so large that an axis could not hold them."""
    array = np.asarray(values, dtype=float)
    return np.where(np.abs(array) < 1e150, array, np.nan)


def end_of(text: str, values: np.ndarray, color: Any, axes: Axes) -> EndLabel | None:
    """Return the label of a line at its last value that can be shown; None where there is none.

    Args:
        text: The line's name.
        values: float [n], NaN where there is a gap.
        color: Of the line.
        axes: Where it is drawn, with its limits final.
    """
    shown = values[np.isfinite(values)]
    if not shown.size:
        return None
    low = axes.get_ylim()[0]
    return EndLabel(text, max(float(shown[-1]), low), color)


def mark_zeros(axes: Axes, norms: np.ndarray, colors: Sequence[Any] | np.ndarray) -> None:
    """Show norms of exactly zero, which a logarithmic axis has no place for, along its foot.

    Args:
        axes: Where they are to be drawn, from 1 on.
        norms: float [n, lines].
        colors: Of the lines.
    """
    for column, color in zip(norms.T, colors, strict=True):
        at = np.flatnonzero(column == 0)
        if at.size:
            at = at[:: style.every(at.size, room=25)]
            foot = axes.get_xaxis_transform()
            axes.plot(at + 1, np.zeros(at.size), "v", color=color, markersize=5, transform=foot, clip_on=False)


def label_ends(axes: Axes, labels: Iterable[EndLabel | None], points: float) -> None:
    """Write the names of lines to the right of the axes, each as near the end of its line as its neighbours allow.

    Args:
        axes: Where the lines are drawn, with its limits and scales final.
        labels: The names; None is skipped.
        points: The height of the axes in points, roughly: the layout fixes it only later.
    """
    shown = [label for label in labels if label]
    if not shown:
        return
    ends = axes.transAxes.inverted().transform(axes.transData.transform([(1.0, label.y) for label in shown]))[:, 1]
    ends = np.clip(ends, 0, 1)
    size = style.FONT_SIZE - 0.5
    heights = spread(ends, 1.35 * size / points)
    for label, end, height in zip(shown, ends, heights, strict=True):
        color = _darker(label.color)
        axes.text(1.03, height, label.text, transform=axes.transAxes, va="center", color=color, fontsize=size)
        axes.plot([1.0, 1.025], [end, height], transform=axes.transAxes, color=color, linewidth=0.7, clip_on=False)


def spread(positions: np.ndarray, gap: float) -> np.ndarray:
    """Return the positions nearest to those given (least squares) that lie at least `gap` apart and within 0 to 1.

    With the gaps taken out, this is isotonic regression, solved by pooling adjacent violators.

    Args:
        positions: float [n].
        gap: The smallest distance between two neighbours; less where n of them do not fit.

    Returns:
        float [n], in the order of `positions`.
    """
    count = len(positions)
    gap = min(gap, 1 / max(count - 1, 1))
    order = np.argsort(positions, kind="stable")
    offsets = gap * np.arange(count)
    pools: list[list[float]] = []
    for target in np.asarray(positions, dtype=float)[order] - offsets:
        pools.append([target])
        while len(pools) > 1 and np.mean(pools[-2]) > np.mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    pooled = np.concatenate([np.full(len(pool), np.mean(pool)) for pool in pools])
    result = np.empty(count)
    result[order] = np.clip(pooled, 0, 1 - gap * (count - 1)) + offsets
    return result


def _darker(color: Any) -> tuple[float, ...]:
    """Return a colour dark enough for small type on white."""
    red, green, blue = to_rgb(color)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    factor = min(1.0, 0.42 / max(luminance, 1e-6))
    return (red * factor, green * factor, blue * factor)
