"""What a cluster is given: some runs of a sweep, with all that a process on another node needs to make them.

A task records its runs itself, as children of the sweep. It may be given out again after its node was lost: what has
ended by then is not made twice.
"""

import contextlib
import logging
import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from zoo import outcome, quiet, tracking
from zoo.config import BadInput, Config
from zoo.start import naming
from zoo.start.grid import Cell, Settings
from zoo.sweeps.cluster.site import Site, fault_of_process
from zoo.sweeps.parent import ENDED


class Lost(Exception):
    """A task ended without an answer: its node or process is gone."""


@dataclass(frozen=True)
class Task:
    """Some runs of a sweep.

    Attributes:
        number: Of the task in its sweep.
        cells: The runs.
        together: How many of them train together at a time; None: they run one after another.
        settings: Of the sweep.
        parent: The id of the sweep's run; None where nothing is tracked.
        folder: For their files, on a disk that the node may share.
        site: What a node has to have.
        attempt: 0, or how often the task was lost before.
    """

    number: int
    cells: Sequence[Cell]
    together: int | None
    settings: Settings
    parent: str | None
    folder: Path
    site: Site
    attempt: int = 0

    def again(self) -> "Task":
        """Return the next attempt."""
        return replace(self, attempt=self.attempt + 1)


@dataclass(frozen=True)
class Answer:
    """What came of a task.

    Attributes:
        ended: Place of a run in the task, and what came of it.
        messages: What its process had to say, in sentences.
        fault: What stops the whole sweep, such as a store that has failed; empty if nothing does.
    """

    ended: Sequence[tuple[int, outcome.Result]]
    messages: Sequence[str] = ()
    fault: str = ""


def perform(task: Task) -> Answer:
    """Make the runs of a task, in this process, and return what came of them."""
    from zoo.training.interruption import Interrupted, Interruption

    ended: dict[int, outcome.Result] = {}
    with _messages() as messages, _folder(task) as folder:
        try:
            if wrong := fault_of_process(task.site):
                raise BadInput(f"A node can't take part: {wrong}.")
            if task.attempt:
                ended = ended_before(task)
            with Interruption() as interruption:
                _make(task, folder, ended, interruption.check)
        except (Interrupted, KeyboardInterrupt):  # the latter where it was asked for twice
            pass
        except (tracking.TrackingError, BadInput) as error:
            return Answer(list(ended.items()), messages, str(error))
        return Answer(list(ended.items()), messages)


def ended_before(task: Task) -> dict[int, outcome.Result]:
    """Return what earlier attempts at a task have finished, and mark what they have left as interrupted."""
    if task.parent is None:
        return {}
    places = {naming.fingerprint(cell.config): place for place, cell in enumerate(task.cells)}
    found = {}
    for child in tracking.children([task.parent], task.site.store.uri, or_none=True):
        place = places.get(child.tags.get("config_hash", ""))
        if place is None:
            continue
        if child.status == "RUNNING":
            tracking.give_up(child.id, "Its node was lost, and it was made again on another.", task.site.store.uri)
        elif child.tags.get("outcome") in ENDED:
            found[place] = _result(child, task.cells[place].config)
    return found


def _make(task: Task, folder: Path, ended: dict[int, outcome.Result], check_interrupt: Callable[[], None]) -> None:
    """Make the runs of a task that have not ended, and add what came of each by its place."""
    from zoo.sweeps.plan import Group
    from zoo.sweeps.runs import BestOfChoices, Data, Runs

    places = {id(cell): place for place, cell in enumerate(task.cells) if place not in ended}
    cells = [cell for cell in task.cells if id(cell) in places]
    if any(cell.config.model.learns == "training" for cell in cells):
        quiet.import_tensorflow()
        _set_threads(task.site.threads)
    store = tracking.connect(task.site.store, task.cells[0].config.model.name)
    if task.parent is not None:
        store.join(task.parent)
    best, runs = BestOfChoices(), Runs(store, task.parent, folder, lambda *_: None, Data())
    if task.together is None:
        made = runs.one_after_another(cells, task.settings)
    else:
        made = runs.of_group(Group(cells), task.settings, check_interrupt, task.together)
    for chunk in made:
        best.take(chunk)
        ended.update({places[id(cell)]: result for cell, result in chunk})
        if any(result.outcome == "interrupted" for _, result in chunk):
            return
        check_interrupt()
    if task.settings.keep != "best":
        for result in ended.values():
            result.best_weights = None


def _result(record: tracking.RunRecord, config: Config) -> outcome.Result:
    result = outcome.Result(record.id, naming.name(config), "error", "", 1)
    result.end(record.tags["outcome"], record.tags.get("reason", ""))  # type: ignore[arg-type]  # one of ENDED
    result.metrics = dict(record.metrics)
    result.target = record.metrics.get(f"best_{config.monitored}", math.nan)
    return result


def _set_threads(count: int) -> None:
    import tensorflow as tf

    with contextlib.suppress(RuntimeError):  # a task before this one has started TensorFlow, with as many
        tf.config.threading.set_intra_op_parallelism_threads(count)
        tf.config.threading.set_inter_op_parallelism_threads(count)


@contextlib.contextmanager
def _messages() -> Iterator[list[str]]:
    """Collect what is to be told of the runs, rather than have it said where nobody reads it."""
    said: list[str] = []
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("zoo.sweeps")  # what a run has to say of itself is in its own log
    logger.addHandler(handler)
    try:
        yield said
    finally:
        logger.removeHandler(handler)


@contextlib.contextmanager
def _folder(task: Task) -> Iterator[Path]:
    """Give the folder for the runs' files: the sweep's own where this node sees it, else one until their end."""
    if task.folder.is_dir():
        yield task.folder / (f"{task.number}.{task.attempt}" if task.attempt else str(task.number))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            yield Path(temporary)
