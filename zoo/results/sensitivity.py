"""How much depends on a number, such as the learning rate: the median over its values, with the middle half of runs."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from zoo.results import formats, numbers, style
from zoo.results.leaderboard import Leaderboard, Row
from zoo.results.trials import Trials, number, short, spoken

RATES = ("optimizer.learning_rate", "sweep.lr_scale")
_FEWEST = 3  # values of another number that make a line
MOST = 12
"""The most panels; those of the best choices are drawn."""
_LOG_SPAN = 20
_BEHIND = "#C4C4C4"


@dataclass(frozen=True)
class _Line:
    """What the rest of a choice reaches over the values of a number, in their order."""

    label: str
    values: np.ndarray
    rows: list[Row]
    places: list[int]
    is_rate: bool

    @property
    def best(self) -> int | None:
        """The place of the best value; None where all runs of all were lost."""
        place = min(range(len(self.rows)), key=self.places.__getitem__)
        return place if math.isfinite(self.rows[place].median) else None

    @property
    def edge(self) -> str:
        """`lowest` or `highest` where the best learning rate is the last of its grid; empty where it is inside."""
        if self.best is None or len(self.rows) < 2 or not self.is_rate:
            return ""
        return {0: "lowest", len(self.rows) - 1: "highest"}.get(self.best, "")


def swept_number(trials: Trials) -> str | None:
    """Return the swept key to draw over: a learning rate or its multiplier, else one with three numbers, or None."""
    for key in RATES:
        if key in trials.keys:
            return key
    for place, key in enumerate(trials.keys):
        values = {number(choice[place]) for choice in trials.choices}
        if len(values) >= _FEWEST and None not in values:
            return key
    return None


def sensitivity(board: Leaderboard, folder: Path) -> formats.Picture:
    """Draw the metric over a number, a panel for each choice of what else was swept.

    Args:
        board: Of a sweep over a number; see `swept_number`.
        folder: Where to write `learning_rates.png` and `.svg`, or `by_length.png` of a key `data.length`.

    Raises:
        ValueError: No number was swept.
    """
    keys = board.trials.keys
    key = swept_number(board.trials)
    if key is None:
        raise ValueError(
            f"Expected {RATES[0]}, {RATES[1]} or a key of {_FEWEST} numbers to be swept. Received: {', '.join(keys)}."
        )
    what = "learning rate" if key in RATES else short(key, keys)
    lines = _lines(board, key)
    drawn = lines[:MOST]
    columns = 1 if len(drawn) == 1 else 2 if len(drawn) in (2, 4) else 3
    count = -(-len(drawn) // columns)
    path = Path(folder) / ("learning_rates.png" if key in RATES else f"by_{what}.png")
    limits = _limits(drawn)
    with formats.picture(
        path, 6.2 if columns == 1 else 3.5 * columns, (3.6 if columns == 1 else 2.6) * count
    ) as figure:
        grid = figure.subplots(count, columns, squeeze=False, sharex=True, sharey=True)
        for place, axes in enumerate(grid.flat):
            if place >= len(drawn):
                axes.set_axis_off()
                continue
            for other in drawn:
                _trace(axes, other, behind=True)
            _trace(axes, drawn[place])
            _axes(axes, lines, limits, board.trials.metric)
            _mark(axes, drawn[place])
            axes.set_title(style.shorten([drawn[place].label], 20 if drawn[place].edge and columns > 1 else 34)[0])
            if place + columns >= len(drawn):
                axes.set_xlabel("times the optimizer's own learning rate" if key == RATES[1] else what)
                axes.tick_params(labelbottom=True)
            if place % columns == 0:
                axes.set_ylabel(f"median {board.trials.metric}")
    title = "Learning rates" if key in RATES else f"By {what}"
    return formats.Picture(path, title, _caption(board, what, len(drawn), len(lines)), _warning(lines, key))


def _lines(board: Leaderboard, swept: str) -> list[_Line]:
    """Return a line for each choice of the other keys, the best first."""
    keys = board.trials.keys
    at = keys.index(swept)
    found: dict[str, list[tuple[float, int, Row]]] = {}
    for place, row in enumerate(board.rows):
        others = [spoken(key, value, keys) for key, value in zip(keys, row.choice, strict=True) if key != swept]
        if (value := number(row.choice[at])) is not None and (value > 0 or swept not in RATES):
            found.setdefault(" + ".join(others) or board.trials.name, []).append((value, place, row))
    lines = []
    for label, pairs in found.items():
        pairs.sort(key=lambda pair: pair[0])
        values, places, rows = zip(*pairs, strict=True)
        lines.append(_Line(label, np.array(values), list(rows), list(places), swept in RATES))
    return lines


def _trace(axes: Axes, line: _Line, behind: bool = False) -> None:
    middle = np.array([row.median for row in line.rows])
    finite = np.isfinite(middle)
    if behind:
        axes.plot(line.values, np.where(finite, middle, np.nan), color=_BEHIND, linewidth=0.9, zorder=1)
        return
    color = style.PALETTE[0]
    low, high = (np.array([getattr(row, end) for row in line.rows]) for end in ("low", "high"))
    # Where a quartile was lost, the band goes on to the edge of the picture.
    low, high = (np.clip(end, -1e300, 1e300) for end in (low, high))
    axes.fill_between(line.values, low, high, where=finite, color=color, alpha=0.2, linewidth=0, zorder=2)
    axes.plot(line.values, np.where(finite, middle, np.nan), color=color, marker="o", markersize=4, zorder=3)
    if line.best is not None:
        axes.plot(
            line.values[line.best], middle[line.best], "o", markersize=9, markerfacecolor="none",
            markeredgecolor=style.INK, markeredgewidth=1.4, zorder=4, clip_on=False,
        )  # fmt: skip


def _mark(axes: Axes, line: _Line) -> None:
    """Mark lost runs along the top, and beside the title a best value on the edge of the grid."""
    size = style.FONT_SIZE - 1.5
    for value, row in zip(line.values, line.rows, strict=True):
        if row.lost:
            text = "✕" if row.lost == row.runs == 1 else f"✕\n{row.lost}/{row.runs}"
            axes.text(
                value, 0.98, text, transform=axes.get_xaxis_transform(), ha="center", va="top", color=style.PALETTE[1],
                fontsize=size, linespacing=0.95, zorder=5,
            )  # fmt: skip
    if line.edge:
        axes.set_title(
            "← extend the grid" if line.edge == "lowest" else "extend the grid →",
            loc="right", color=style.PALETTE[1], fontsize=size, fontweight="bold",
        )  # fmt: skip


def _limits(lines: list[_Line]) -> tuple[float, float] | None:
    """Return the lowest and highest finite median or quartile of all lines."""
    ends = [value for line in lines for row in line.rows for value in (row.median, row.low, row.high)]
    finite = [value for value in ends if math.isfinite(value)]
    return (min(finite), max(finite)) if finite else None


def _axes(axes: Axes, lines: list[_Line], limits: tuple[float, float] | None, metric: str) -> None:
    values = np.unique(np.concatenate([line.values for line in lines]))
    if lines[0].is_rate or (values[0] > 0 and values[-1] > _LOG_SPAN * values[0]):
        axes.set_xscale("log")
        axes.set_xlim(values[0] / 1.6, values[-1] * 1.6)
    else:
        margin = 0.06 * (values[-1] - values[0]) or 1.0
        axes.set_xlim(values[0] - margin, values[-1] + margin)
    axes.xaxis.set_major_locator(FixedLocator(list(values[:: style.every(len(values), room=6)])))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: style.decimal(value)))
    low, high = limits or (0.0, 1.0)
    if low > 0 and high > _LOG_SPAN * low and "accuracy" not in metric:
        axes.set_ylim(low / (high / low) ** 0.08, high * (high / low) ** 0.22)  # room for the marks on top
        style.log_axis(axes)
    else:
        span = high - low or abs(high) or 1.0
        axes.set_ylim(low - 0.12 * span, high + 0.25 * span)
        style.linear_axis(axes)


def _caption(board: Leaderboard, what: str, drawn: int, lines: int) -> str:
    several = " The other choices are in grey." if drawn > 1 else ""
    more = f" The best {drawn} of {lines} are drawn." if drawn < lines else ""
    return (
        f"The line is the median of the best {board.trials.metric} over the runs, the band the middle half, the ring "
        f"the best {what}. ✕ marks runs that diverged or failed, as a part of all.{several}{more}"
    )


def _warning(lines: list[_Line], key: str) -> str:
    edges = {end: [line.label for line in lines if line.edge == end] for end in ("lowest", "highest")}
    parts = [
        f"the {end} value of {short(key)} is the best for {numbers.listed(labels)}"
        for end, labels in edges.items()
        if labels
    ]
    if not parts:
        return ""
    return f"On the edge of the grid: {'; '.join(parts)}. A better value may lie beyond: extend the grid there."
