"""What one reads of a run at a glance, from its record alone: for `zoo list` and `zoo show`."""

import math
from datetime import datetime
from typing import Any

from zoo.results import numbers
from zoo.tracking import RunRecord, StoredRun

NONE = "–"
"""For what was not measured."""
_SHORT = 8  # characters of an id that tell runs apart


Recorded = RunRecord | StoredRun


def short(run_id: str) -> str:
    """Return the beginning of an id, enough to name the run by."""
    return run_id[:_SHORT]


def outcome(run: Recorded) -> str:
    """Return what came of a run in a word; while it is at work, MLflow's status."""
    return run.tags.get("outcome") or run.status.lower()


def is_sweep(run: Recorded) -> bool:
    """Tell whether a run is a sweep's or a search's own."""
    return run.tags.get("sweep") == "true"


def best(run: Recorded) -> tuple[str, float]:
    """Return the metric that picks the weights of a run, or the best of a sweep, and its best value."""
    if is_sweep(run):  # one that an older zoo has recorded tells of its best choice alone
        return run.tags.get("compared_by", ""), run.metrics.get("best_run", run.metrics.get("best_value", math.nan))
    monitored = run.tags.get("monitored", "")
    return monitored, run.metrics.get(f"best_{monitored}", math.nan)


def test(run: Recorded) -> tuple[str, float]:
    """Return the same of the test split."""
    if is_sweep(run):
        name = run.tags.get("compared_by", "").removeprefix("val_")
        which = "best_run_test" if "best_run" in run.metrics else "best_test"
        return f"test_{name}", run.metrics.get(which, math.nan)
    name = run.tags.get("monitored", "").removeprefix("val_")
    return f"test_{name}", run.metrics.get(f"test_{name}", math.nan)


def value(name: str, number: float) -> str:
    """Return a metric for a reader; a dash for what was not measured."""
    return f"{number:,.0f}" if name == "epoch" else numbers.metric(name, number)


def told(name: str, number: float) -> str:
    """Return a metric with its name; a dash for what was not measured."""
    return f"{name} {value(name, number)}" if name and not math.isnan(number) else NONE


def began(run: Recorded) -> str:
    """Return when a run was started, to the minute, in local time; the year where it is another."""
    when = datetime.fromtimestamp(run.started / 1000)
    return f"{when:%m-%d %H:%M}" if when.year == datetime.now().year else f"{when:%Y-%m-%d}"


def took(run: Recorded) -> str:
    """Return how long a run has trained."""
    return numbers.duration(run.metrics.get("train_seconds", math.nan))


def plain(run: Recorded) -> dict[str, Any]:
    """Return all of it as JSON has it; what is not finite as text, which JSON has no number for."""
    return {
        "id": run.id,
        "name": run.name,
        "status": run.status,
        "outcome": outcome(run),
        "started": datetime.fromtimestamp(run.started / 1000).astimezone().isoformat(timespec="seconds"),
        "params": run.params,
        "tags": {key: text for key, text in run.tags.items() if not key.startswith("mlflow.")},
        "metrics": {key: one if math.isfinite(one) else str(one) for key, one in run.metrics.items()},
    }
