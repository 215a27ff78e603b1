"""What came of a run, and what that means to MLflow and to the shell.

| outcome | MLflow status | exit code |
|---|---|---|
| completed, early_stopped, target_reached, pruned | FINISHED | 0 |
| diverged | FAILED | 3 |
| error | FAILED | 1 |
| bad input (no run is opened) | | 2 |
| interrupted by SIGINT, SIGTERM or SIGHUP | KILLED | 130, 143 or 129 |
"""

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.tracking import Status, mask

if TYPE_CHECKING:
    import numpy as np

    from zoo.training.ending import Outcome

_STATUS: dict[str, Status] = {"diverged": "FAILED", "error": "FAILED", "interrupted": "KILLED"}
_EXIT_CODES = {"diverged": 3, "error": 1}


@dataclass
class Result:
    """What came of a run.

    Attributes:
        run_id: In MLflow; None where nothing is tracked.
        name: Of the run.
        outcome: completed, early_stopped, target_reached, pruned, diverged, interrupted or error.
        reason: The same in a sentence.
        exit_code: For the process.
        target: The best value of the monitored metric; NaN if no epoch was finished.
        metrics: What was recorded once: `best_*`, `test_*`, `solved`, ...
        history: Metric by metric, epoch by epoch.
        folder: Where the run's files are.
        best_weights: As `model.get_weights()` gave them; None if no epoch was finished.
    """

    run_id: str | None
    name: str
    outcome: "Outcome"
    reason: str
    exit_code: int
    target: float = math.nan
    metrics: dict[str, float] = field(default_factory=dict)
    history: dict[str, list[float]] = field(default_factory=dict)
    folder: Path = Path()
    best_weights: "list[np.ndarray] | None" = field(default=None, repr=False)

    @property
    def status(self) -> Status:
        """The status in MLflow."""
        return _STATUS.get(self.outcome, "FINISHED")

    def end(self, outcome: "Outcome", reason: str, number: int | None = None) -> None:
        """Take in how the run ended, with the number of the signal that interrupted it."""
        self.outcome, self.reason = outcome, mask(reason)  # what a user's code raises may hold an address
        self.exit_code = 128 + number if number else _EXIT_CODES.get(outcome, 0)
