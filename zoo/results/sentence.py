"""The answer of a sweep in words: what is best, how good, and what it cannot be told apart from."""

import math

from zoo.results import numbers
from zoo.results.leaderboard import Leaderboard, Row

FEW = 10
"""Replicates below which an interval is a rough one."""


def answer(board: Leaderboard, noun: str = "seed") -> str:
    """Return the answer in a sentence or two.

    Args:
        board: Of the sweep.
        noun: What repeats a choice: a seed, a fold.

    Example:
        "adam + he_normal is best: 50 of 50 solved, median val_loss 1.2e−05 over 50 seeds (middle half 1e−05 to
        2e−05). It cannot be told apart from rmsprop + he_normal."
    """
    best = board.best
    if best is None:
        lost = sum(row.lost for row in board.rows)
        which = "It" if lost == 1 else "All"
        return f"There is no best choice: {which.lower()} {numbers.count(lost, 'run')} diverged or failed."
    test = "" if math.isnan(board.test_median) else f" On the test split: {_test(board)}."
    if len(board.rows) == 1:
        return f"{best.label}: {_reach(board, best, noun)}.{test}"
    return f"{best.label} is best: {_reach(board, best, noun)}. {_apart(board, noun)}{test}"


def _reach(board: Leaderboard, row: Row, noun: str) -> str:
    metric = board.trials.metric
    parts = []
    if row.solved is not None:
        parts.append(f"{row.solved:,} of {row.runs:,} solved")
    if row.reached is not None:
        parts.append(f"{row.reached:,} of {row.runs:,} reached the target")
    if row.lost:
        parts.append(f"{row.lost:,} of {row.runs:,} diverged or failed")
    if row.runs == 1:
        parts.append(f"{metric} {numbers.metric(metric, row.median)}")
    else:
        half = f"{numbers.metric(metric, row.low)} to {numbers.metric(metric, row.high)}"
        over = numbers.count(row.runs, noun)
        if noun == "fold":  # as cross-validation is reported everywhere
            mean = f"{numbers.metric(metric, row.mean)} ± {numbers.metric(metric, row.sd)}"
            parts.append(
                f"{metric} {mean} (mean ± standard deviation) over {over}, median {numbers.metric(metric, row.median)}"
            )
        else:
            parts.append(f"median {metric} {numbers.metric(metric, row.median)} over {over} (middle half {half})")
    return ", ".join(parts)


def _apart(board: Leaderboard, noun: str) -> str:
    if board.is_single:
        return f"With one {noun} each, the order may be luck: sweep several."
    ties = [row.label for row in board.ties]
    if not ties:
        return "No other choice ties with it."
    if len(ties) == len(board.rows) - 1:
        return f"But nothing tells it apart from {'any of the others' if len(ties) > 1 else ties[0]}."
    return f"It cannot be told apart from {numbers.listed(ties, 4)}."


def _test(board: Leaderboard) -> str:
    metric = board.test_metric
    if board.best is not None and board.best.runs == 1:
        return f"{metric} {numbers.metric(metric, board.test_of_best)}"
    median, best = numbers.metric(metric, board.test_median), numbers.metric(metric, board.test_of_best)
    return f"median {metric} {median}, and {best} of the run that validates best"


def method(board: Leaderboard, noun: str = "seed") -> list[str]:
    """Return how the answer was found, in sentences."""
    metric, count = board.trials.metric, len(board.trials.replicates)
    direction = "higher" if board.trials.rises else "lower"
    found = [
        f"Each run counts with its best {metric} over the epochs, {direction} being better; choices are ranked by the "
        "median over their runs. The test split is looked at for the best choice alone.",
        "A run that diverged or failed counts as the worst there is. Mean and standard deviation are of the others.",
    ]  # fmt: skip
    if not board.is_single:
        rough = f" With fewer than {FEW} it is rough, and often too narrow." if count < FEW else ""
        found.append(
            f"The interval of a rank is a paired bootstrap: {noun}s are drawn with replacement 2,000 times, the same "
            f"for every choice, and medians are ranked each time; given is where 95 % of the ranks lie.{rough} Choices "
            "whose interval overlaps that of the best count as tied with it."
        )
        if board.paired < count:
            found.append(f"{board.paired:,} of {count:,} {noun}s are common to all choices.")
    if any(row.solved is not None for row in board.rows):
        found.append("Solved means that all patterns are on the right side of 0.5 at the end of training.")
    if any(row.reached is not None for row in board.rows):
        found.append("Epochs and seconds to the target are medians over all runs; one that missed it counts as ∞.")
    return found
