"""Two swept keys against each other: the median in each cell, dark for good, with the runs that were lost."""

import math
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from zoo.results import formats, numbers, style
from zoo.results.leaderboard import Leaderboard, Row
from zoo.results.trials import in_order, short

_LOG_SPAN = 20
_LOST = "#EEEEEE"
# The worst cell, too, is to be told from the paper.
_RAMP = LinearSegmentedColormap.from_list("share from pale", style.SHARE(np.linspace(0.1, 1, 64)))


def heat_map(board: Leaderboard, down: str, across: str, folder: Path) -> formats.Picture:
    """Draw the medians of two keys, rows and columns from best to worst (numbers in their order).

    Where further keys were swept, a cell shows its best choice.

    Args:
        board: Of the sweep.
        down: The key whose values are the rows.
        across: The key whose values are the columns.
        folder: Where to write `heat_map.png` and `.svg`.
    """
    keys = board.trials.keys
    cells = _cells(board, keys.index(down), keys.index(across))
    rows, columns = (in_order(_scores(cells, side, board.trials.rises)) for side in (0, 1))
    medians = np.full((len(rows), len(columns)), np.nan)
    for (row, column), found in cells.items():
        medians[rows.index(row), columns.index(column)] = found.median
    names = style.shorten(rows, 22), style.shorten(columns, 22)
    longest = max(map(len, names[1]))
    turned = longest > 7
    width = 1.6 + 0.075 * max(map(len, names[0])) + max(0.72 * len(columns), 2.2)
    height = 0.75 + (0.06 * longest if turned else 0.2) + max(0.46 * len(rows), 0.9)
    path = Path(folder) / "heat_map.png"
    title = f"median {board.trials.metric} by {short(down, keys)} and {short(across, keys)}"
    with formats.picture(path, width, height) as figure:
        axes = figure.subplots()
        norm = _norm(medians)
        good_is_low = not board.trials.rises
        ramp = _RAMP.reversed() if good_is_low else _RAMP
        image = axes.imshow(np.ma.masked_invalid(medians), cmap=ramp, norm=norm, aspect="auto", interpolation="nearest")
        axes.set_xticks(
            range(len(columns)), names[1], rotation=45 if turned else 0, ha="right" if turned else "center",
            rotation_mode="anchor" if turned else "default",
        )  # fmt: skip
        axes.set_yticks(range(len(rows)), names[0])
        axes.set_xticks(np.arange(1, len(columns)) - 0.5, minor=True)
        axes.set_yticks(np.arange(1, len(rows)) - 0.5, minor=True)
        axes.grid(True, which="minor", color="white", linewidth=1.5)
        axes.tick_params(which="both", length=0)
        axes.spines[:].set_visible(False)
        axes.set_xlabel(short(across, keys))
        axes.set_ylabel(short(down, keys))
        axes.set_title(title)
        for (row, column), found in cells.items():
            at = rows.index(row), columns.index(column)
            shade = norm(found.median) if math.isfinite(found.median) else math.nan
            _fill(axes, at, found, board, (1 - shade) if good_is_low else shade)
        if np.isfinite(medians).any():
            _scale(figure.colorbar(image, ax=axes, aspect=24, pad=0.02), norm, good_is_low)
    further = len(keys) > 2
    caption = (
        f"Each cell is the median of the best {board.trials.metric} over its runs; darker is better, and the frame is "
        f"around the best. ✕ counts the runs that diverged or failed, which count as the worst there is."
        + (" Of the other swept keys, the best choice of each cell is shown." if further else "")
        + (" Empty cells were not run." if len(cells) < len(rows) * len(columns) else "")
    )
    return formats.Picture(path, f"{short(down, keys)} × {short(across, keys)}", caption)


def _cells(board: Leaderboard, down: int, across: int) -> dict[tuple[str, str], Row]:
    """Return the best row of the leaderboard for each pair of values."""
    found: dict[tuple[str, str], Row] = {}
    for row in board.rows:
        found.setdefault((row.choice[down], row.choice[across]), row)
    return found


def _scores(cells: dict[tuple[str, str], Row], side: int, falls: bool) -> dict[str, float]:
    """Return what each value of a key scored, lower for better: the mean rank of its cells."""
    ranks: dict[str, list[int]] = {}
    for pair, row in cells.items():
        ranks.setdefault(pair[side], []).append(row.rank)
    return {name: float(np.mean(own)) for name, own in ranks.items()}


def _norm(medians: np.ndarray) -> Normalize:
    finite = medians[np.isfinite(medians)]
    if not finite.size:
        return Normalize(0, 1)
    low, high = float(finite.min()), float(finite.max())
    if low > 0 and high > _LOG_SPAN * low:
        return LogNorm(low, high)
    return Normalize(low, high if high > low else low + 1)


def _fill(axes: Axes, at: tuple[int, int], row: Row, board: Leaderboard, shade: float) -> None:
    """Write into a cell: the median, and below it how many runs were lost."""
    if not math.isfinite(row.median):
        axes.add_patch(Rectangle((at[1] - 0.5, at[0] - 0.5), 1, 1, facecolor=_LOST, edgecolor="white", linewidth=1.5))
    color = "white" if shade > 0.45 else style.INK
    size = style.FONT_SIZE - 1
    lines = [(_short(board.trials.metric, row.median), size)]
    if row.lost:
        lines.append((f"✕ {row.lost}", size - 1))
    for number, (text, fontsize) in enumerate(lines):
        height = at[0] + 0.36 * (number - (len(lines) - 1) / 2)
        cell = axes.text(at[1], height, text, ha="center", va="center", color=color, fontsize=fontsize)
        cell.set_in_layout(False)
    if board.best is not None and row is board.rows[0]:
        axes.add_patch(
            Rectangle((at[1] - 0.47, at[0] - 0.47), 0.94, 0.94, fill=False, edgecolor="#E69F00", linewidth=2.2)
        )


def _short(metric: str, value: float) -> str:
    """Return a value in few characters: `.9712` for an accuracy."""
    text = numbers.metric(metric, value)
    return text.removeprefix("0") if "accuracy" in metric else text


def _scale(bar, norm: Normalize, good_is_low: bool) -> None:  # type: ignore[no-untyped-def]
    bar.outline.set_visible(False)
    if isinstance(norm, LogNorm):
        bar.ax.yaxis.set_major_locator(LogLocator(numticks=6))
        text = style.scientific
    else:
        bar.ax.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
        text = style.decimal
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    if good_is_low:
        bar.ax.invert_yaxis()  # dark, the good end, on top
