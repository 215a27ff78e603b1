"""A grid from its cells to its answer: one parent run, a child for every cell, whatever comes of each.

The parent is opened before anything trains. Jobs that fail, diverge or are interrupted are recorded as such, and the
others still run; an interrupted sweep says how to go on.
"""

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from zoo import terminal, tracking
from zoo.start import command_line, naming
from zoo.start.grid import Cell, Grid
from zoo.start.launcher import Ray, Slurm
from zoo.sweeps.life import Life, Swept
from zoo.sweeps.parent import Parent, open_parent
from zoo.sweeps.runs import BestOfChoices, Data, Runs

if TYPE_CHECKING:
    from zoo.sweeps.cluster.spread import Spread

log = logging.getLogger(__name__)


def execute(
    grid: Grid,
    *,
    folder: Path | None = None,
    console: Console | None = None,
    launcher: Ray | Slurm | None = None,
) -> Swept:
    """Run every cell of a grid under one parent run, and answer what the sweep asked.

    Args:
        grid: From `zoo.start.grid.read`.
        folder: For the sweep's files; a new one under multirun/ if left out.
        console: Shows progress and answer; standard output if left out.
        launcher: The cluster that makes the runs; this process if left out.

    Raises:
        BadInput: The tracking store, the data or the cluster is not as it should be, or there is no such sweep to go
            on with.
    """
    console = console or terminal.console()
    folder = Path(naming.new_folder("multirun")) if folder is None else folder
    with terminal.messages(console), contextlib.ExitStack() as elsewhere:
        data = Data()
        data.of(grid.cells[0].config)  # says what is wrong with it before anything is recorded
        spread = None if launcher is None else elsewhere.enter_context(_spread(grid, launcher, folder, data))
        parent = open_parent(grid)
        cells = parent.left(grid.cells)
        folder.mkdir(parents=True, exist_ok=True)
        with terminal.log_file(folder / "sweep.log"):
            for sentence in grid.skipped:
                log.info(f"Left out: {sentence}")
            if len(cells) < len(grid.cells):
                log.info(f"{len(grid.cells) - len(cells):,} of {len(grid.cells):,} runs have ended before.")
            return _Sweep(grid, cells, parent, folder, console, data, spread).live()


@contextlib.contextmanager
def _spread(grid: Grid, launcher: Ray | Slurm, folder: Path, data: Data) -> "Iterator[Callable[[Runs], Spread]]":
    """Open a cluster, see whether it can make the runs, and give what sends them there."""
    from zoo.sweeps.cluster import spread

    config = grid.cells[0].config
    store = tracking.connect(config.tracking, config.model.name)
    with spread.opened(launcher, folder) as cluster, spread.site(store, launcher) as site:
        spread.check(cluster, site, grid.cells)
        yield lambda runs: spread.Spread(cluster, launcher, site, runs, data)


class _Sweep(Life):
    """One grid, from its opening to its end."""

    def __init__(
        self,
        grid: Grid,
        cells: Sequence[Cell],
        parent: Parent,
        folder: Path,
        console: Console,
        data: Data,
        spread: "Callable[[Runs], Spread] | None",
    ):
        super().__init__(parent, len(cells), folder, console, data, parent.outcomes(grid.cells))
        self.grid, self.cells, self.best = grid, cells, BestOfChoices()
        self.makes = spread(self.runs) if spread else self.runs

    @property
    def needs_tensorflow(self) -> bool:
        """Whether something is to be trained."""
        return any(cell.config.model.learns == "training" for cell in self.cells)

    def work(self, check_interrupt: Callable[[], None]) -> None:
        """Run every cell."""
        for ended in self.makes.make(self.cells, self.grid.settings, check_interrupt):
            self.count([(cell.config, result) for cell, result in ended])
            self.best.take(ended)
            self.stop_if_interrupted([result for _, result in ended])
            check_interrupt()

    def conclude(self) -> None:
        """Keep the model of the best run of every choice."""
        if self.grid.settings.keep == "best":
            for cell, result in self.best.best.values():
                self.runs.keep(cell.config, result)

    def again(self, parent: str) -> str:
        """Return the same words with the id."""
        words = [word for word in self.grid.words if not word.startswith("sweep.resume=")]
        return command_line.multirun([*words, f"sweep.resume={parent}"])
