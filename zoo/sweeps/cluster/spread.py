"""The runs of a sweep, made by a cluster: cut into tasks, given out, given out again where a node was lost."""

import contextlib
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from zoo.config import BadInput, Config
from zoo.start.grid import Cell, Settings
from zoo.start.launcher import Ray, Slurm
from zoo.sweeps.cluster.site import Site, environment, versions
from zoo.sweeps.cluster.task import Answer, Lost, Task, ended_before
from zoo.sweeps.plan import Group, plan
from zoo.sweeps.runs import Data, Ended, Runs, tags
from zoo.tracking import Store, TrackingError, mark_vanished
from zoo.tracking.address import database_file

log = logging.getLogger(__name__)

# Fewer that train together are not cut further: then the last bits may depend on how many they are.
LEAST = 64
_POLL_SECONDS = 0.5
_CANCEL_SECONDS = 30.0
_ASK_AGAIN_SECONDS = 8.0


class Cluster(Protocol):
    """What runs tasks elsewhere.

    Attributes:
        slots: How many tasks run at a time.
        described: In a few words.
    """

    slots: int
    described: str

    def faults(self, site: Site, configs: Sequence[Config]) -> list[str]:
        """Return what keeps nodes from taking part, in sentences; data is prepared on the way."""

    def start(self, tasks: Sequence[Task]) -> None:
        """Give out tasks."""

    def ended(self, seconds: float) -> list[tuple[Task, Answer | Lost]]:
        """Wait for so long at most, and return the tasks that have ended since the last call."""

    def cancel(self) -> list[Task]:
        """Ask what runs to come to an end, as Ctrl-C does, and return what has not begun."""


@contextlib.contextmanager
def opened(launcher: Ray | Slurm, folder: Path) -> Iterator[Cluster]:
    """Open the cluster that a launcher names.

    Raises:
        BadInput: It can't be reached, or what it needs is not installed.
    """
    if isinstance(launcher, Ray):
        from zoo.sweeps.cluster import by_ray

        with by_ray.opened(launcher) as cluster:
            yield cluster
    else:
        from zoo.sweeps.cluster import by_slurm

        with by_slurm.opened(launcher, folder) as jobs:
            yield jobs


@contextlib.contextmanager
def site(store: Store, launcher: Ray | Slurm) -> Iterator[Site]:
    """Say what nodes need to have; a file beside the database tells them meanwhile whether they see it."""
    file = database_file(store.uri) if store.uri else None
    token = None
    if file is not None:
        token = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}.sweep").resolve()
        token.touch()
    try:
        yield Site(versions(), environment(), launcher.cpus_per_task, store.address, token)
    finally:
        if token is not None:
            token.unlink(missing_ok=True)


def check(cluster: Cluster, site: Site, cells: Sequence[Cell]) -> None:
    """See whether all nodes can make the runs of a sweep, before anything is recorded.

    Raises:
        BadInput: One can't.
    """
    configs = {cell.config.data.model_dump_json(): cell.config for cell in cells}
    if faults := cluster.faults(site, list(configs.values())):
        raise BadInput(f"The cluster can't make this sweep. {' '.join(dict.fromkeys(faults))}")


class Spread:
    """The runs of one sweep, as a cluster makes them.

    Args:
        cluster: Opened.
        launcher: Its settings.
        site: What its nodes have.
        runs: Records what could not be made.
        data: That has been loaded here.
    """

    def __init__(self, cluster: Cluster, launcher: Ray | Slurm, site: Site, runs: Runs, data: Data):
        self._cluster, self._launcher, self._site, self._runs, self._data = cluster, launcher, site, runs, data
        self._said: set[str] = set()

    def make(self, cells: Sequence[Cell], settings: Settings, check_interrupt: Callable[[], None]) -> Iterator[Ended]:
        """Make runs, and yield those that have ended with what came of them.

        Args:
            cells: The runs.
            settings: How the sweep is made.
            check_interrupt: Raises `Interrupted` when an end was asked for.

        Raises:
            TrackingError: The store refused or failed, or a node is not as it should be.
        """
        from zoo.training.interruption import Interrupted

        tasks = [
            Task(number, own, together, settings, self._runs.parent, self._runs.folder.resolve(), self._site)
            for number, (own, together) in enumerate(self._cut(cells, settings))
        ]
        left = {task.number for task in tasks}
        log.info(f"{len(cells):,} runs in {len(tasks):,} tasks on {self._cluster.described}.")
        self._cluster.start(tasks)
        try:
            while left:
                self._runs.working(f"{len(left):,} of {len(tasks):,} tasks left", 0.0)
                check_interrupt()
                for task, answer in self._cluster.ended(_POLL_SECONDS):
                    if isinstance(answer, Answer):
                        yield self._read(task, answer)
                        if answer.fault:
                            raise TrackingError(answer.fault)
                        answer = _unfinished(task, answer) or answer
                    if isinstance(answer, Lost) and task.attempt < self._launcher.retries:
                        log.warning(f"Task {task.number} is given out again: {answer}")
                        self._cluster.start([task.again()])
                        continue
                    left.discard(task.number)
                    if isinstance(answer, Lost):
                        yield self._give_up(task, answer)
        except Interrupted as error:
            left -= {task.number for task in self._cluster.cancel()}
            yield self._last_words(left, 128 + error.number)
            raise
        except BaseException:
            self._cluster.cancel()
            raise

    def _cut(self, cells: Sequence[Cell], settings: Settings) -> Iterator[tuple[list[Cell], int | None]]:
        """Yield the runs of each task, and how many of them train together."""
        for group in plan(cells, settings):
            reason, size = group.reason, 0
            if not reason:
                reason, size = self._together(group, settings)
            if reason:
                log.info(f"{len(group.cells):,} runs each by itself: {reason.rstrip('.')}.")
            count = size or self._launcher.runs_per_task
            for first in range(0, len(group.cells), count):
                yield group.cells[first : first + count], size or None

    def _together(self, group: Group, settings: Settings) -> tuple[str, int]:
        """Return why runs should not train together, or else how many should be in a task."""
        from zoo.sweeps.together import Together

        cells = group.cells
        try:
            splits = self._data.of(cells[0].config)
            together = Together(cells, splits, self._runs.store, self._runs.parent, tags)
            if reason := together.obstacle(forced=settings.vectorize is True):
                return reason, 0
            return "", min(together.at_a_time(), max(LEAST, -(-len(cells) // self._cluster.slots)))
        except Exception as error:  # the runs will say so themselves
            return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}", 0

    def _read(self, task: Task, answer: Answer) -> Ended:
        """Return the runs that a task has ended, and say what its process had to say, once."""
        for message in answer.messages:
            if message not in self._said:
                self._said.add(message)
                log.info(message)
        return [(task.cells[place], result) for place, result in answer.ended if result.outcome != "interrupted"]

    def _give_up(self, task: Task, lost: Lost) -> Ended:
        """Record what a task has not made as failed."""
        before = ended_before(task.again())
        missing = [cell for place, cell in enumerate(task.cells) if place not in before]
        why = RuntimeError(f"Its task was lost {task.attempt + 1} times: {lost}")
        failed = self._runs.failed([(cell.config, tags(cell)) for cell in missing], why)
        return [(task.cells[place], result) for place, result in before.items()] + list(
            zip(missing, failed, strict=True)
        )

    def _last_words(self, left: set[int], code: int) -> Ended:
        """Wait a while for the tasks that were asked to end, and return what came of them, with our own exit code."""
        began, asked = time.monotonic(), 1
        ended: Ended = []
        while left and time.monotonic() < began + _CANCEL_SECONDS:
            if time.monotonic() > began + asked * _ASK_AGAIN_SECONDS:  # who was still starting has not heard it
                asked += 1
                self._cluster.cancel()
            for task, answer in self._cluster.ended(_POLL_SECONDS):
                left.discard(task.number)
                if isinstance(answer, Answer):
                    ended += [(task.cells[place], result) for place, result in answer.ended]
        if left and self._runs.store.uri is not None:
            mark_vanished(self._runs.store.uri)
        for _, result in ended:
            if result.outcome == "interrupted":
                result.exit_code = code
        return ended


def _unfinished(task: Task, answer: Answer) -> Lost | None:
    """Return why a task is not done although it answered: its node ended it before its time."""
    done = {place for place, result in answer.ended if result.outcome != "interrupted"}
    return None if len(done) == len(task.cells) else Lost("its process was asked to end before its time.")
