"""Which choice of a sweep is best, and how sure: a row for each choice, ranked by the median over its runs.

Selection uses validation values alone. A run that diverged or failed counts as the worst there is. Ties show as ties:
the rank has an interval from a paired bootstrap, and choices whose interval overlaps that of the best are marked.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from zoo.results import paired
from zoo.results.trials import DIVERGED, Choice, Trial, Trials


@dataclass(frozen=True)
class Row:
    """What came of one choice.

    Attributes:
        choice: The values of the swept keys.
        label: What the choice is called.
        runs: How many have ended.
        solved: How many solved the task; None where that is not the question.
        reached: How many reached the target; None where there is none.
        diverged: How many diverged.
        failed: How many ended in an error, or without one finite value.
        median: Of the best values; infinite if half of the runs were lost.
        low: The first quartile.
        high: The third quartile.
        median_low: Where the 95 % bootstrap interval of the median begins; NaN with one run.
        median_high: Where it ends.
        mean: Of the runs that were not lost; NaN if all were.
        sd: Their standard deviation; NaN for fewer than two.
        averaged: How many these are.
        rank: By the median, from 1; equals share it.
        rank_low: Where the 95 % bootstrap interval of the rank begins.
        rank_high: Where it ends.
        tied: Whether that interval overlaps the interval of the best choice.
        target_epochs: The median over all runs, infinite where the target was missed; NaN where there is none.
        target_seconds: The same in seconds of training.
    """

    choice: Choice
    label: str
    runs: int
    solved: int | None
    reached: int | None
    diverged: int
    failed: int
    median: float
    low: float
    high: float
    median_low: float
    median_high: float
    mean: float
    sd: float
    averaged: int
    rank: int
    rank_low: int
    rank_high: int
    tied: bool
    target_epochs: float
    target_seconds: float

    @property
    def lost(self) -> int:
        """How many runs count as the worst there is."""
        return self.diverged + self.failed


@dataclass(frozen=True)
class Leaderboard:
    """All choices of a sweep, the best first.

    Attributes:
        trials: What they were made from.
        rows: By rank; of equal medians the better quartile comes first, then who lost fewer runs, then the better mean.
        test_median: Of the test metric over the runs of the best choice; NaN if unknown.
        test_of_best: The test metric of that one of its runs whose validation value is best; NaN if unknown.
    """

    trials: Trials
    rows: list[Row]
    test_median: float
    test_of_best: float

    @property
    def best(self) -> Row | None:
        """The best choice; None if all runs of all choices were lost."""
        return self.rows[0] if math.isfinite(self.rows[0].median) or self.rows[0].averaged else None

    @property
    def best_run(self) -> Trial | None:
        """The run of the best choice whose validation value is best; None if all runs of all choices were lost."""
        own = [
            trial for trial in self.trials.of(self.rows[0].choice) if not trial.is_lost and math.isfinite(trial.value)
        ]
        sign = -1.0 if self.trials.rises else 1.0
        return min(own, key=lambda trial: sign * trial.value, default=None)

    @property
    def ties(self) -> list[Row]:
        """The other choices that cannot be told apart from the best."""
        return [row for row in self.rows[1:] if row.tied]

    @property
    def is_single(self) -> bool:
        """Whether no choice has more than one run, so that nothing tells how sure a rank is."""
        return all(row.runs == 1 for row in self.rows)

    @property
    def shown(self) -> "Leaderboard":
        """The same for a reader: without intervals and ties where nothing tells how sure a rank is."""
        if not self.is_single:
            return self
        rows = [
            replace(row, rank_low=row.rank, rank_high=row.rank, tied=place == 0) for place, row in enumerate(self.rows)
        ]
        return replace(self, rows=rows)

    @property
    def paired(self) -> int:
        """How many replicates there are that every choice has a run of."""
        return int((~np.isnan(self.trials.table())).all(axis=0).sum())

    @property
    def test_metric(self) -> str:
        """The metric of the test split that stands beside the one that was selected by."""
        return f"test_{self.trials.metric.removeprefix('val_')}"


def leaderboard(trials: Trials) -> Leaderboard:
    """Compare the choices of a sweep.

    Args:
        trials: At least one.

    Raises:
        ValueError: There is none.
    """
    if not trials.all:
        raise ValueError("A leaderboard needs at least one trial. Received: none.")
    sign = -1.0 if trials.rises else 1.0
    scores = sign * trials.table()
    medians = paired.quantile(scores, 0.5)
    place = paired.ranks(medians[:, None])[:, 0]
    ends = _ends(scores)
    order = sorted(range(len(place)), key=lambda row: (place[row], *_tie_break(scores[row]), trials.choices[row]))
    best = order[0]
    rows = [
        _row(
            trials,
            trials.choices[index],
            sign,
            rank=int(place[index]),
            ends=(ends[0][index], ends[1][index]),
            medians=(ends[2][index], ends[3][index]),
            tied=bool(ends[0][index] <= ends[1][best] and ends[0][best] <= ends[1][index]),
        )
        for index in order
    ]
    return Leaderboard(trials, rows, *_tested(trials.of(rows[0].choice), sign))


def _ends(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the intervals of rank and of median, by choice; with one replicate nothing is known of either."""
    choices, replicates = scores.shape
    if replicates < 2:
        unknown = np.full(choices, np.nan)
        return np.ones(choices, int), np.full(choices, choices), unknown, unknown
    resampled = paired.bootstrap(scores)
    return (*paired.interval(resampled.ranks), *paired.interval(resampled.medians))


def _tie_break(scores: np.ndarray) -> tuple[float, float, float]:
    """Return what orders choices of equal median: the upper quartile, then the share that was lost, then the mean."""
    present = scores[~np.isnan(scores)]
    finite = present[np.isfinite(present)]
    lost = 1.0 - finite.size / max(1, present.size)
    return float(paired.quantile(present, 0.75)), lost, float(finite.mean()) if finite.size else math.inf


def _row(
    trials: Trials,
    choice: Choice,
    sign: float,
    *,
    rank: int,
    ends: tuple[int, int],
    medians: tuple[float, float],
    tied: bool,
) -> Row:
    own = trials.of(choice)
    values = trials.values(choice)
    finite = values[np.isfinite(values)]
    diverged = sum(trial.outcome == DIVERGED for trial in own)
    has_target = any(not math.isnan(trial.target_epoch) for trial in own)
    return Row(
        choice=choice,
        label=trials.label(choice),
        runs=len(own),
        solved=_count_solved(own) if any(trial.solved is not None for trial in trials.all) else None,
        reached=sum(math.isfinite(trial.target_epoch) for trial in own) if has_target else None,
        diverged=diverged,
        failed=sum(trial.is_lost for trial in own) - diverged,
        median=float(paired.quantile(values, 0.5)),
        low=float(paired.quantile(values, 0.25)),
        high=float(paired.quantile(values, 0.75)),
        median_low=float(min(sign * medians[0], sign * medians[1])),
        median_high=float(max(sign * medians[0], sign * medians[1])),
        mean=float(finite.mean()) if finite.size else math.nan,
        sd=float(finite.std(ddof=1)) if finite.size > 1 else math.nan,
        averaged=int(finite.size),
        rank=rank,
        rank_low=int(ends[0]),
        rank_high=int(ends[1]),
        tied=tied,
        target_epochs=_median_to_target([trial.target_epoch for trial in own]),
        target_seconds=_median_to_target([trial.target_seconds for trial in own]),
    )


def _count_solved(trials: list[Trial]) -> int:
    return sum(bool(trial.solved) and trial.outcome != DIVERGED for trial in trials)


def _median_to_target(found: list[float]) -> float:
    """Return the median, where runs that failed before they knew of a target missed it too."""
    values = np.array(found)
    if np.isnan(values).all():
        return math.nan
    return float(paired.quantile(np.where(np.isnan(values), np.inf, values), 0.5))


def _tested(trials: list[Trial], sign: float) -> tuple[float, float]:
    """Return the median of the test metric, and that of the run with the best validation value."""
    known = [trial for trial in trials if not trial.is_lost and not math.isnan(trial.test)]
    if not known:
        return math.nan, math.nan
    best = min(known, key=lambda trial: sign * trial.value)
    return float(np.median([trial.test for trial in known])), best.test
