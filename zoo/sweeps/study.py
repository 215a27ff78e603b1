"""What a search knows: its trials and what came of them, in Optuna's own database, which outlives the process.

Optuna proposes and prunes; what a trial is made of, and what becomes of it, is left to `zoo.sweeps.search`. What it
proposes depends on the seed, the number of trials before and what came of them, and on no process: a search that was
killed goes on as if nothing had happened.
"""

import statistics
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.outcome import Result
from zoo.results import numbers
from zoo.results.trials import is_better, rises
from zoo.start.search import Search
from zoo.start.space import Dimension, Numbers
from zoo.training.ending import Judge

if TYPE_CHECKING:
    import optuna

FILE = "study.db"
_NAME = "search"
_LOOKS = 50  # at a trial, at most: each is written to the disk
_ABANDONED, _OUTCOME, _RUN = "abandoned", "outcome", "run"


@dataclass(frozen=True)
class Asked:
    """A trial that is to be made.

    Attributes:
        number: Counted from 0, without those that were interrupted.
        chosen: The value of each key, as on a command line.
        trial: Optuna's.
    """

    number: int
    chosen: dict[str, str]
    trial: "optuna.Trial"


class Study:
    """The trials of a search.

    Args:
        search: What is searched, and how.
        folder: Of the database; one that is there already goes on.
    """

    def __init__(self, search: Search, folder: Path):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._search, self._metric = search, search.config.monitored
        self._epochs = _epochs(search)
        self._abandoned: set[int] = set()
        folder.mkdir(parents=True, exist_ok=True)
        with _quiet():
            self._study = optuna.create_study(
                storage=f"sqlite:///{(folder / FILE).absolute()}",
                study_name=_NAME,
                direction="maximize" if rises(self._metric) else "minimize",
                load_if_exists=True,
                pruner=_pruner(search, self._epochs, self._abandoned),
            )
        self._distributions = {key.lstrip("+"): _distribution(one) for key, one in search.space.items()}
        self._abandoned |= {trial.number for trial in self._trials() if _ABANDONED in trial.user_attrs}
        for trial in self._trials(optuna.trial.TrialState.RUNNING):  # of a process that was killed
            self.abandon(optuna.trial.Trial(self._study, trial._trial_id))

    @property
    def made(self) -> int:
        """The number of trials that have ended, whatever came of them."""
        from optuna.trial import TrialState

        ended = self._trials(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        return sum(_ABANDONED not in trial.user_attrs for trial in ended)

    def outcomes(self) -> Counter[str]:
        """Return how many runs have come to which outcome; what was left out is no run."""
        ended = [trial.user_attrs for trial in self._trials() if _ABANDONED not in trial.user_attrs]
        return Counter(attrs[_OUTCOME] for attrs in ended if _RUN in attrs)

    def ask(self) -> Asked:
        """Return the next trial."""
        number = self.made
        with _quiet():
            self._study.sampler = _sampler(self._search, number)
            trial = self._study.ask(self._distributions)
        chosen = {}
        for key, dimension in self._search.space.items():
            value = trial.params[key.lstrip("+")]
            chosen[key] = dimension.word(value) if isinstance(dimension, Numbers) else str(value)
        return Asked(number, chosen, trial)

    def judge(self, asked: Asked, epochs: int) -> Judge | None:
        """Return what says after the epochs of a trial whether it has no hope; None where no trial is pruned.

        Args:
            asked: The trial.
            epochs: That it has; after the last of them there is nothing to be saved.
        """
        settings = self._search.settings
        if settings.pruner == "none":
            return None
        every = -(-self._epochs // _LOOKS)

        def judge(epoch: int, value: float) -> str:
            if epoch % every or epoch >= epochs:
                return ""
            asked.trial.report(value, epoch)
            if asked.number < settings.startup or epoch <= settings.warmup or not asked.trial.should_prune():
                return ""
            return self._reason(epoch, asked)

        return judge

    def tell(self, asked: Asked, result: Result) -> None:
        """Take in what came of a trial.

        One that diverged is told to Optuna as pruned, which counts as worse than all that came to their end: as failed,
        it would be forgotten, and proposed again.
        """
        from optuna.trial import TrialState

        asked.trial.set_user_attr(_OUTCOME, result.outcome)
        asked.trial.set_user_attr(_RUN, result.run_id)
        state = {"pruned": TrialState.PRUNED, "diverged": TrialState.PRUNED, "error": TrialState.FAIL}
        if result.outcome in state or not np.isfinite(result.target):
            self._study.tell(asked.trial, state=state.get(result.outcome, TrialState.FAIL))
        else:
            self._study.tell(asked.trial, result.target)

    def leave_out(self, asked: Asked, reason: str) -> None:
        """Take in that a trial cannot be."""
        from optuna.trial import TrialState

        asked.trial.set_user_attr(_OUTCOME, reason)
        self._study.tell(asked.trial, state=TrialState.FAIL)

    def abandon(self, trial: "optuna.Trial") -> None:
        """Forget a trial that was interrupted: the next one is the same again."""
        from optuna.trial import TrialState

        trial.set_user_attr(_ABANDONED, True)
        self._abandoned.add(trial.number)
        self._study.tell(trial, state=TrialState.FAIL)

    def importance(self) -> dict[str, float]:
        """Return how much of what trials differ by each key explains, a share from 0 to 1; nothing if unknown.

        By Optuna's default evaluator, over the trials that came to their end.
        """
        import optuna

        ended = self._trials(optuna.trial.TrialState.COMPLETE)
        if len(self._distributions) < 2 or len({trial.value for trial in ended}) < 3:
            return {}
        try:
            with _quiet():
                found = optuna.importance.get_param_importances(self._study)
        except (RuntimeError, ValueError):  # of a key that had one value in all of them
            return {}
        return {key: round(float(share), 4) for key, share in found.items()}

    def _trials(self, *states: Any) -> Sequence["optuna.trial.FrozenTrial"]:
        return self._study.get_trials(deepcopy=False, states=states or None)

    def _reason(self, epoch: int, asked: Asked) -> str:
        """Return in a sentence why a trial was pruned."""
        from optuna.trial import TrialState

        own = self._study._storage.get_trial(asked.trial._trial_id).intermediate_values
        best = next(iter(own.values()))
        for value in own.values():
            best = value if is_better(self._metric, value, best) else best
        said = f"Pruned in epoch {epoch:,}: {self._metric} was {numbers.metric(self._metric, best)} at best"
        if self._search.settings.pruner == "hyperband":
            return f"{said}, which is not among the best third of the trials that came as far."
        others = [
            trial.intermediate_values[epoch]
            for trial in self._trials(TrialState.COMPLETE)
            if epoch in trial.intermediate_values
        ]
        middle = numbers.metric(self._metric, statistics.median(others))
        return f"{said}, and half of {numbers.count(len(others), 'trial')} before it had {middle} or better by then."


def _distribution(dimension: Dimension) -> "optuna.distributions.BaseDistribution":
    from optuna import distributions

    if not isinstance(dimension, Numbers):
        return distributions.CategoricalDistribution(dimension.values)
    if dimension.whole:
        return distributions.IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return distributions.FloatDistribution(float(dimension.low), float(dimension.high), log=dimension.log)


def _sampler(search: Search, number: int) -> "optuna.samplers.BaseSampler":
    """Return what proposes the trial of a number: its random numbers are a function of that and the seed alone."""
    from optuna import samplers

    seed = int(np.random.SeedSequence([search.settings.seed, number]).generate_state(1)[0])
    if search.settings.sampler == "random":
        return samplers.RandomSampler(seed=seed)
    return samplers.TPESampler(seed=seed, n_startup_trials=search.settings.startup)


def _epochs(search: Search) -> int:
    """Return how many epochs a trial has at most."""
    searched = search.space.get("epochs")
    return max(map(int, searched.edges())) if searched else search.config.epochs


def _pruner(search: Search, epochs: int, abandoned: set[int]) -> "optuna.pruners.BasePruner":
    from optuna import pruners

    if search.settings.pruner == "hyperband":
        from zoo.sweeps.hyperband import Hyperband

        return Hyperband(epochs, abandoned)
    if search.settings.pruner == "median":
        return pruners.MedianPruner(n_startup_trials=1)
    return pruners.NopPruner()


class _quiet(warnings.catch_warnings):
    """While entered, what Optuna says of its own features is not shown."""

    def __enter__(self) -> Any:
        entered = super().__enter__()
        warnings.simplefilter("ignore")
        return entered
