"""Every run of every choice on one scale: how the values spread, and where their middle half lies."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from zoo.results import formats, style
from zoo.results.leaderboard import Leaderboard, Row

MOST = 40
"""The most choices that are drawn."""
_LOG_SPAN = 20
_BAR = 0.32  # half the height of a box


def strips(board: Leaderboard, folder: Path) -> formats.Picture:
    """Draw a point for each run and a box for the middle half of each choice, the best choice on top.

    Args:
        board: Of the sweep; its best 40 choices are drawn.
        folder: Where to write `spread.png` and `.svg`.
    """
    rows = board.rows[:MOST]
    values = [board.trials.values(row.choice) for row in rows]
    labels = style.shorten([row.label for row in rows], 34)
    finite = np.concatenate([own[np.isfinite(own)] for own in values])
    any_lost = any(row.lost for row in rows)
    path = Path(folder) / "spread.png"
    width = 5.6 + 0.075 * max(map(len, labels))
    with formats.picture(path, width, height=1.0 + 0.32 * len(rows)) as figure:
        axes = figure.subplots()
        for place, (row, own) in enumerate(zip(rows, values, strict=True)):
            _strip(axes, place, row, own)
        if finite.size:
            _value_axis(axes, finite)
        axes.set_title(f"best {board.trials.metric} of each run")
        axes.set_yticks(range(len(rows)), labels)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(f"{board.trials.metric} ({'more' if board.trials.rises else 'less'} is better)")
        for place, row in enumerate(rows):
            if row.lost:
                axes.text(
                    1.01, place, f"✕ {row.lost} of {row.runs}", transform=axes.get_yaxis_transform(), va="center",
                    fontsize=style.FONT_SIZE - 1, color=style.PALETTE[1],
                )  # fmt: skip
    more = f" The best {MOST} of {len(board.rows)} choices are drawn." if len(board.rows) > MOST else ""
    caption = (
        "A point is the best value of one run, a box the middle half of a choice's runs, its line their median."
        + (" ✕ counts the runs that diverged or failed; they have no point, but count in box and median." * any_lost)
        + more
    )
    return formats.Picture(path, "All runs", caption)


def _strip(axes: Axes, place: int, row: Row, values: np.ndarray) -> None:
    axes.axhline(place, color=style.GRID, linewidth=0.6, zorder=0)
    finite = values[np.isfinite(values)]
    color = style.PALETTE[0] if row.tied else style.FAINT
    if np.isfinite([row.low, row.high]).all() and len(values) > 2:
        axes.fill_between(
            [row.low, row.high], place - _BAR, place + _BAR, color=color, alpha=0.22, linewidth=0, zorder=1
        )
    # Spread by their order, so that points of equal value stay apart and the picture is the same each time.
    spread = ((np.arange(len(finite)) * 0.618034) % 1 - 0.5) * 2 * (_BAR - 0.06) if len(finite) > 1 else np.zeros(1)
    axes.scatter(
        finite, place + spread[: len(finite)], s=11 if len(finite) <= 60 else 6, color=color, alpha=0.65, linewidths=0,
        zorder=2,
    )  # fmt: skip
    if np.isfinite(row.median):
        axes.plot([row.median] * 2, [place - _BAR, place + _BAR], color=style.INK, linewidth=1.8, zorder=3)


def _value_axis(axes: Axes, values: np.ndarray) -> None:
    low, high = float(values.min()), float(values.max())
    if low > 0 and high > _LOG_SPAN * low:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(numticks=7))
        text = style.scientific if low < 1e-4 or high > 1e5 else style.decimal
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        text = style.decimal
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axes.grid(True, axis="x")
