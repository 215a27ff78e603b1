"""A search from its words to its answer: a parent run, a child for every trial, the test split read for the best alone.

Optuna says what to try next, and which trial has no hope; see `zoo.sweeps.study`.
"""

import json
import logging
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from zoo import terminal
from zoo.config import BadInput
from zoo.start import command_line, naming, space
from zoo.start.search import Search, marks
from zoo.sweeps import found
from zoo.sweeps.life import INTERRUPTED, Life, Swept
from zoo.sweeps.parent import Parent, begin, go_on, in_a_tag
from zoo.sweeps.runs import Data
from zoo.sweeps.study import FILE, Asked, Study

log = logging.getLogger(__name__)

_STUDY = "study"  # a folder among the files of the parent
_SHARE_SECONDS = 30.0


def execute(search: Search, *, folder: Path | None = None, console: Console | None = None) -> Swept:
    """Make the trials of a search under one parent run, and answer which is best.

    Args:
        search: From `zoo.start.search.read`.
        folder: For the search's files; a new one under multirun/ if left out.
        console: Shows progress and answer; standard output if left out.

    Raises:
        BadInput: The tracking store or the data is not as it should be.
    """
    console = console or terminal.console()
    folder = Path(naming.new_folder("multirun")) if folder is None else folder
    with terminal.messages(console):
        data = Data()
        data.of(search.config)  # says what is wrong with it before anything is recorded
        parent = _open_parent(search)
        folder.mkdir(parents=True, exist_ok=True)
        with terminal.log_file(folder / "sweep.log"):
            study = _open_study(search, parent, folder)
            if made := study.made:
                log.info(f"{made:,} trials were made before; there are to be {search.settings.trials:,}.")
            return _Search(search, study, parent, folder, console, data).live()


class _Search(Life):
    """One search, from its opening to its end."""

    def __init__(self, search: Search, study: Study, parent: Parent, folder: Path, console: Console, data: Data):
        left = max(0, search.settings.trials - study.made)
        super().__init__(parent, left, folder, console, data, study.outcomes())
        self.search, self.study = search, study
        self.best = found.Best(search, parent)
        self.left_out: dict[str, None] = {}
        self.is_done = False
        self._shared = time.monotonic()

    @property
    def needs_tensorflow(self) -> bool:
        """Whether something is to be trained."""
        return self.search.config.model.learns == "training"

    def work(self, check_interrupt: Callable[[], None]) -> None:
        """Make one trial after another."""
        settings, began = self.search.settings, time.monotonic()
        while self.study.made < settings.trials:
            if self.results and settings.timeout is not None and time.monotonic() - began >= settings.timeout:
                log.info(f"search.timeout={settings.timeout:g} has passed: {self.study.made:,} trials were made.")
                break
            self._try(self.study.ask())
            self._share_study()
            check_interrupt()
        self.is_done = True

    def conclude(self) -> None:
        """Test the best trial, unless the search is to go on, and say what made the difference."""
        record = self.parent.record
        if self.left_out:
            record.set_tags({"sweep.skipped": in_a_tag(list(self.left_out))})
        if shares := self.study.importance():
            record.set_tags({"search.importance": json.dumps(shares)})
        self._share_study(at_once=True)
        if self.is_done:
            self.best.test(self.runs.data.of, self.folder, self.console)

    def again(self, parent: str) -> str:
        """Return the command: what the search began with is in its record."""
        words = [word for word in self.search.fixed if word.startswith("tracking.uri=")]
        return command_line.run([f"search.resume={parent}", *words])

    def _share_study(self, *, at_once: bool = False) -> None:
        """Send the study to a server, every half a minute; elsewhere it is among the artifacts already."""
        if self.parent.record.artifact_folder is not None:
            return
        if at_once or time.monotonic() - self._shared >= _SHARE_SECONDS:
            self.parent.record.log_artifact(self.folder / _STUDY / FILE, _STUDY)
            self._shared = time.monotonic()

    def _try(self, asked: Asked) -> None:
        """Make one trial."""
        config = self.search.trial(asked.chosen)
        if isinstance(config, BadInput):
            words = " ".join(f"{key}={value}" for key, value in asked.chosen.items())
            log.info(f"Left out: {words}: {config}")
            self.left_out[str(config)] = None
            self.study.leave_out(asked, str(config))
            return
        choice = {key.lstrip("+"): value for key, value in asked.chosen.items()}
        tags = {"choice": json.dumps(choice), found.TRIAL: str(asked.number)}
        judge = self.study.judge(asked, config.epochs)
        result = self.runs.alone(config, tags, keeps_model=False, is_tested=False, judge=judge)
        self.count([(config, result)])
        if result.exit_code >= INTERRUPTED:
            self.study.abandon(asked.trial)
            self.stop_if_interrupted([result])
        if self.best.take(config, result):
            self.runs.keep(config, result)
        result.best_weights = None
        self.study.tell(asked, result)
        if result.outcome == "pruned":
            log.info(f"Trial {asked.number:,}: {result.reason}")


def _open_parent(search: Search) -> Parent:
    if search.source is not None:
        if _STUDY not in search.source.artifacts():
            raise BadInput(f"Search {search.source.id} can't go on: its study is not among its artifacts any more.")
        return go_on(search.source, search.config.tracking)
    told, model = space.told(search.space), search.config.model.name
    keys = " × ".join(key.rpartition(".")[2] for key in told)
    name = search.config.name or f"{model}: search of {keys} by {search.name}"
    tags = {
        **marks(search),
        "sweep.skipped": "[]",
        "sweep.command": command_line.run(search.words),
        "sweep.words": json.dumps(search.words),
    }
    return begin(search.config.tracking, name, [model], {key.lstrip("+"): text for key, text in told.items()}, tags)


def _open_study(search: Search, parent: Parent, folder: Path) -> Study:
    """Return the study, fetched if the search was begun elsewhere.

    Raises:
        BadInput: It is damaged.
    """
    try:
        place = (parent.record.artifact_folder or folder) / _STUDY
        if search.source is not None and not place.is_dir():
            shutil.copytree(search.source.download(_STUDY), place)
        return Study(search, place)
    except Exception as error:
        parent.record.finish("FAILED")
        if isinstance(error, BadInput):
            raise
        reason = str(error).strip().partition("\n")[0]
        raise BadInput(f"The study of search {parent.id} can't be opened: {reason}. Start a new search.") from error
