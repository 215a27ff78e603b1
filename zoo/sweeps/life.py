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

from rich.console import Console

from zoo import quiet, tracking
from zoo.config import Config
from zoo.outcome import Result
from zoo.sweeps.board import Board
from zoo.sweeps.parent import Parent
from zoo.sweeps.runs import Data, Runs

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
        data: That has been loaded.
        before: How many runs have ended before, by what came of them.
    """

    def __init__(
        self, parent: Parent, total: int, folder: Path, console: Console, data: Data, before: Mapping[str, int]
    ):
        self.parent, self.folder, self.console = parent, folder, console
        self.board = Board(total, console, before)
        self.runs = Runs(parent.store, parent.id, folder, self.board.working, data)
        self.results: list[Result] = []
        self.code = 0

    def live(self) -> Swept:
        """Run everything, keep the best models, answer, close the parent."""
        from zoo.sweeps import closing  # its pictures take time to be imported
        from zoo.training.interruption import Interrupted, Interruption

        try:
            alive = tracking.beating(self.parent.id, self.parent.store.uri)
            with Interruption() as interruption, alive, self.board:
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
        if not closing.close(self.parent, self._status(), self.folder, self.console):
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

    def _status(self) -> tracking.Status:
        if self.code >= INTERRUPTED:
            return "KILLED"
        return "FAILED" if self.code else "FINISHED"
