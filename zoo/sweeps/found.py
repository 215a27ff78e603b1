"""What a search has found: its best trial, measured on the test split once, when nothing is left to be chosen."""

import json
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console

from zoo import kept, learners, tracking
from zoo.config import BadInput, Config
from zoo.data import Splits
from zoo.models.ngram import Trigram
from zoo.outcome import Result
from zoo.results import search_figures
from zoo.results.formats import Picture
from zoo.results.leaderboard import Leaderboard, leaderboard
from zoo.results.trials import is_better
from zoo.start import command_line
from zoo.start.search import Search
from zoo.sweeps import records
from zoo.sweeps.parent import Parent
from zoo.tracking import RunRecord, StoredRun

log = logging.getLogger(__name__)

TRIAL = "trial"  # a child's tag: its number, counted from 0
_TESTED = "search.tested"


class Best:
    """The best trial so far, and in the end its test.

    Args:
        search: What is searched.
        parent: The search's own run.
    """

    def __init__(self, search: Search, parent: Parent):
        self._search, self._parent = search, parent
        self._metric = search.config.monitored
        self._value = math.nan
        self._weights: list[np.ndarray] | None = None
        self._config: Config | None = None
        if search.source is not None and parent.id is not None:
            for one in tracking.children([parent.id], parent.store.uri, or_none=True):
                self._beats(one.metrics.get(f"best_{self._metric}", math.nan), one.status == "FINISHED")

    def take(self, config: Config, result: Result) -> bool:
        """Tell whether a trial is as good as the best before it, so that its model is to be kept."""
        before = self._value
        is_best = self._beats(result.target, result.exit_code == 0 and result.best_weights is not None)
        if is_best and result.run_id is None and result.target != before:
            self._config, self._weights = config, result.best_weights
        return is_best

    def test(self, splits: Callable[[Config], Splits], folder: Path, console: Console) -> None:
        """Measure the best trial on the test split, once, and record it with that trial.

        Which one it is says the leaderboard, by validation data alone. A search that goes on, and finds a better one,
        reads the test split again, and says so.

        Args:
            splits: Returns the data of a run.
            folder: For the reports.
            console: Shows the command that makes the best trial again.
        """
        parent = self._parent
        if parent.id is None:
            if self._config is not None and self._weights is not None:
                metrics = _measured(self._config, splits(self._config), self._weights, folder / "best")
                shown = "  ".join(f"{name} {value:.4g}" for name, value in metrics.items())
                console.print(f"\nBest: {self._again(self._config.overrides)}\n  test     {shown}", markup=False)
            return
        try:
            sweep = records.sweep(tracking.children([parent.id], parent.store.uri))
        except BadInput as error:
            log.warning(f"There is no best trial: {error}")
            return
        board = leaderboard(sweep.trials)
        if board.best is None:
            return
        own = board.trials.of(board.best.choice)[0]
        run = tracking.find(own.id, parent.store.uri)
        choice = json.loads(run.tags["choice"])
        config = self._search.trial({key: choice[key.lstrip("+")] for key in self._search.space})
        if isinstance(config, BadInput):
            raise config
        again = self._again(config.overrides)
        if not any(name.startswith("test_") for name in run.metrics):
            tested = json.loads(tracking.find(parent.id, parent.store.uri).tags.get(_TESTED, "[]"))
            with TemporaryDirectory() as temporary:
                reports = Path(temporary)
                metrics = _measured(config, splits(config), _weights(run), reports)
                tracking.extend(own.id, parent.store.uri, metrics=metrics, artifacts=reports)
            parent.record.set_tags({_TESTED: json.dumps([*tested, own.id])})
        parent.record.set_tags({"search.best": own.id, "search.best_command": again})
        console.print(f"\nBest: {again}", markup=False, soft_wrap=True)

    def _beats(self, value: float, counts: bool) -> bool:
        if not counts or not math.isfinite(value):
            return False
        if not (math.isnan(self._value) or value == self._value or is_better(self._metric, value, self._value)):
            return False
        self._value = value
        return True

    def _again(self, words: Sequence[str]) -> str:
        return command_line.run(words)


def pictures(parents: Sequence[StoredRun], found: records.Sweep, board: Leaderboard, folder: Path) -> list[Picture]:
    """Draw what a search has shown; nothing where the runs are not those of one search.

    Args:
        parents: The sweeps that the runs are of.
        found: The runs.
        board: Their leaderboard.
        folder: Where to write.
    """
    if len(parents) != 1 or "search.space" not in parents[0].tags:
        return []
    tags = parents[0].tags
    tried = [
        search_figures.Tried(_number(found.records[trial.id], place), trial)
        for place, trial in enumerate(found.trials.all)
    ]
    log_keys = [key.lstrip("+") for key, text in json.loads(tags["search.space"]).items() if text.endswith("log]")]
    shares = json.loads(tags.get("search.importance", "{}"))
    return search_figures.pictures(tried, board, folder, log_keys=log_keys, importance=shares)


def facts(parents: Sequence[StoredRun]) -> dict[str, str]:
    """Return what is to be said of a search by name: how it searched, and from what it chose."""
    if len(parents) != 1 or "search.space" not in parents[0].tags:
        return {}
    tags = parents[0].tags
    how: Mapping[str, object] = json.loads(tags["search.settings"])
    said = {"search": ", ".join(f"{key} {value}" for key, value in how.items())}
    said |= {key.lstrip("+"): text for key, text in json.loads(tags["search.space"]).items()}
    if command := tags.get("search.best_command"):
        said["the best again"] = command
    return said


def notes(parents: Sequence[StoredRun]) -> list[str]:
    """Return what a reader of a search has to know before believing its test result."""
    times = max((len(json.loads(parent.tags.get(_TESTED, "[]"))) for parent in parents), default=0)
    return [f"The test split was read {times} times, as the search went on after its end."] if times > 1 else []


def _number(record: RunRecord, place: int) -> int:
    text = record.tags.get(TRIAL, "")
    return int(text) if text.isdigit() else place


def _weights(run: StoredRun) -> list[np.ndarray]:
    model = kept.load(run.id, run.uri).model
    if isinstance(model, Trigram):
        return model.weights
    return list(model.get_weights())


def _measured(config: Config, splits: Splits, weights: list[np.ndarray], folder: Path) -> dict[str, float]:
    """Return the metrics of weights on the test split, and write the reports."""
    learner = learners.of(config, splits)
    learner.build()
    folder.mkdir(parents=True, exist_ok=True)
    metrics = learner.test(weights)
    learner.report(weights, folder)
    return metrics
