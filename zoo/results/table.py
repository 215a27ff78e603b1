"""The leaderboard as a table: raw numbers in a CSV file, readable ones in the terminal and on a page, and in words."""

import csv
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.table import Table
from rich.text import Text

from zoo.results import numbers, style
from zoo.results.leaderboard import Leaderboard, Row

SHOWN = 20
"""The most choices that the terminal shows."""
_NAME = 34  # characters of a choice's name that columns give way to


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        name: Its head.
        means: What stands in it, in a sentence.
        text: What is shown of a row.
        key: What rows are sorted by; lower is better.
        yields: How soon a narrow terminal does without it; 0 for never.
    """

    name: str
    means: str
    text: Callable[[Row], str]
    key: Callable[[Row], float]
    yields: int = 0


def columns(board: Leaderboard) -> list[Column]:
    """Return the columns that a leaderboard has beside rank and choice, but for those that would be empty."""
    return [*_counts(board), *_values(board), *_times(board)]


def rank(row: Row) -> str:
    """Return a rank with its interval: `1`, `2 (1–4)`."""
    return f"{row.rank}" if row.rank_low == row.rank_high else f"{row.rank} ({row.rank_low}–{row.rank_high})"


def terminal(board: Leaderboard, width: int) -> Table:
    """Return the best 20 choices as a table for the terminal.

    Args:
        board: Of the sweep.
        width: Of the terminal, in characters. Columns that it has no room for are left out, names are shortened.
    """
    rows = board.rows[:SHOWN]
    shown = columns(board)
    room = width - _width(rank, "rank", rows) - 7  # what the table itself takes
    wanted = min(_NAME, max(len(row.label) for row in rows))
    while room - (taken := sum(_width(one.text, one.name, rows) + 3 for one in shown)) < wanted:
        least = max(shown, key=lambda column: column.yields)
        if not least.yields:
            break
        shown.remove(least)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    table.add_column("rank", no_wrap=True)
    table.add_column("  choice", overflow="fold")
    for column in shown:
        table.add_column(column.name, justify="right", no_wrap=True)
    names = style.shorten([row.label for row in rows], max(room - taken - 2, 12))
    for place, (row, name) in enumerate(zip(rows, names, strict=True)):
        mark = Text("= " if row.tied and place else "  ") + Text(name, style="" if place else "bold")
        look = "" if row.tied or board.is_single else "dim"
        table.add_row(rank(row), mark, *(column.text(row) for column in shown), style=look)
    return table


def csv_file(board: Leaderboard, path: Path) -> Path:
    """Write the leaderboard with all digits: `inf` where half of the runs were lost, nothing where nothing is known.

    Args:
        board: Of the sweep.
        path: Of the file; its folder is made if missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = board.trials.keys
    heads = [
        "rank", "rank_low", "rank_high", "tied_with_best", *keys, "runs", "solved", "reached", "diverged", "failed",
        "metric", "median", "first_quartile", "third_quartile", "median_low", "median_high", "mean", "sd", "averaged",
        "target_epochs", "target_seconds", f"{board.test_metric}_median", f"{board.test_metric}_of_best",
    ]  # fmt: skip
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(heads)
        for place, row in enumerate(board.rows):
            # The test split is for the choice that was selected, not for selecting.
            tested = (board.test_median, board.test_of_best) if place == 0 else (math.nan, math.nan)
            cells: Sequence[object] = (
                row.rank, row.rank_low, row.rank_high, int(row.tied), *row.choice, row.runs, row.solved, row.reached,
                row.diverged, row.failed, board.trials.metric, row.median, row.low, row.high, row.median_low,
                row.median_high, row.mean, row.sd, row.averaged, row.target_epochs, row.target_seconds, *tested,
            )  # fmt: skip
            writer.writerow("" if cell is None or cell != cell else cell for cell in cells)
    return path


def _counts(board: Leaderboard) -> list[Column]:
    rows = board.rows
    found: list[Column] = []
    if any(row.solved is not None for row in rows):
        means = "Runs with every pattern right at the end."
        found.append(Column("solved", means, lambda row: f"{row.solved or 0}/{row.runs}", _missed("solved")))
    if any(row.reached is not None for row in rows):
        means = "Runs that reached the target."
        found.append(Column("reached", means, lambda row: f"{row.reached or 0}/{row.runs}", _missed("reached")))
    if not found:
        found.append(Column("runs", "Runs that have ended.", lambda row: f"{row.runs}", lambda row: -row.runs))
    if any(row.lost for row in rows):
        found.append(Column("lost", "Runs that diverged or failed.", lambda row: f"{row.lost}", lambda row: row.lost))
    if any(row.failed for row in rows) and any(row.diverged for row in rows):
        means = "Of the lost runs, those that ended in an error."
        found.append(Column("failed", means, lambda row: f"{row.failed}", lambda row: row.failed, yields=4))
    return found


def _values(board: Leaderboard) -> list[Column]:
    metric, sign = board.trials.metric, -1 if board.trials.rises else 1

    def half(row: Row) -> str:
        return f"{numbers.metric(metric, row.low)} to {numbers.metric(metric, row.high)}"

    def mean(row: Row) -> str:
        text = numbers.metric(metric, row.mean)
        return text if math.isnan(row.sd) else f"{text} ± {numbers.metric(metric, row.sd)}"

    median = Column(
        "median",
        f"Of the best {metric} of each run.",
        lambda row: numbers.metric(metric, row.median),
        lambda row: sign * row.median,
    )
    if all(row.runs == 1 for row in board.rows):
        return [median]
    return [
        median,
        Column("middle half", "First and third quartile of the runs.", half, lambda row: sign * row.high, yields=1),
        Column("mean ± sd", "Of the runs that were not lost.", mean, lambda row: sign * row.mean, yields=3),
    ]


def _times(board: Leaderboard) -> list[Column]:
    if all(math.isnan(row.target_epochs) for row in board.rows):
        return []
    means = "To the target: the median over all runs, ∞ where most missed it."
    return [
        Column("epochs", means, lambda row: numbers.brief(row.target_epochs), lambda row: row.target_epochs),
        Column(
            "seconds",
            "Of training to the target: the median over all runs.",
            lambda row: numbers.brief(row.target_seconds),
            lambda row: row.target_seconds,
            yields=2,
        ),
    ]


def _missed(attribute: str) -> Callable[[Row], float]:
    return lambda row: -(getattr(row, attribute) or 0) / row.runs


def _width(text: Callable[[Row], str], head: str, rows: Sequence[Row]) -> int:
    return max(len(head), *(len(text(row)) for row in rows))
