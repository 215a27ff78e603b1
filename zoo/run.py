"""The life of one run, from a checked config to a finished record. Notebooks and tests call `run` too.

 1. the config is composed and checked: zoo/start/composition.py, before TensorFlow is imported
 2. data is loaded; what is wrong with it is said before TensorFlow is imported
 3. the tracking store is opened
 4. everything is seeded; model and optimizer are built; initial weights are a function of (seed, layer name)
 5. the run is opened: name from the choices, parameters, tags, data, code
 6. training by fit or tape; metrics go to the record at the optimizer's step
 7. why it ended is recorded
 8. the best weights are tested, once
 9. model, pictures and reports are kept
10. the run is closed with a truthful status, and the result is printed

What of it is done with the model, zoo/learners does: a network is built and trained, a trigram is counted.
"""

import contextlib
import logging
import signal
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from rich.console import Console

from zoo import data, following, learners, opening, summary, terminal, tracking
from zoo.config import BadInput, Config
from zoo.learners import Learner
from zoo.outcome import Result
from zoo.start import command_line, naming
from zoo.training.checkpoint_files import CheckpointFolder
from zoo.training.ending import Judge, ProcessLost, Training, is_out_of_memory, out_of_memory, said
from zoo.training.interruption import Interrupted, Interruption

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Within:
    """The sweep that a run is a part of.

    Attributes:
        parent: The id of its MLflow run; None where nothing is tracked.
        tags: That the run gets besides its own.
        store: Opened already; None: to be opened.
        splits: The data, if it is loaded already.
        keeps_model: Whether the run keeps its model; its best weights are in the result all the same.
        is_tested: Whether the best weights are measured on the test split.
        judge: Says after each epoch whether the run has no hope; None: nobody does.
    """

    parent: str | None
    tags: Mapping[str, str] = field(default_factory=dict)
    store: tracking.Store | None = None
    splits: data.Splits | None = None
    keeps_model: bool = True
    is_tested: bool = True
    judge: Judge | None = None


def load(config: Config) -> data.Splits:
    """Return the data of a run.

    Raises:
        BadInput: It cannot be had, or is not as it should be.
    """
    return data.load(
        config.data,
        folder=data.location(config.data_dir),
        vocab_size=config.model.vocab_size,
        vocab_size_explicit=config.is_explicit("model.vocab_size"),
    )


def run(
    config: Config, *, folder: Path | None = None, within: Within | None = None, console: Console | None = None
) -> Result:
    """Train a model as a config says, and record it.

    Args:
        config: From `zoo.compose` or the command line.
        folder: For the run's files; a new one under outputs/ if left out.
        within: The sweep that it is a part of.
        console: Shows progress and result; standard output if left out.

    Raises:
        BadInput: The data, the tracking store or the model is not as it should be; no run is left behind.
    """
    console = console or terminal.console()
    within = within or Within(None)
    with terminal.messages(console), following.others(config) as others:
        splits = within.splits or load(config)
        learner = learners.of(config, splits)  # says what is wrong with them while that is quick
        led = others is not None and not others.workers.is_chief
        store = None if led or config.dry_run else within.store or tracking.connect(config.tracking, config.model.name)
        try:
            learner.build()
        except Exception as error:
            if is_out_of_memory(error):
                raise BadInput(out_of_memory(config)) from error
            raise
        if others and led:
            return following.follow(config, learner, others)
        if store is None:
            learner.show(console)
            return Result(None, naming.name(config), "completed", "Nothing was trained.", 0)
        record, folder, checkpoints = opening.open_record(store, config, within.parent, within.tags, folder)
        with terminal.log_file(folder / "run.log"):
            return _Life(config, splits, learner, record, folder, checkpoints, console, within).live()


class _Life:
    """One run, from its opening to its end."""

    def __init__(
        self,
        config: Config,
        splits: data.Splits,
        learner: Learner,
        record: tracking.Run,
        folder: Path,
        checkpoints: CheckpointFolder,
        console: Console,
        within: Within,
    ):
        self.config, self.splits, self.learner = config, splits, learner
        self.record, self.folder, self.checkpoints = record, folder, checkpoints
        self.console, self.within = console, within
        self.result = Result(record.id, record.name, "error", "", 1, folder=folder)

    def live(self) -> Result:
        """Train, test, keep, close."""
        began = time.perf_counter()
        try:
            with Interruption() as interruption:
                self._describe()
                training = self._train(interruption)
                began -= training.seconds_before
                self.result.end(training.outcome, training.reason, training.signal)
                if (weights := training.best_weights) is not None:
                    self._keep(weights)
                    interruption.check()
                    if training.outcome != "interrupted" and self.within.is_tested:
                        self._test(weights)
        except Interrupted as error:
            self.result.end("interrupted", str(error), error.number)
        except KeyboardInterrupt:
            self.result.end("interrupted", "Stopped at once by a second Ctrl-C.", signal.SIGINT)
        except Exception as error:
            self.result.end("error", said(error, self.config))
            with contextlib.suppress(OSError):  # the disk may be full
                (self.folder / "traceback.txt").write_text(tracking.mask(traceback.format_exc()), encoding="utf-8")
            expected = isinstance(error, BadInput | ProcessLost)
            log.log(logging.DEBUG if expected else logging.ERROR, "%s", traceback.format_exc())
            if isinstance(error, BadInput) and self.within.parent is None:
                self._close()
                raise
        self.result.run_id = self.record.id
        self.result.metrics["run_seconds"] = time.perf_counter() - began
        self._close()
        again = command_line.resume(self.result.run_id, self.config.overrides) if self._can_go_on() else ""
        terminal.show_result(self.result, self.record.ui_command, again, self.console)
        return self.result

    def _can_go_on(self) -> bool:
        alone = self.result.run_id is not None and self.within.parent is None
        return alone and self.result.outcome in ("interrupted", "error")

    def _describe(self) -> None:
        """Record what this run is."""
        opening.describe(
            self.record,
            self.config,
            self.splits,
            self.folder,
            params=self.learner.params,
            about=self.learner.about,
        )

    def _train(self, interruption: Interruption) -> Training:
        every = self.config.tracking.every

        def check() -> None:
            interruption.check()
            self.record.beat()
            self.record.mirror(self.checkpoints.folder)

        with tracking.Thinned(self.record.log_metrics, self.config.epochs, every) as log_metrics:
            training = self.learner.train(log_metrics, self.console, check, self.checkpoints, self.within.judge)
            if training.outcome == "interrupted":
                log_metrics.forget()  # it is not the end: what goes on from here leaves no trace of the interruption
        self.result.history = training.history
        if training.best:
            self.result.target = training.best[training.monitor]
            self.result.metrics |= {f"best_{name}": value for name, value in training.best.items()}
        if training.target_epoch is not None:
            self.result.metrics["target_epoch"] = training.target_epoch
        self.result.metrics["train_seconds"] = training.seconds
        metrics, text = self.learner.end(training, self.folder)
        self.result.metrics |= metrics
        self._print(text)
        return training

    def _keep(self, best_weights: list[np.ndarray]) -> None:
        """Keep the model with its best weights."""
        self.result.best_weights = best_weights
        if self.within.keeps_model:
            self.learner.keep(best_weights, self.folder)

    def _test(self, best_weights: list[np.ndarray]) -> None:
        """Measure the best weights on the test split, once, and report."""
        self.result.metrics |= self.learner.test(best_weights)
        self._print(self.learner.report(best_weights, self.folder))

    def _print(self, text: str) -> None:
        if text:
            self.console.print(f"\n{text}\n", markup=False, highlight=False)

    def _close(self) -> None:
        """Write what is known and give the run its last status.

        A run that was interrupted is not over: what sums it up is recorded when it has gone on to its end.
        """
        if self.result.status == "FINISHED" and not (self.config.checkpoint.keep and self.within.keeps_model):
            self.checkpoints.clear()
        try:
            self.record.mirror(self.checkpoints.folder, at_once=True)
            if self.result.outcome != "interrupted":
                self.record.log_metrics(self.result.metrics, self.learner.steps)
            self._tell()
            summary.write(self.config, self.splits, self.result, self.record.ui_command, self.folder)
            self.record.log_artifacts(self.folder)
        except (tracking.TrackingError, OSError) as error:
            self.result.end("error", f"The record is not complete: {str(error).strip().partition(chr(10))[0]}")
            log.error(self.result.reason)
            with contextlib.suppress(tracking.TrackingError, OSError):
                self._tell()
        with contextlib.suppress(tracking.TrackingError, OSError):
            self.record.finish(self.result.status)

    def _tell(self) -> None:
        self.record.set_tags({"outcome": self.result.outcome, "reason": self.result.reason})
        log.debug("%s: %s", self.result.outcome, self.result.reason)
        terminal.flush_log()
