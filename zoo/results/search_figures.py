"""The pictures of a search: how it got on, trial by trial, and what came of each value that was tried."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from zoo.results import formats, style
from zoo.results.leaderboard import Leaderboard
from zoo.results.trials import Trial, is_better, number, rises, short

MOST = 9
"""The most keys that have a panel."""
PRUNED = "pruned"
_LOG_SPAN = 20
_BEYOND = 4  # times the distance from the best to the middle one
_ROOM = 5  # labels along the x axis of a panel


@dataclass(frozen=True)
class Tried:
    """A trial of a search.

    Attributes:
        number: Counted from 0, in the order of the search.
        trial: What was tried, and what came of it.
    """

    number: int
    trial: Trial


def pictures(
    tried: Sequence[Tried],
    board: Leaderboard,
    folder: Path,
    *,
    log_keys: Sequence[str] = (),
    importance: Mapping[str, float] | None = None,
) -> list[formats.Picture]:
    """Draw a search.

    Args:
        tried: Its trials.
        board: Of the same trials.
        folder: Where to write `history` and `slices`, as PNG and SVG.
        log_keys: The keys whose numbers were drawn on a logarithmic scale.
        importance: The share of the differences that each key explains, if that is known.
    """
    ordered = sorted(tried, key=lambda one: one.number)
    drawn = [history(ordered, board.trials.metric, folder)]
    if board.trials.keys and any(not one.trial.is_lost for one in ordered):
        drawn.append(slices(ordered, board, folder, log_keys=log_keys, importance=importance or {}))
    return drawn


def history(tried: Sequence[Tried], metric: str, folder: Path) -> formats.Picture:
    """Draw the value of each trial and the best so far, in the order of the trials.

    Args:
        tried: In that order.
        metric: That they are compared by.
        folder: Where to write `history.png` and `.svg`.
    """
    path = Path(folder) / "history.png"
    numbers = np.array([one.number + 1 for one in tried])
    values = np.array([math.nan if one.trial.is_lost else one.trial.value for one in tried])
    with formats.picture(path, 6.2, 3.4) as figure:
        axes = figure.subplots()
        _points(axes, numbers, _within(values, metric), tried)
        best = _best_so_far(values, metric)
        axes.step(numbers, best, where="post", color=style.PALETTE[1], zorder=2, label="best so far")
        axes.set_xlim(0, numbers.max() + 1)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
        axes.set_xlabel("trial")
        axes.set_ylabel(metric)
        _scale(axes, values, metric)
        _mark_lost(axes, numbers[np.isnan(values)])
        axes.legend(frameon=False, fontsize=style.FONT_SIZE - 1.5)
    caption = (
        f"Each trial with its best {metric}, {'higher' if rises(metric) else 'lower'} being better; the line is the "
        f"best up to there. {_legend(tried, metric)}"
    )
    return formats.Picture(path, "The search", caption)


def slices(
    tried: Sequence[Tried],
    board: Leaderboard,
    folder: Path,
    *,
    log_keys: Sequence[str] = (),
    importance: Mapping[str, float],
) -> formats.Picture:
    """Draw the value of each trial over each key that was searched, a panel for each, the most important first.

    Args:
        tried: The trials.
        board: Of them.
        folder: Where to write `slices.png` and `.svg`.
        log_keys: The keys whose numbers were drawn on a logarithmic scale.
        importance: The share of the differences that each key explains.
    """
    trials = board.trials
    keys = sorted(trials.keys, key=lambda key: -importance.get(key, 0.0))[:MOST]
    columns = min(3, len(keys)) if len(keys) != 4 else 2
    rows = -(-len(keys) // columns)
    values = np.array([math.nan if one.trial.is_lost else one.trial.value for one in tried])
    path = Path(folder) / "slices.png"
    with formats.picture(path, max(4.4, 3.2 * columns), 2.7 * rows) as figure:
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
        for place, axes in enumerate(grid.flat):
            if place >= len(keys):
                axes.set_axis_off()
                continue
            key = keys[place]
            chosen = [one.trial.choice[trials.keys.index(key)] for one in tried]
            places = _axis(axes, chosen, is_log=key in log_keys)
            _points(axes, places, _within(values, trials.metric), tried, by_number=True)
            _scale(axes, values, trials.metric)
            _mark_lost(axes, places[np.isnan(values)])
            _ring(axes, places, values, board, tried)
            share = f" ({importance[key]:.0%})".replace("%", " %") if key in importance else ""
            axes.set_title(f"{short(key, trials.keys)}{share}")
            if place % columns == 0:
                axes.set_ylabel(trials.metric)
    more = f" The first {len(keys)} of {len(trials.keys)} keys are drawn." if len(keys) < len(trials.keys) else ""
    explained = (
        " In brackets is how much of the differences a key explains: Optuna's estimate, without the pruned trials."
        if importance
        else ""
    )
    caption = (
        f"Each trial with its best {trials.metric} over the value that it had, the later the darker; the ring is the "
        f"best one. {_legend(tried, trials.metric)}{explained}{more}"
    )
    return formats.Picture(path, "What was tried", caption)


def _points(
    axes: Axes, places: np.ndarray, values: np.ndarray, tried: Sequence[Tried], *, by_number: bool = False
) -> None:
    """Draw trials as points: full ones that came to their end, and hollow ones that were pruned."""
    pruned = np.array([one.trial.outcome == PRUNED for one in tried])
    numbers = np.array([one.number for one in tried], float)
    shades = style.SHARE(0.3 + 0.7 * numbers / max(1.0, numbers.max())) if by_number else None
    for chosen, marker, label in ((~pruned, "o", "trials"), (pruned, "v", "pruned")):
        some = chosen & np.isfinite(values)
        if some.any():
            color = shades[some] if shades is not None else style.PALETTE[0]
            face = "none" if marker == "v" else color
            axes.scatter(
                places[some], values[some], s=22, marker=marker, zorder=3, label=label, linewidths=1.1,
                facecolors=face, edgecolors=color,
            )  # fmt: skip


def _axis(axes: Axes, chosen: Sequence[str], *, is_log: bool) -> np.ndarray:
    """Lay out the x axis for the values of a key, and return where each of them is, float [trials]."""
    found = [number(text) for text in chosen]
    if all(one is not None for one in found):
        places = np.array(found, float)
        low, high = places.min(), places.max()
        if is_log and low > 0:
            axes.set_xscale("log")
            axes.set_xlim(low / 1.4, high * 1.4)
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,), numticks=7))
        else:
            margin = 0.06 * (high - low) or 1.0
            axes.set_xlim(low - margin, high + margin)
            axes.xaxis.set_major_locator(MaxNLocator(nbins=_ROOM))
        text = style.scientific if is_log and low < 1e-3 else style.decimal
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value) if value > 0 or not is_log else ""))
        axes.xaxis.set_minor_locator(NullLocator())
        return places
    names = sorted(set(chosen))
    axes.set_xticks(range(len(names)), style.shorten(names, 14), rotation=30 if len(names) > _ROOM else 0)
    axes.set_xlim(-0.6, len(names) - 0.4)
    return np.array([names.index(one) for one in chosen], float)


def _limits(values: np.ndarray, metric: str) -> tuple[float, float]:
    """Return the lowest and highest value that is drawn: of the bad ones, those at the edge stand for all beyond."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    middle = float(np.median(finite))
    if rises(metric):
        return max(low, middle - _BEYOND * (high - middle)) if high > middle else low, high
    return low, min(high, middle + _BEYOND * (middle - low)) if middle > low else high


def _within(values: np.ndarray, metric: str) -> np.ndarray:
    return np.clip(values, *_limits(values, metric))


def _scale(axes: Axes, values: np.ndarray, metric: str) -> None:
    low, high = _limits(values, metric)
    if low > 0 and high > _LOG_SPAN * low and not rises(metric):
        axes.set_ylim(low / 1.3, high * 2)
        style.log_axis(axes)
        return
    margin = high - low or abs(high) or 1.0
    axes.set_ylim(low - 0.08 * margin, high + 0.16 * margin)
    style.linear_axis(axes)


def _mark_lost(axes: Axes, places: np.ndarray) -> None:
    for place in places:
        axes.text(
            place, 0.97, "✕", transform=axes.get_xaxis_transform(), ha="center", va="top", color=style.PALETTE[1],
            fontsize=style.FONT_SIZE - 1.5,
        )  # fmt: skip


def _ring(axes: Axes, places: np.ndarray, values: np.ndarray, board: Leaderboard, tried: Sequence[Tried]) -> None:
    for place, value, one in zip(places, values, tried, strict=True):
        if board.best is not None and one.trial.choice == board.best.choice and math.isfinite(value):
            axes.plot(place, value, "o", markersize=10, markerfacecolor="none", markeredgecolor=style.INK, zorder=4)


def _best_so_far(values: np.ndarray, metric: str) -> np.ndarray:
    best, found = math.nan, []
    for value in values:
        if math.isfinite(value) and (math.isnan(best) or is_better(metric, value, best)):
            best = value
        found.append(best)
    return np.array(found)


def _legend(tried: Sequence[Tried], metric: str) -> str:
    told = []
    values = np.array([math.nan if one.trial.is_lost else one.trial.value for one in tried])
    if np.any(_within(values, metric) != values, where=np.isfinite(values)):
        told.append(f"Trials on the {'lower' if rises(metric) else 'upper'} edge lie beyond it.")
    if any(one.trial.outcome == PRUNED for one in tried):
        told.append("A triangle is a trial that was pruned.")
    if any(one.trial.is_lost for one in tried):
        told.append("✕ marks trials that diverged or failed.")
    return " ".join(told)
