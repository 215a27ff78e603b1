"""A network that is trained: the learner of every model but those that are counted."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from zoo import quiet
from zoo.config import Config
from zoo.data import Splits
from zoo.training import batches
from zoo.training.checkpoint_files import CheckpointFolder
from zoo.training.ending import Judge, Training
from zoo.training.sharing import meeting, parts
from zoo.training.sharing.workers import Workers

if TYPE_CHECKING:
    from zoo.learners.finetuning import Source


class Network:
    """See `zoo.learners.Learner`. TensorFlow is imported by what needs it, first of all by `build`."""

    def __init__(self, config: Config, splits: Splits):
        self.config, self.splits = config, splits
        self._source: Source | None = None  # what it starts from, once it is built
        learn, measure = batches.training(splits, config), batches.evaluation(splits.valid, splits, config)
        self._workers = None if config.dry_run else Workers.of(config)
        share = parts.of(config, learn, self._workers)
        self._learn, self._measure = replace(learn, share=share), replace(measure, share=share)

    def build(self) -> None:
        """Seed everything, build the model with its initial weights, and compile what trains it."""
        quiet.import_tensorflow()
        from zoo.learners import finetuning
        from zoo.training import callbacks, memory, program
        from zoo.training.sharing import strategies

        if self._workers:
            together = meeting.of_process(self._workers)
            together.agree({"data": self.splits.digest, "devices": strategies.devices()})
            with together.watched():
                sharing = strategies.start(self.config, self._workers)
        else:
            sharing = strategies.start(self.config, None)
        parts.check(self.config, self._learn, sharing.replicas if sharing else 1)

        self._callbacks = callbacks.load_user_callbacks(self.config.callbacks)
        self._program = program.prepare(self.config, self.splits, self._learn, self._measure, self._callbacks, sharing)
        self._model = self._program.model
        self._source = finetuning.start(self._model, self.splits, self.config)
        memory.check(self._model, self.config, self._learn)

    @property
    def params(self) -> dict[str, int]:
        """The number of parameters."""
        return {"parameters": self._model.count_params()}

    @property
    def about(self) -> str:
        """The same in a sentence."""
        source = f" {self._source.about}" if self._source is not None else ""
        return f"{self._model.count_params():,} parameters.{source}"

    @property
    def steps(self) -> int:
        """The optimizer's."""
        optimizer = getattr(self._model, "optimizer", None)
        return int(optimizer.iterations) if optimizer else 0

    def show(self, console: Console) -> None:
        """Print shapes, parameters, estimated time and memory."""
        from zoo import dry_run

        dry_run.show(self._program, self.splits, self.config, console)

    def train(
        self,
        log: Callable[[dict[str, float], int], None],
        console: Console,
        check_interrupt: Callable[[], None],
        checkpoints: CheckpointFolder,
        judge: Judge | None = None,
    ) -> Training:
        """Train by fit, tape or by hand."""
        from zoo import artifacts
        from zoo.training.train import train

        self._gradients = artifacts.gradient_by_time(self._model, self.splits, self.config)
        return train(
            self._model,
            self.splits,
            self.config,
            log=log,
            console=console,
            check_interrupt=check_interrupt,
            checkpoints=checkpoints,
            user_callbacks=self._callbacks,
            program=self._program,
            judge=judge,
        )

    def end(self, training: Training, folder: Path) -> tuple[dict[str, float], str]:
        """Draw the curves; write the final weights and predictions of a small model, and tell whether it is right."""
        from zoo import artifacts

        model, splits, config = self._model, self.splits, self.config
        artifacts.write_training(training, folder)
        gradients = artifacts.gradient_by_time(model, splits, config)
        metrics = artifacts.write_gradient_by_time(self._gradients, gradients, folder)
        text = artifacts.write_end(model, splits, config, folder)
        if (solved := artifacts.is_solved(model, splits, config)) is not None:
            metrics["solved"] = float(solved)
        return metrics, text

    def keep(self, weights: list[np.ndarray], folder: Path) -> None:
        """Write `model.keras` and the vocabulary."""
        from zoo import artifacts

        artifacts.write_model(artifacts.keepable(self.config, self.splits, weights), self.splits, self.config, folder)

    def test(self, weights: list[np.ndarray]) -> dict[str, float]:
        """Measure the weights, and beside them a baseline."""
        from zoo import artifacts
        from zoo.training.train import test

        logs = test(weights, self.splits, self.config)
        metrics = {f"test_{name}": value for name, value in logs.items()} | artifacts.baseline(self.splits)
        if self._source is not None:
            metrics |= self._source.forgetting(weights, self.splits, self.config)
        return metrics

    def report(self, weights: list[np.ndarray], folder: Path) -> str:
        """Write a confusion matrix, a decision boundary, predictions or a sample of text."""
        from zoo import artifacts

        model = artifacts.keepable(self.config, self.splits, weights)
        return artifacts.write_reports(model, self.splits, self.config, folder)
