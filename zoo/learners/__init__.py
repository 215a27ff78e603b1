"""What a run does by way of its model: a network that is trained, or a model that is counted.

The life of a run is the same with both; see `zoo.run`. Importing this needs no TensorFlow.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from rich.console import Console

from zoo.config import Config
from zoo.data import Splits
from zoo.training.checkpoint_files import CheckpointFolder
from zoo.training.ending import Judge, Training


class Learner(Protocol):
    """What learns in a run; made of a config and its data, with a complaint about the data while that is quick.

    Attributes:
        params: What there is to record of it beside the config.
        about: The same in a sentence.
        steps: That have been made: where in the record the run's last metrics stand.
    """

    @property
    def params(self) -> dict[str, int]: ...  # noqa: D102
    @property
    def about(self) -> str: ...  # noqa: D102
    @property
    def steps(self) -> int: ...  # noqa: D102

    def build(self) -> None:
        """Make ready to learn.

        Raises:
            BadInput: What the config says of the model is not as it should be.
        """

    def show(self, console: Console) -> None:
        """Print what learning would be."""

    def train(
        self,
        log: Callable[[dict[str, float], int], None],
        console: Console,
        check_interrupt: Callable[[], None],
        checkpoints: CheckpointFolder,
        judge: Judge | None = None,
    ) -> Training:
        """Learn from the training split.

        Args:
            log: Receives the metrics of each epoch and the step.
            console: Shows the progress.
            check_interrupt: Raises `Interrupted` when an end was asked for.
            checkpoints: Where the state of a long training is saved; it goes on from what is there.
            judge: Says after each epoch whether the run has no hope; None: nobody does.
        """

    def end(self, training: Training, folder: Path) -> tuple[dict[str, float], str]:
        """Write how the training went and what it ended with; return metrics of it, and a text for the terminal."""

    def keep(self, weights: list[np.ndarray], folder: Path) -> None:
        """Write the model that has given weights; needs no `build`."""

    def test(self, weights: list[np.ndarray]) -> dict[str, float]:
        """Return the metrics of given weights on the test split, and those of what they have to beat there."""

    def report(self, weights: list[np.ndarray], folder: Path) -> str:
        """Write what the task calls for, with given weights; return what of it is for the terminal."""


def of(config: Config, splits: Splits) -> Learner:
    """Return what learns in a run.

    Raises:
        BadInput: The data is too little to learn from, or does not fit the config.
    """
    if config.model.learns == "counting":
        from zoo.learners.counted import Counted

        return Counted(config, splits)
    from zoo.learners.network import Network

    return Network(config, splits)
