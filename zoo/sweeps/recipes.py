"""What recipes have given: the runs of a recipe over its seeds, from what is tracked, in words and as a picture."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo import tracking
from zoo.config import BadInput
from zoo.results import numbers, paired, progress
from zoo.start.recipes import GROUP, is_open, is_plain
from zoo.sweeps import records
from zoo.tracking import RunRecord


@dataclass(frozen=True)
class Outcome:
    """What the runs of a recipe came to.

    Attributes:
        result: On the test split, by the weights that are best on the validation split, in words.
        runs: How many there are, in words.
        seconds: That a run took, in the median.
        sweep: The runs.
        uri: The store that they are in.
    """

    result: str
    runs: str
    seconds: float
    sweep: records.Sweep
    uri: str | None

    def draw(self, path: Path) -> None:
        """Write the course of the runs over their epochs as `path`, an SVG."""
        found = self.sweep
        curves = tracking.curves(list(found.records), found.curve_metrics(), self.uri)
        successes = records.successes(found, curves) if len(found.records) > 1 else None
        folder = path.parent
        labels = dict.fromkeys(found.trials.choices, "")
        if successes:
            made = progress.success_rate(successes[0], labels, successes[1], folder)
        else:
            courses = records.courses(found, curves)
            made = progress.learning_curves(courses, labels, found.trials.metric, found.trials.worst, folder)
        made.path.unlink()
        made.svg.replace(path)


def outcome(name: str, uri: str | None) -> Outcome | None:
    """Return what the tracked runs of a recipe came to, or None where there is none.

    Runs that were told more than the recipe and a seed do not count, nor those that have not ended, nor those of an
    older version of the recipe than that of the last run.

    Args:
        name: Of the recipe.
        uri: The store; the default one if left out.
    """
    try:
        runs = tracking.matching(f"tags.{GROUP} = '{name}'", uri)
        runs = [run for run in runs if is_plain(run.tags.get("overrides", "").split())]
        newest = max(runs, key=lambda run: run.started, default=None)
        found = records.sweep([run for run in runs if newest and _terms(run) == _terms(newest)])
    except BadInput:
        return None
    kept = list(found.records.values())
    seconds = [run.metrics["run_seconds"] for run in kept if "run_seconds" in run.metrics]
    return Outcome(
        _result(kept), numbers.count(len(kept), found.noun), statistics.median(seconds or [math.nan]), found, uri
    )


def _terms(run: RunRecord) -> dict[str, str]:
    return {key: value for key, value in run.params.items() if not is_open(key)}


def _result(runs: Sequence[RunRecord]) -> str:
    solved = [run.metrics["solved"] for run in runs if "solved" in run.metrics]
    lost = sum(records.outcome(run) in (records.DIVERGED, records.FAILED) for run in runs)
    parts = [_measured(runs)]
    if solved:
        low, high = paired.wilson(np.array([sum(solved)]), len(runs))
        share = f"solved by {sum(solved):.0f} of {len(runs)}"
        if len(runs) > 1:
            share += f" (95 % interval: {low[0]:.0%} to {high[0]:.0%})".replace("%", " %").replace("95  %", "95 %")
        parts.insert(0, share)
    if lost:
        parts.append(f"{lost} of {len(runs)} lost")
    return ", ".join(part for part in parts if part)


def _measured(runs: Sequence[RunRecord]) -> str:
    """Say what was measured on the test split: what the task is judged by, mean and standard deviation over runs."""
    params, has = runs[0].params, runs[0].metrics
    if params.get("data.target") == "tokens":
        level, trigram = params.get("data.level"), has.get("test_trigram_perplexity", math.nan)
        if level == "char":
            beside = f" (trigram: {math.log2(trigram):.3g})" if math.isfinite(trigram) else ""
            return f"{_spread(runs, 'test_perplexity', math.log2, '.3f')} bits per character{beside}"
        beside = f" (trigram: {trigram:.1f})" if math.isfinite(trigram) else ""
        return f"test perplexity {_spread(runs, 'test_perplexity', float, '.1f')}{beside}"
    if "solved" in has:
        return ""
    if "test_accuracy" in has:
        return f"test accuracy {_spread(runs, 'test_accuracy', lambda share: 100 * share, '.2f')} %"
    constant = has.get("test_constant_mse")
    beside = f" (a constant: {constant:.3g})" if constant is not None else ""
    return f"test mean squared error {_spread(runs, 'test_loss', float, '')}{beside}"


def _spread(runs, name, scale, form):  # type: ignore[no-untyped-def]
    values = [scale(run.metrics[name]) for run in runs if math.isfinite(run.metrics.get(name, math.nan))]
    if not values:
        return "–"
    told = [statistics.mean(values), *([statistics.stdev(values)] if len(values) > 1 else [])]
    return " ± ".join(f"{value:{form}}" if form else numbers.brief(value) for value in told)
