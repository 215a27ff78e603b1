"""Which pictures the runs of a sweep call for: by what was swept, and by what was recorded."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.results.formats import Picture
from zoo.results.heatmap import heat_map
from zoo.results.leaderboard import Leaderboard
from zoo.results.progress import Course, learning_curves, success_rate
from zoo.results.sensitivity import sensitivity, swept_number
from zoo.results.strips import strips
from zoo.results.trials import Choice

# Where more than two keys were swept, these are the ones to see against each other.
_FIRST = ("optimizer", "init")
_MOST_CELLS = 30  # along one side of the heat map


def pictures(
    board: Leaderboard,
    folder: Path,
    *,
    curves: Mapping[Choice, Sequence[Course]] | None = None,
    successes: Mapping[Choice, Sequence[Course]] | None = None,
    succeeded: str = "solved the task",
    searched: Sequence[Picture] = (),
) -> list[Picture]:
    """Draw what a sweep has to show, each picture as PNG and SVG.

    Args:
        board: Of the sweep.
        folder: Where to write.
        curves: The metric of all runs of each choice over their epochs.
        successes: For each run, 1 from where it succeeded, 0 before.
        succeeded: What success is, as a verb: `solved the task`, `reached the target`.
        searched: The pictures of a search, which stand for those of a grid.

    Returns:
        The pictures, the one that answers most first.
    """
    trials = board.trials
    number = swept_number(trials)
    sides = _sides(board, number)
    drawn: list[Picture] = list(searched)
    if not searched and len(sides) >= 2:
        drawn.append(heat_map(board, sides[0], sides[1], folder))
    if not searched and number is not None:
        drawn.append(sensitivity(board, folder))
    if not searched and len(sides) < 2 and number is None:
        drawn.append(strips(board, folder))
    labels = {row.choice: row.label for row in board.rows}
    if successes:
        drawn.append(success_rate(_by_rank(board, successes), labels, succeeded, folder))
    if curves and any(course.epochs.size for runs in curves.values() for course in runs):
        drawn.append(learning_curves(_by_rank(board, curves), labels, trials.metric, trials.worst, folder))
    return drawn


def _sides(board: Leaderboard, number: str | None) -> list[str]:
    """Return the swept keys that the heat map may have as sides, in the order of their importance."""
    keys = board.trials.keys
    counts = {key: len({row.choice[place] for row in board.rows}) for place, key in enumerate(keys)}
    found = [key for key in keys if key != number and 1 < counts[key] <= _MOST_CELLS]
    return sorted(found, key=lambda key: _FIRST.index(key) if key in _FIRST else len(_FIRST))


def _by_rank(board: Leaderboard, courses: Mapping[Choice, Sequence[Course]]) -> dict[Choice, Sequence[Course]]:
    return {row.choice: courses[row.choice] for row in board.rows if courses.get(row.choice)}
