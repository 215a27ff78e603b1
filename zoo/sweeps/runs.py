"""The runs of a sweep, made in this process: many as one program where that pays, the others one after another.

Each is recorded as what it is: also one that fails, that diverges, or that cannot begin. Who counts them and answers
the sweep's question is elsewhere: `zoo.sweeps.life`.
"""

import json
import logging
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from zoo import learners, opening, tracking
from zoo.config import BadInput, Config
from zoo.data import Splits
from zoo.outcome import Result
from zoo.results.trials import is_better
from zoo.run import Within, load, run
from zoo.start import naming
from zoo.start.grid import Cell, Settings
from zoo.sweeps.parent import record_failure
from zoo.sweeps.plan import Group, plan
from zoo.training.ending import Judge

log = logging.getLogger(__name__)

Ended = list[tuple[Cell, Result]]


class Data:
    """The data of runs, of which that of the last one is kept."""

    def __init__(self) -> None:
        self._last: tuple[str, Splits] | None = None

    def of(self, config: Config) -> Splits:
        """Return the data of a run.

        Raises:
            BadInput: It cannot be had, or is not as it should be.
        """
        key = f"{config.data.model_dump_json()} {config.data_dir} {config.model.vocab_size}"
        if self._last is None or self._last[0] != key:
            self._last = key, load(config)
        return self._last[1]


class Runs:
    """The runs of one sweep, as this process makes them.

    Args:
        store: That they are recorded in.
        parent: The id of the sweep's run; None where nothing is tracked.
        folder: For their files, each in a folder of its own.
        working: Told what goes on, and how many runs' worth of epochs are done of what trains together.
        data: That has been loaded.
    """

    def __init__(
        self,
        store: tracking.Store,
        parent: str | None,
        folder: Path,
        working: Callable[[str, float], None],
        data: Data,
    ):
        self.store, self.parent, self.folder, self.working, self.data = store, parent, folder, working, data
        self._made = 0

    def make(self, cells: Sequence[Cell], settings: Settings, check_interrupt: Callable[[], None]) -> Iterator[Ended]:
        """Make runs, and yield those that have ended with what came of them.

        Args:
            cells: The runs.
            settings: How the sweep is made.
            check_interrupt: Raises `Interrupted` when an end was asked for.
        """
        for group in plan(cells, settings):
            yield from self.of_group(group, settings, check_interrupt)

    def of_group(
        self, group: Group, settings: Settings, check_interrupt: Callable[[], None], size: int | None = None
    ) -> Iterator[Ended]:
        """Make the runs of a group, and yield those that have ended.

        Args:
            group: The runs.
            settings: How the sweep is made.
            check_interrupt: Raises `Interrupted` when an end was asked for.
            size: How many train at a time; as many as fit into memory if left out.
        """
        for ended in self._of_group(group, settings, check_interrupt, size):
            for cell, result in ended:
                if settings.keep == "all" and result.folder == Path():  # a run of its own has done so itself
                    self.keep(cell.config, result)
            yield ended

    def one_after_another(self, cells: Sequence[Cell], settings: Settings) -> Iterator[Ended]:
        """Make runs, each by itself, and yield each with what came of it."""
        for cell in cells:
            yield [(cell, self.alone(cell.config, tags(cell), keeps_model=settings.keep == "all"))]

    def alone(
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
        self.working(naming.name(config), 0.0)
        folder, self._made = self.folder / str(self._made), self._made + 1
        try:
            splits = self.data.of(config)
            within = Within(self.parent, tags, self.store, splits, keeps_model, is_tested, judge)
            return run(config, folder=folder, within=within, console=Console(quiet=True))
        except Exception as error:  # a builder or loader of the user's may fail in any way
            return self.failed([(config, tags)], error)[0]

    def failed(self, runs: Sequence[tuple[Config, Mapping[str, str]]], error: Exception) -> list[Result]:
        """Record runs that could not begin, by their configs and tags."""
        log.error(str(error) if isinstance(error, BadInput) else "".join(traceback.format_exception(error)))
        return [record_failure(self.store, self.parent, config, error, tags) for config, tags in runs]

    def keep(self, config: Config, result: Result) -> None:
        """Keep the model of a run that has ended, with its best weights."""
        if result.run_id is None or result.best_weights is None:
            return
        with TemporaryDirectory() as temporary:
            folder = Path(temporary)
            opening.write_config(config, folder)
            learners.of(config, self.data.of(config)).keep(result.best_weights, folder)
            self.store.keep(result.run_id, folder)

    def _of_group(
        self, group: Group, settings: Settings, check_interrupt: Callable[[], None], size: int | None
    ) -> Iterator[Ended]:
        left, reason = group.cells, group.reason
        if not reason:
            left, reason = yield from self._together(group.cells, settings, check_interrupt, size)
        if left and reason:
            log.info(f"{len(left):,} run{'s' * (len(left) > 1)} one after another: {reason.rstrip('.')}.")
        yield from self.one_after_another(left, settings)

    def _together(
        self, cells: Sequence[Cell], settings: Settings, check_interrupt: Callable[[], None], size: int | None
    ) -> Generator[Ended, None, tuple[list[Cell], str]]:
        """Train runs as one program; return those that are left, and why they can't be trained so."""
        from zoo.sweeps.together import Together
        from zoo.training.ending import is_out_of_memory
        from zoo.training.interruption import Interrupted

        left = list(cells)
        try:
            splits = self.data.of(cells[0].config)
        except Exception as error:
            failed = self.failed([(cell.config, tags(cell)) for cell in cells], error)
            yield list(zip(cells, failed, strict=True))
            return [], ""
        try:
            together = Together(cells, splits, self.store, self.parent, tags)
            if reason := together.obstacle(forced=settings.vectorize is True or size is not None):
                return left, reason
            for chunk in together.train(check_interrupt, self.working, size):
                made = {id(cell) for cell, _ in chunk}
                left = [cell for cell in left if id(cell) not in made]
                yield chunk
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


class BestOfChoices:
    """The best run of every choice, which alone keeps its weights in memory."""

    def __init__(self) -> None:
        self.best: dict[str, tuple[Cell, Result]] = {}

    def take(self, ended: Ended) -> None:
        """Take in runs that have ended, and drop the weights of those that are beaten."""
        for cell, result in ended:
            metric, choice = cell.config.monitored, json.dumps(cell.choice)
            _, best = self.best.get(choice, (cell, None))
            beaten: Result | None = result
            is_candidate = result.best_weights is not None and result.exit_code == 0
            if is_candidate and (best is None or is_better(metric, result.target, best.target)):
                self.best[choice] = cell, result
                beaten = best
            if beaten is not None:
                beaten.best_weights = None


def tags(cell: Cell) -> dict[str, str]:
    """Return what a run of a sweep is tagged with besides its own tags."""
    return {"choice": json.dumps(cell.choice)}
