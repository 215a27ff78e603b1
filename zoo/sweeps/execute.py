"""A grid from its cells to its answer: one parent run, a child for every cell, whatever comes of each.

The parent is opened before anything trains. Jobs that fail, diverge or are interrupted are recorded as such, and the
others still run; an interrupted sweep says how to go on.
"""

import json
import logging
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console

from zoo import terminal, tracking
from zoo.config import BadInput
from zoo.data import Splits
from zoo.outcome import Result
from zoo.results.trials import is_better
from zoo.run import load
from zoo.start import command_line, naming
from zoo.start.grid import Cell, Grid
from zoo.sweeps.life import Life, Swept
from zoo.sweeps.parent import Parent, open_parent
from zoo.sweeps.plan import Group, plan

log = logging.getLogger(__name__)


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


class _Sweep(Life):
    """One grid, from its opening to its end."""

    def __init__(
        self, grid: Grid, cells: Sequence[Cell], parent: Parent, folder: Path, console: Console, splits: Splits
    ):
        super().__init__(parent, len(cells), folder, console, grid.cells[0].config, splits)
        self.grid, self.cells = grid, cells
        self.best: dict[str, tuple[Cell, Result]] = {}

    @property
    def needs_tensorflow(self) -> bool:
        """Whether something is to be trained."""
        return any(cell.config.model.learns == "training" for cell in self.cells)

    def work(self, check_interrupt: Callable[[], None]) -> None:
        """Run every cell."""
        for group in plan(self.cells, self.grid.settings):
            self._run_group(group, check_interrupt)
            check_interrupt()

    def conclude(self) -> None:
        """Keep the model of the best run of every choice."""
        if self.grid.settings.keep == "best":
            for cell, result in self.best.values():
                self.keep(cell.config, result)

    def again(self, parent: str) -> str:
        """Return the same words with the id."""
        words = [word for word in self.grid.words if not word.startswith("sweep.resume=")]
        return command_line.multirun([*words, f"sweep.resume={parent}"])

    def _run_group(self, group: Group, check_interrupt: Callable[[], None]) -> None:
        left, reason = group.cells, group.reason
        if not reason:
            left, reason = self._run_together(group.cells, check_interrupt)
        if left:
            log.info(f"{len(left):,} run{'s' * (len(left) > 1)} one after another: {reason.rstrip('.')}.")
        for cell in left:
            result = self.run_alone(cell.config, _tags(cell), keeps_model=self.grid.settings.keep == "all")
            self._take([(cell, result)])
            self.stop_if_interrupted([result])
            check_interrupt()

    def _run_together(self, cells: Sequence[Cell], check_interrupt: Callable[[], None]) -> tuple[list[Cell], str]:
        """Train runs as one program; return those that are left, and why they can't be trained so."""
        from zoo.sweeps.together import Together
        from zoo.training.ending import is_out_of_memory
        from zoo.training.interruption import Interrupted

        left = list(cells)
        try:
            splits = self.splits(cells[0].config)
        except Exception as error:
            failed = self.failed([(cell.config, _tags(cell)) for cell in cells], error)
            self._take(list(zip(cells, failed, strict=True)))
            return [], ""
        try:
            together = Together(cells, splits, self.parent.store, self.parent.id, _tags)
            if reason := together.obstacle(forced=self.grid.settings.vectorize is True):
                return left, reason
            for chunk in together.train(check_interrupt, self.board.working):
                made = {id(cell) for cell, _ in chunk}
                left = [cell for cell in left if id(cell) not in made]
                self._take(chunk)
                self.stop_if_interrupted([result for _, result in chunk])
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

    def _take(self, ended: Sequence[tuple[Cell, Result]]) -> None:
        """Count runs that have ended, and hold on to the weights of the best one of every choice."""
        self.count([(cell.config, result) for cell, result in ended])
        for cell, result in ended:
            metric, choice = cell.config.monitored, json.dumps(cell.choice)
            if self.grid.settings.keep == "all" and result.folder == Path():  # a run of its own has done so itself
                self.keep(cell.config, result)
            _, best = self.best.get(choice, (cell, None))
            beaten: Result | None = result
            is_candidate = result.best_weights is not None and result.exit_code == 0
            if is_candidate and (best is None or is_better(metric, result.target, best.target)):
                self.best[choice] = cell, result
                beaten = best
            if beaten is not None:
                beaten.best_weights = None


def _tags(cell: Cell) -> dict[str, str]:
    return {"choice": json.dumps(cell.choice)}
