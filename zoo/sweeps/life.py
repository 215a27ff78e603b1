"""What a grid and a search have in common: a parent run, its children one after another, its answer, its truthful end.

Runs that fail, diverge or are interrupted are recorded as such, and the others still run.
"""

import logging
import signal
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from zoo import learners, opening, quiet, tracking
from zoo.config import BadInput, Config
from zoo.data import Splits
from zoo.outcome import Result
from zoo.run import Within, load, run
from zoo.start import naming
from zoo.sweeps.board import Board
from zoo.sweeps.parent import Parent, record_failure
from zoo.training.ending import Judge

log = logging.getLogger(__name__)

INTERRUPTED = 128  # and above


@dataclass(frozen=True)
class Swept:
    """What came of a sweep.

    Attributes:
        run_id: Of the parent; None where nothing is tracked.
        results: Of the runs that were made now.
        exit_code: 0 also where runs diverged, which is a result; that of the worst failure else.
        folder: Where the sweep's files are.
    """

    run_id: str | None
    results: list[Result]
    exit_code: int
    folder: Path


class Life(ABC):
    """One sweep, from its opening to its end.

    Args:
        parent: Its own run, opened.
        total: The runs that are to be made.
        folder: For the sweep's files.
        console: Shows progress and answer.
        config: Of its first run.
        splits: The data of that one.
    """

    def __init__(self, parent: Parent, total: int, folder: Path, console: Console, config: Config, splits: Splits):
        self.parent, self.folder, self.console = parent, folder, console
        self.board = Board(total, console)
        self.results: list[Result] = []
        self.code = 0
        self._data = _data_key(config), splits

    def live(self) -> Swept:
        """Run everything, keep the best models, answer, close the parent."""
        from zoo.training.interruption import Interrupted, Interruption

        try:
            with Interruption() as interruption, self.board:
                if self.needs_tensorflow:
                    quiet.import_tensorflow()
                self.work(interruption.check)
        except Interrupted as error:
            self.code = INTERRUPTED + error.number
        except KeyboardInterrupt:
            self.code = self.code if self.code >= INTERRUPTED else INTERRUPTED + signal.SIGINT
        except Exception as error:  # of the sweep itself, such as a store that has failed
            log.error("".join(traceback.format_exception(error)))
            self.code = 1
        try:
            self.conclude()
        except Exception as error:
            log.error("".join(traceback.format_exception(error)))
            self.code = max(self.code, 1)
        self.console.print(f"\n{self.board.summary()}", markup=False)
        if not self.parent.close(self._status(), self.folder, self.console):
            self.code = max(self.code, 1)
        if self.code >= INTERRUPTED and self.parent.id:
            self.console.print(f"To go on: {self.again(self.parent.id)}", markup=False, soft_wrap=True)
        return Swept(self.parent.id, self.results, self.code, self.folder)

    @property
    @abstractmethod
    def needs_tensorflow(self) -> bool:
        """Whether a run does."""

    @abstractmethod
    def work(self, check_interrupt: Callable[[], None]) -> None:
        """Make the runs.

        Args:
            check_interrupt: Raises `Interrupted` when an end was asked for.
        """

    @abstractmethod
    def conclude(self) -> None:
        """Do what is left when the runs have been made, or when they were interrupted."""

    @abstractmethod
    def again(self, parent: str) -> str:
        """Return the command that goes on with the sweep of an id."""

    def run_alone(
        self,
        config: Config,
        tags: Mapping[str, str],
        *,
        keeps_model: bool,
        is_tested: bool = True,
        judge: Judge | None = None,
    ) -> Result:
        """Make and record one run, also one that cannot begin.

        Args:
            config: The run's.
            tags: That it gets besides its own.
            keeps_model: Whether it keeps its model.
            is_tested: Whether its best weights are measured on the test split.
            judge: Says after each epoch whether it has no hope.
        """
        self.board.working(naming.name(config))
        parent, store = self.parent.id, self.parent.store
        try:
            within = Within(parent, tags, store, self.splits(config), keeps_model, is_tested, judge)
            folder = self.folder / str(len(self.results))
            return run(config, folder=folder, within=within, console=Console(quiet=True))
        except Exception as error:  # a builder or loader of the user's may fail in any way
            return self.failed([(config, tags)], error)[0]

    def failed(self, runs: Sequence[tuple[Config, Mapping[str, str]]], error: Exception) -> list[Result]:
        """Record runs that could not begin, by their configs and tags."""
        log.error(str(error) if isinstance(error, BadInput) else "".join(traceback.format_exception(error)))
        store, parent = self.parent.store, self.parent.id
        return [record_failure(store, parent, config, error, tags) for config, tags in runs]

    def count(self, ended: Sequence[tuple[Config, Result]]) -> None:
        """Count runs that have ended."""
        self.board.take([(result, config.monitored) for config, result in ended])
        for _, result in ended:
            self.results.append(result)
            if result.outcome == "error":
                self.code = max(self.code, 1)

    def stop_if_interrupted(self, results: Sequence[Result]) -> None:
        """End the sweep where one of its runs was interrupted."""
        if codes := [result.exit_code for result in results if result.exit_code >= INTERRUPTED]:
            self.code = max(codes)
            raise KeyboardInterrupt

    def keep(self, config: Config, result: Result) -> None:
        """Keep the model of a run that has ended, with its best weights."""
        if result.run_id is None or result.best_weights is None:
            return
        with TemporaryDirectory() as temporary:
            folder = Path(temporary)
            opening.write_config(config, folder)
            learners.of(config, self.splits(config)).keep(result.best_weights, folder)
            self.parent.store.keep(result.run_id, folder)

    def splits(self, config: Config) -> Splits:
        """Return the data of a run; that of the last one is kept."""
        if self._data[0] != _data_key(config):
            self._data = _data_key(config), load(config)
        return self._data[1]

    def _status(self) -> tracking.Status:
        if self.code >= INTERRUPTED:
            return "KILLED"
        return "FAILED" if self.code else "FINISHED"


def _data_key(config: Config) -> str:
    return f"{config.data.model_dump_json()} {config.data_dir} {config.model.vocab_size}"
