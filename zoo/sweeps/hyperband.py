"""Optuna's Hyperband, as if trials that were interrupted had never been: a search that was killed goes on the same."""

import copy
from collections.abc import Collection
from typing import TYPE_CHECKING

from optuna.pruners import HyperbandPruner

if TYPE_CHECKING:
    import optuna


class Hyperband(HyperbandPruner):
    """Prunes by successive halving, in brackets that differ in how long a trial is safe.

    Optuna finds the bracket of a trial by its number, which counts interrupted trials too, and knows the brackets only
    once a trial of the process was pruned; what an interrupted trial had reached competes with the others. All of that
    would make a search that was killed another one.

    Li et al. 2018, "Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization" (jmlr.org/papers/v18).

    Args:
        epochs: That a trial has at most.
        abandoned: The numbers of trials that were interrupted; may grow.
    """

    def __init__(self, epochs: int, abandoned: Collection[int]):
        super().__init__(min_resource=1, max_resource=epochs)
        self._abandoned = abandoned

    def _get_bracket_id(self, study: "optuna.study.Study", trial: "optuna.trial.FrozenTrial") -> int:
        if not self._pruners:
            self._try_initialization(study)
        if trial.number in self._abandoned:
            return -1  # of no bracket
        numbered = copy.copy(trial)
        numbered.number = trial.number - sum(number < trial.number for number in self._abandoned)
        return super()._get_bracket_id(study, numbered)
