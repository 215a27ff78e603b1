"""From what is recorded of runs to what is compared: which values were swept, what repeats them, what came of them."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from zoo.config import BadInput
from zoo.results.progress import Course
from zoo.results.trials import DIVERGED, FAILED, Choice, Trial, Trials
from zoo.start.grid import REPLICATES
from zoo.sweeps import choices
from zoo.tracking import RunRecord

ENDED = ("completed", "early_stopped", "target_reached", "pruned", DIVERGED, FAILED)
_SOLVED_BY = "val_accuracy"


@dataclass(frozen=True)
class Sweep:
    """The runs of a sweep, ready to be compared.

    Attributes:
        trials: Those that have ended.
        records: What is recorded of each of them, by its id.
        unfinished: How many were interrupted, or have not ended yet.
        notes: What a reader should know, in sentences.
    """

    trials: Trials
    records: Mapping[str, RunRecord]
    unfinished: int
    notes: list[str] = field(default_factory=list)

    @property
    def noun(self) -> str:
        """What repeats a choice."""
        params = [record.params for record in self.records.values()]
        varying = [key for key in REPLICATES if len({one.get(key) for one in params}) > 1]
        return {("data.fold",): "fold", ("seed",): "seed", (): "seed"}.get(tuple(varying), "run")

    def curve_metrics(self) -> list[str]:
        """Return the metrics whose curves are drawn, and those that say when and whether a run succeeded."""
        solves = any(trial.solved is not None for trial in self.trials.all)
        return list(dict.fromkeys([self.trials.metric, "epoch", *([_SOLVED_BY] if solves else [])]))


def sweep(records: Sequence[RunRecord]) -> Sweep:
    """Sort out the runs of one or more sweeps.

    Args:
        records: Of the runs, without those of the sweeps themselves.

    Raises:
        BadInput: None of them has ended.
    """
    ended = [record for record in records if outcome(record) in ENDED]
    notes: list[str] = []
    if not ended:
        raise BadInput(f"None of the {len(records):,} runs has ended yet: there is nothing to compare.")
    metric = _metric(ended, notes)
    keys, chosen = choices.choices(ended)
    kept: dict[tuple[Choice, str], RunRecord] = {}
    for record, choice in zip(ended, chosen, strict=True):
        place = choice, choices.replicate(record)
        # Of two attempts at the same run, the later one counts; but no failure replaces a result.
        if place not in kept or outcome(record) != FAILED:
            kept[place] = record
    done = {_identity(record) for record in ended if outcome(record) != FAILED}
    unfinished = sum(outcome(record) not in ENDED and _identity(record) not in done for record in records)
    if unfinished:
        notes.append(
            f"{unfinished:,} of {len(records):,} runs were interrupted or have not ended: they are left out. "
            "sweep.resume=<its id> finishes a sweep."
        )
    if repeated := len(ended) - len(kept):
        notes.append(f"{repeated:,} runs repeat another one; the later of each counts.")
    trials = [_trial(record, choice, replicate, metric) for (choice, replicate), record in kept.items()]
    model = ended[0].tags.get("model") or ended[0].params.get("model.name") or "all runs"
    return Sweep(Trials(metric, keys, trials, model), {one.id: one for one in kept.values()}, unfinished, notes)


def outcome(record: RunRecord) -> str:
    """Return what came of a run; empty while it goes on, or if nobody wrote it down."""
    if found := record.tags.get("outcome"):
        return found
    return FAILED if record.status == "FAILED" else ""


def courses(found: Sweep, curves: Mapping[str, Mapping[str, np.ndarray]]) -> dict[Choice, list[Course]]:
    """Return the compared metric over the epochs of all runs, by choice.

    Args:
        found: The sweep.
        curves: From `zoo.tracking.curves`: (step, value) points, float [points, 2], by run and metric.
    """
    by_choice: dict[Choice, list[Course]] = {}
    for trial in found.trials.all:
        own = curves.get(trial.id, {})
        epochs, values = _over_epochs(own.get(found.trials.metric), own.get("epoch"))
        by_choice.setdefault(trial.choice, []).append(Course(epochs, values, trial.is_lost))
    return by_choice


def successes(
    found: Sweep, curves: Mapping[str, Mapping[str, np.ndarray]]
) -> tuple[dict[Choice, list[Course]], str] | None:
    """Return from when on each run has succeeded, by choice, and at what; None where success is not the question.

    A target is reached once. Solved is a run from the epoch on at which it has all validation examples right, which are
    the training patterns where `solved` is asked, as long as it has them right.

    Args:
        found: The sweep.
        curves: As in `courses`.
    """
    trials = found.trials.all
    if any(not math.isnan(trial.target_epoch) for trial in trials):
        made = {trial.id: _reached(trial) for trial in trials}
        what = "reached the target"
    elif any(trial.solved is not None for trial in trials):
        made = {trial.id: _solved(trial, curves.get(trial.id, {})) for trial in trials}
        if not any(course.epochs.size > 1 for course in made.values()):
            return None  # no curve was recorded that says when
        what = "have solved the task"
    else:
        return None
    by_choice: dict[Choice, list[Course]] = {}
    for trial in trials:
        by_choice.setdefault(trial.choice, []).append(made[trial.id])
    return by_choice, what


def _metric(records: Sequence[RunRecord], notes: list[str]) -> str:
    """Return what the runs are compared by: what picked the best weights of each, or what all of them have."""
    found = Counter(_monitored(record) for record in records)
    if len(found) > 1:
        notes.append(
            f"The runs monitor different metrics ({', '.join(found)}): they are compared by val_loss, at the best "
            "epoch of each."
        )
        return "val_loss"
    return next(iter(found))


def _monitored(record: RunRecord) -> str:
    if tagged := record.tags.get("monitored") or record.params.get("monitor", "auto").replace("auto", ""):
        return tagged
    of_classes = record.params.get("data.target") == "classes" and "best_val_accuracy" in record.metrics
    return "val_accuracy" if of_classes else "val_loss"


def _trial(record: RunRecord, choice: Choice, replicate: str, metric: str) -> Trial:
    reached = record.metrics.get("target_epoch", math.inf)
    has_target = "target_epoch" in record.metrics or record.params.get("stop.metric", "None") != "None"
    seconds = record.metrics.get("train_seconds", math.nan) if math.isfinite(reached) else math.inf
    solved = record.metrics.get("solved")
    return Trial(
        id=record.id,
        choice=choice,
        replicate=replicate,
        outcome=outcome(record),
        reason=record.tags.get("reason", ""),
        value=record.metrics.get(f"best_{metric}", math.nan),
        test=record.metrics.get(f"test_{metric.removeprefix('val_')}", math.nan),
        solved=None if solved is None else bool(solved),
        target_epoch=reached if has_target else math.nan,
        target_seconds=seconds if has_target else math.nan,
    )


def _identity(record: RunRecord) -> str:
    return record.tags.get("config_hash", record.id)


def _over_epochs(points: np.ndarray | None, epochs: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return at which epoch a metric had which value, by the optimizer's step, which both were recorded at."""
    if points is None or not len(points):
        return np.zeros(0), np.zeros(0)
    if epochs is None or not len(epochs):
        return np.arange(1.0, len(points) + 1), points[:, 1]
    _, mine, its = np.intersect1d(points[:, 0], epochs[:, 0], assume_unique=True, return_indices=True)
    return epochs[its, 1], points[mine, 1]


def _reached(trial: Trial) -> Course:
    if not math.isfinite(trial.target_epoch):
        return Course(np.ones(1), np.zeros(1))
    if trial.target_epoch <= 1:
        return Course(np.ones(1), np.ones(1))
    return Course(np.array([1.0, trial.target_epoch]), np.array([0.0, 1.0]))


def _solved(trial: Trial, curves: Mapping[str, np.ndarray]) -> Course:
    epochs, accuracy = _over_epochs(curves.get(_SOLVED_BY), curves.get("epoch"))
    if not epochs.size:
        return Course(np.ones(1), np.array([float(bool(trial.solved))]))
    values = (accuracy >= 1).astype(float)
    values[-1] = float(bool(trial.solved))  # by the last weights, which is what counts
    return Course(epochs, values, trial.is_lost)
