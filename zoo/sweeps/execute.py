"""A sweep from its grid to its answer: one parent run, a child for every cell, whatever comes of each.

The parent is opened before anything trains. Jobs that fail, diverge or are interrupted are recorded as such, and the
others still run; an interrupted sweep says how to go on.
"""

import json
import logging
import signal
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from zoo import learners, opening, quiet, terminal, tracking
from zoo.config import BadInput
from zoo.data import Splits
from zoo.outcome import Result
from zoo.results.trials import is_better
from zoo.run import Within, load, run
from zoo.start import command_line, naming
from zoo.start.grid import Cell, Grid
from zoo.sweeps.board import Board
from zoo.sweeps.parent import Parent, open_parent, record_failure
from zoo.sweeps.plan import Group, plan

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


def execute(grid: Grid, *, folder: Path | None = None, console: Console | None = None) -> Swept:
    """Run every cell of a grid under one parent run, and answer what the sweep asked.

    Args:
        grid: From `zoo.start.grid.read`.
        folder: For the sweep's files; a new one under multirun/ if left out.
        console: Shows progress and answer; standard output if left out.

    Raises:
        BadInput: The tracking store or the data is not as it should be, or there is no such sweep to go on with.
    """
    console = console or terminal.console()
    folder = Path(naming.new_folder("multirun")) if folder is None else folder
    with terminal.messages(console):
        splits = load(grid.cells[0].config)  # says what is wrong with the data before anything is recorded
        parent = open_parent(grid)
        cells = parent.left(grid.cells)
        folder.mkdir(parents=True, exist_ok=True)
        with terminal.log_file(folder / "sweep.log"):
            for sentence in grid.skipped:
                log.info(f"Left out: {sentence}")
            if len(cells) < len(grid.cells):
                log.info(f"{len(grid.cells) - len(cells):,} of {len(grid.cells):,} runs have ended before.")
            return _Sweep(grid, cells, parent, folder, console, splits).live()


class _Sweep:
    """One sweep, from its opening to its end."""

    def __init__(
        self, grid: Grid, cells: Sequence[Cell], parent: Parent, folder: Path, console: Console, splits: Splits
    ):
        self.grid, self.cells, self.parent, self.folder, self.console = grid, cells, parent, folder, console
        self.board = Board(len(cells), console)
        self.results: list[Result] = []
        self.best: dict[str, tuple[Cell, Result]] = {}
        self.code = 0
        self._data = _data_key(grid.cells[0]), splits

    def live(self) -> Swept:
        """Run everything, keep the best models, answer, close the parent."""
        from zoo.training.interruption import Interrupted, Interruption

        try:
            with Interruption() as interruption, self.board:
                if any(cell.config.model.learns == "training" for cell in self.cells):
                    quiet.import_tensorflow()
                for group in plan(self.cells, self.grid.settings):
                    self._run_group(group, interruption.check)
                    interruption.check()
        except Interrupted as error:
            self.code = INTERRUPTED + error.number
        except KeyboardInterrupt:
            self.code = self.code if self.code >= INTERRUPTED else INTERRUPTED + signal.SIGINT
        except Exception as error:  # of the sweep itself, such as a store that has failed
            log.error("".join(traceback.format_exception(error)))
            self.code = 1
        try:
            self._keep_best()
        except Exception as error:
            log.error("".join(traceback.format_exception(error)))
            self.code = max(self.code, 1)
        self.console.print(f"\n{self.board.summary()}", markup=False)
        if not self.parent.close(self._status(), self.folder, self.console):
            self.code = max(self.code, 1)
        if self.code >= INTERRUPTED and self.parent.id:
            words = [word for word in self.grid.words if not word.startswith("sweep.resume=")]
            command = command_line.multirun([*words, f"sweep.resume={self.parent.id}"])
            self.console.print(f"To go on: {command}", markup=False, soft_wrap=True)
        return Swept(self.parent.id, self.results, self.code, self.folder)

    def _status(self) -> tracking.Status:
        if self.code >= INTERRUPTED:
            return "KILLED"
        return "FAILED" if self.code else "FINISHED"

    def _run_group(self, group: Group, check_interrupt: Callable[[], None]) -> None:
        left, reason = group.cells, group.reason
        if not reason:
            left, reason = self._run_together(group.cells, check_interrupt)
        if left:
            log.info(f"{len(left):,} run{'s' * (len(left) > 1)} one after another: {reason.rstrip('.')}.")
        for cell in left:
            self._run_alone(cell)
            check_interrupt()

    def _run_together(self, cells: Sequence[Cell], check_interrupt: Callable[[], None]) -> tuple[list[Cell], str]:
        """Train runs as one program; return those that are left, and why they can't be trained so."""
        from zoo.sweeps.together import Together
        from zoo.training.ending import is_out_of_memory
        from zoo.training.interruption import Interrupted

        left = list(cells)
        try:
            splits = self._splits(cells[0])
        except Exception as error:
            self._fail(cells, error)
            return [], ""
        try:
            together = Together(cells, splits, self.parent.store, self.parent.id, self._tags)
            if reason := together.obstacle(forced=self.grid.settings.vectorize is True):
                return left, reason
            for chunk in together.train(check_interrupt, self.board.working):
                made = {id(cell) for cell, _ in chunk}
                left = [cell for cell in left if id(cell) not in made]
                self._take(chunk)
                self._stop_if_interrupted(chunk)
        except (Interrupted, tracking.TrackingError):
            raise
        except BadInput as error:  # one of them has what the others have not
            return left, f"they can't train together ({error})"
        except Exception as error:
            log.debug("%s", traceback.format_exc())
            if is_out_of_memory(error):
                return left, f"{together.size:,} of them together took more memory than there is"
            return left, f"TensorFlow can't stack them ({type(error).__name__}: {str(error).partition(chr(10))[0]})"
        return left, ""

    def _run_alone(self, cell: Cell) -> None:
        number = len(self.results)
        self.board.working(naming.name(cell.config))
        parent, keeps_model = self.parent, self.grid.settings.keep == "all"
        try:
            within = Within(parent.id, self._tags(cell), parent.store, self._splits(cell), keeps_model)
            result = run(cell.config, folder=self.folder / str(number), within=within, console=Console(quiet=True))
        except Exception as error:  # a builder or loader of the user's may fail in any way
            self._fail([cell], error)
            return
        self._take([(cell, result)])
        self._stop_if_interrupted([(cell, result)])

    def _stop_if_interrupted(self, ended: Sequence[tuple[Cell, Result]]) -> None:
        codes = [result.exit_code for _, result in ended if result.exit_code >= INTERRUPTED]
        if codes:
            self.code = max(codes)
            raise KeyboardInterrupt

    def _fail(self, cells: Sequence[Cell], error: Exception) -> None:
        """Record runs that could not begin."""
        log.error(str(error) if isinstance(error, BadInput) else "".join(traceback.format_exception(error)))
        store, parent = self.parent.store, self.parent.id
        self._take([(cell, record_failure(store, parent, cell.config, error, self._tags(cell))) for cell in cells])

    def _take(self, ended: Sequence[tuple[Cell, Result]]) -> None:
        """Count runs that have ended, and hold on to the weights of the best one of every choice."""
        self.board.take([(result, cell.config.monitored) for cell, result in ended])
        for cell, result in ended:
            metric, choice = cell.config.monitored, json.dumps(cell.choice)
            self.results.append(result)
            if result.outcome == "error":
                self.code = max(self.code, 1)
            if self.grid.settings.keep == "all" and result.folder == Path():  # a run of its own has done so itself
                self._keep(cell, result)
            _, best = self.best.get(choice, (cell, None))
            beaten: Result | None = result
            is_candidate = result.best_weights is not None and result.exit_code == 0
            if is_candidate and (best is None or is_better(metric, result.target, best.target)):
                self.best[choice] = cell, result
                beaten = best
            if beaten is not None:
                beaten.best_weights = None

    def _keep_best(self) -> None:
        """Keep the model of the best run of every choice."""
        if self.grid.settings.keep == "best":
            for cell, result in self.best.values():
                self._keep(cell, result)

    def _keep(self, cell: Cell, result: Result) -> None:
        if result.run_id is None or result.best_weights is None:
            return
        with TemporaryDirectory() as temporary:
            folder = Path(temporary)
            opening.write_config(cell.config, folder)
            learners.of(cell.config, self._splits(cell)).keep(result.best_weights, folder)
            self.parent.store.keep(result.run_id, folder)

    def _tags(self, cell: Cell) -> dict[str, str]:
        return {"choice": json.dumps(cell.choice)}

    def _splits(self, cell: Cell) -> Splits:
        """Return the data of a run; that of the last one is kept."""
        if self._data[0] != _data_key(cell):
            self._data = _data_key(cell), load(cell.config)
        return self._data[1]


def _data_key(cell: Cell) -> str:
    config = cell.config
    return f"{config.data.model_dump_json()} {config.data_dir} {config.model.vocab_size}"
