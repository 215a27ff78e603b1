"""The runs of a sweep as numbers: a choice, what repeats it (a seed, a fold), and what came of it."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

DIVERGED, FAILED = "diverged", "error"
# What has a name of its own; anything else is told with its key: batch_size=32.
_BARE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
_WORDS = ("true", "false", "null")

Choice = tuple[str, ...]
"""The values of the swept keys, in the order of the keys."""


@dataclass(frozen=True)
class Trial:
    """One run of a sweep.

    Attributes:
        id: What to find the run by.
        choice: The values of the swept keys, in the order of the keys.
        replicate: What repeats the choice, such as `seed 3`: trials of two choices with the same one are a pair.
        outcome: completed, early_stopped, target_reached, pruned, diverged or error.
        reason: The same in a sentence.
        value: The best value of the metric; NaN if there is none.
        test: What the best weights reached on the test split; NaN if unknown.
        solved: Whether every pattern was told right at the end; None where that is not the question.
        target_epoch: When the target was reached; infinite if it was missed, NaN if there is none.
        target_seconds: The same in seconds of training.
    """

    id: str
    choice: Choice
    replicate: str
    outcome: str
    reason: str = ""
    value: float = math.nan
    test: float = math.nan
    solved: bool | None = None
    target_epoch: float = math.nan
    target_seconds: float = math.nan

    @property
    def is_lost(self) -> bool:
        """Whether the run ended without a value that counts: diverged, failed, or without one finite epoch."""
        return self.outcome in (DIVERGED, FAILED) or not math.isfinite(self.value)


@dataclass(frozen=True)
class Trials:
    """All runs of a sweep that have ended.

    Attributes:
        metric: That they are compared by, such as `val_loss`.
        keys: The swept ones, but for those that repeat a choice.
        all: The runs; of one choice and replicate there is one.
        name: What is said of a choice where nothing but seeds was swept, such as the model's name.
    """

    metric: str
    keys: tuple[str, ...]
    all: Sequence[Trial]
    name: str = "all runs"
    _by_choice: dict[Choice, list[Trial]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_choice: dict[Choice, list[Trial]] = {}
        for trial in self.all:
            if len(trial.choice) != len(self.keys):
                raise ValueError(f"Expected a value for each of the keys {self.keys}. Received: {trial.choice}.")
            by_choice.setdefault(trial.choice, []).append(trial)
        for choice, trials in by_choice.items():
            trials.sort(key=lambda trial: _by_number(trial.replicate))
            if len({trial.replicate for trial in trials}) < len(trials):
                raise ValueError(f"Expected one trial of each choice and replicate. Received: several of {choice}.")
        object.__setattr__(self, "_by_choice", by_choice)

    @property
    def choices(self) -> list[Choice]:
        """The choices, in the order in which they first occur."""
        return list(self._by_choice)

    @cached_property
    def replicates(self) -> list[str]:
        """All replicates, with numbers in their order, so that a bootstrap does not depend on that of the runs."""
        return sorted({trial.replicate for trial in self.all}, key=_by_number)

    @property
    def rises(self) -> bool:
        """Whether more of the metric is better."""
        return rises(self.metric)

    @property
    def worst(self) -> float:
        """What a diverged or failed run counts as."""
        return -math.inf if self.rises else math.inf

    def of(self, choice: Choice) -> list[Trial]:
        """Return the runs of a choice, in the order of their replicates."""
        return self._by_choice[choice]

    def values(self, choice: Choice) -> np.ndarray:
        """Return the best value of each run of a choice, float [runs]; a lost run has the worst there is."""
        return np.array([self.worst if trial.is_lost else trial.value for trial in self.of(choice)])

    def table(self) -> np.ndarray:
        """Return the values by choice and replicate, float [choices, replicates]; NaN where there is no run."""
        column = {replicate: index for index, replicate in enumerate(self.replicates)}
        found = np.full((len(self._by_choice), len(column)), np.nan)
        for row, (choice, trials) in enumerate(self._by_choice.items()):
            found[row, [column[trial.replicate] for trial in trials]] = self.values(choice)
        return found

    def label(self, choice: Choice) -> str:
        """Return what a choice is called: `adam + he_normal`, `adam + learning_rate=0.01`."""
        parts = [spoken(key, value, self.keys) for key, value in zip(self.keys, choice, strict=True)]
        return " + ".join(parts) or self.name


def _by_number(text: str) -> list[tuple[int, str]]:
    """Return what sorts `seed 9` before `seed 10`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]


def rises(metric: str) -> bool:
    """Tell whether more of a metric is better: of an accuracy, and of nothing else."""
    return "accuracy" in metric


def is_better(metric: str, value: float, than: float) -> bool:
    """Tell whether a value of a metric is better: higher for an accuracy, lower for anything else."""
    return value > than if rises(metric) else value < than


def spoken(key: str, value: str, keys: Sequence[str] = ()) -> str:
    """Return a swept value as it is called: a name alone, anything else with the last part of its key.

    Args:
        key: Such as `optimizer` or `optimizer.learning_rate`.
        value: As on the command line.
        keys: All of the sweep's, which tell whether the last part is enough.
    """
    if "." not in key and value[:1] in _BARE and value not in _WORDS:
        return value
    return f"{short(key, keys)}={value}"


def short(key: str, keys: Sequence[str] = ()) -> str:
    """Return the last part of a key, or all of it if another key ends alike."""
    last = key.rpartition(".")[2]
    return key if sum(one.rpartition(".")[2] == last for one in keys) > 1 else last


def number(text: str) -> float | None:
    """Return the number that a value is, or None."""
    try:
        return float(text)
    except ValueError:
        return None


def in_order(values: Mapping[str, float]) -> list[str]:
    """Return names in their order along an axis: numbers as numbers; others from the lowest of their scores up.

    Args:
        values: What each name scored; lower is better.
    """
    numbers = {name: number(name) for name in values}
    if all(one is not None for one in numbers.values()):
        return sorted(values, key=lambda name: numbers[name] or 0.0)
    return sorted(values, key=lambda name: (values[name], name))
