"""The runs of a sweep over their epochs: the middle half of a metric for each choice, and the share that succeeded.

Each of the best choices has a panel of its own, with all others in grey behind it, so that nothing has to be told apart
by its colour, and twenty choices are still a picture.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, PercentFormatter

from zoo.results import formats, numbers, paired, style
from zoo.results.trials import Choice, rises

MOST = 8
"""The most choices that have a panel."""
POINTS = 400
_BEHIND = "#C4C4C4"
_MOST_BEHIND = 60
_LOG_EPOCHS = 200  # from more epochs on, they are recorded at equal ratios, and drawn so
_LOG_SPAN = 20
_LINE, _MOST_LINES = 0.17, 4  # inches of a line of a title, and how many of them it may have


@dataclass(frozen=True)
class Course:
    """A value of one run over its epochs.

    Attributes:
        epochs: float [points], increasing, from 1.
        values: float [points].
        is_lost: Whether the run diverged or failed: it has no value from its last finite point on.
    """

    epochs: np.ndarray
    values: np.ndarray
    is_lost: bool = False


Courses = Mapping[Choice, Sequence[Course]]


@dataclass(frozen=True)
class _Band:
    """What is drawn of a choice: float [grid] each, and its last value in words."""

    label: str
    low: np.ndarray
    middle: np.ndarray
    high: np.ndarray
    end: str


def learning_curves(
    courses: Courses, labels: Mapping[Choice, str], metric: str, worst: float, folder: Path
) -> formats.Picture:
    """Draw the median of a metric over the epochs for each choice, with the band of the middle half of its runs.

    Args:
        courses: Of the metric, all runs of each choice, the best choice first.
        labels: What each choice is called.
        metric: Such as `val_loss`.
        worst: What a run counts as from where it diverged.
        folder: Where to write `learning_curves.png` and `.svg`.
    """
    grid = epoch_grid(courses)
    bands = []
    for choice, runs in courses.items():
        table = np.array([carried(one, grid, worst) for one in runs])
        low, middle, high = (paired.quantile(table.T, share) for share in (0.25, 0.5, 0.75))
        bands.append(_Band(labels[choice], low, middle, high, numbers.metric(metric, float(middle[-1]))))
    path = Path(folder) / "learning_curves.png"
    ends = np.concatenate([end for band in bands[:MOST] for end in (band.low, band.middle, band.high)])
    _draw(path, grid, bands, metric, lambda axes: _value_axis(axes, metric, ends[np.isfinite(ends)]))
    caption = _caption(f"The line is the median {metric} over the runs, the band the middle half of them", courses)
    return formats.Picture(path, "Learning curves", caption)


def success_rate(courses: Courses, labels: Mapping[Choice, str], what: str, folder: Path) -> formats.Picture:
    """Draw the share of runs that have succeeded by each epoch, with Wilson's 95 % interval.

    Args:
        courses: 1 where a run has succeeded and 0 where it has not, all runs of each choice, the best choice first.
        labels: What each choice is called.
        what: They succeeded at, such as `have solved the task`.
        folder: Where to write `success_rate.png` and `.svg`.
    """
    grid = epoch_grid(courses)
    bands = []
    for choice, runs in courses.items():
        successes = np.array([carried(one, grid, 0.0) for one in runs]).sum(axis=0)
        low, high = paired.wilson(successes, len(runs))
        end = f"{successes[-1]:.0f} of {len(runs)}"
        bands.append(_Band(labels[choice], low, successes / len(runs), high, end))
    path = Path(folder) / "success_rate.png"
    _draw(path, grid, bands, "share of the runs", _share_axis, drawstyle="steps-post")
    line = f"The line is the share of the runs that {what} by an epoch, the band Wilson's 95 % interval of that share"
    return formats.Picture(path, "Success rate", _caption(line, courses))


def epoch_grid(courses: Courses) -> np.ndarray:
    """Return the epochs at which some run has a point, of more than 400 that many of them."""
    recorded = [one.epochs for runs in courses.values() for one in runs if one.epochs.size]
    grid = np.unique(np.concatenate(recorded)) if recorded else np.ones(1)
    if len(grid) > POINTS:
        grid = grid[np.unique(np.linspace(0, len(grid) - 1, POINTS).astype(int))]
    return grid


def carried(course: Course, grid: np.ndarray, worst: float) -> np.ndarray:
    """Return a run's values at the epochs of a grid: between two points, and after the end, the last one counts.

    Args:
        course: The run.
        grid: float [n], increasing.
        worst: The value of a run that is lost, from its last finite point on, and of one that has no finite point.

    Returns:
        float [n].
    """
    finite = np.isfinite(course.values)
    epochs, values = course.epochs[finite], course.values[finite]
    if not values.size:
        return np.full(len(grid), worst)
    found = values[np.maximum(np.searchsorted(epochs, grid, side="right") - 1, 0)]
    return np.where(grid > epochs[-1], worst, found) if course.is_lost else found


def _draw(
    path: Path,
    grid: np.ndarray,
    bands: list[_Band],
    value: str,
    scale: Callable[[Axes], None],
    drawstyle: str = "default",
) -> None:
    """Draw a panel for each of the best choices.

    Args:
        path: Of the PNG.
        grid: The epochs.
        bands: Of all choices, the best first.
        value: What the y axis shows.
        scale: Sets limits and ticks of the y axis of the axes that it is given.
        drawstyle: As matplotlib calls it.
    """
    drawn = bands[:MOST]
    columns = {1: 1, 2: 2, 3: 3, 4: 2, 5: 3, 6: 3}.get(len(drawn), 4)
    rows = -(-len(drawn) // columns)
    names = _titles([band.label for band in drawn], {1: 50, 2: 34, 3: 30}.get(columns, 28))
    width, height = {1: (6.4, 3.6), 2: (4.4, 2.9), 3: (3.6, 2.6)}.get(columns, (3.1, 2.5))
    height += _LINE * max(name.count("\n") for name in names)
    with formats.picture(path, width * columns, height * rows) as figure:
        panels = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for place, axes in enumerate(panels.flat):
            if place >= len(drawn):
                axes.set_axis_off()
                continue
            for other in bands[:_MOST_BEHIND]:
                axes.plot(grid, _finite(other.middle), color=_BEHIND, linewidth=0.6, zorder=1, drawstyle=drawstyle)
            band, color = drawn[place], style.PALETTE[0]
            low, high = np.clip(band.low, -1e300, 1e300), np.clip(band.high, -1e300, 1e300)
            step = "post" if drawstyle == "steps-post" else None
            axes.fill_between(grid, low, high, color=color, alpha=0.25, linewidth=0, step=step, zorder=2)
            axes.plot(grid, _finite(band.middle), color=color, linewidth=1.8, zorder=3, drawstyle=drawstyle)
            _epoch_axis(axes, float(grid[-1]))
            scale(axes)
            axes.set_title(names[place])
            # A share leaves the upper left free, a loss the upper right, and an accuracy the lower right.
            x, side = (0.98, "right") if drawstyle == "default" else (0.03, "left")
            y, edge = (0.04, "bottom") if rises(value) else (0.96, "top")
            axes.text(
                x, y, band.end, transform=axes.transAxes, ha=side, va=edge, color=style.INK,
                fontsize=style.FONT_SIZE - 1, zorder=4,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1.5},
            )  # fmt: skip
            if place % columns == 0:
                axes.set_ylabel(value)
            if place + columns >= len(drawn):
                axes.set_xlabel("epoch")
                axes.tick_params(labelbottom=True)
            else:
                axes.set_xlabel("")


def _titles(labels: Sequence[str], limit: int) -> list[str]:
    """Return the titles of panels: where a label is too long for a line, each of its parts on one of its own."""
    parts = [label.split(" + ") for label in labels]
    fit = all(len(own) <= _MOST_LINES and max(map(len, own)) <= limit for own in parts)
    if max(map(len, labels)) <= limit or not fit:
        return style.shorten(labels, limit)
    return ["\n".join(own) for own in parts]


def _epoch_axis(axes: Axes, last: float) -> None:
    if last <= _LOG_EPOCHS:
        style.epoch_axis(axes, int(last))
        return
    axes.set_xscale("log")
    axes.set_xlim(1, last)
    axes.xaxis.set_major_locator(LogLocator(numticks=9))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: style.decimal(value)))


def _share_axis(axes: Axes) -> None:
    axes.set_ylim(-0.02, 1.02)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
    axes.grid(True)


def _value_axis(axes: Axes, metric: str, shown: np.ndarray) -> None:
    """Choose the limits by what has a panel: one hopeless choice must not flatten all others."""
    if not shown.size:
        style.linear_axis(axes)
        return
    low, high = float(shown.min()), float(shown.max())
    if low > 0 and high > _LOG_SPAN * low and "accuracy" not in metric:
        margin = (high / low) ** 0.04
        axes.set_ylim(low / margin, high * margin)
        style.log_axis(axes)
    else:
        margin = 0.04 * (high - low) or 0.5
        axes.set_ylim(low - margin, high + margin)
        style.linear_axis(axes)


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)


def _caption(line: str, courses: Courses) -> str:
    several = f" The best {MOST} of {len(courses)} choices have a panel." if len(courses) > MOST else ""
    grey = " The other choices are in grey." if len(courses) > 1 else ""
    return (
        f"{line}; the number is where it ends. A run that ended early keeps its last value; one that diverged or "
        f"failed counts as the worst there is from then on.{grey}{several}"
    )
