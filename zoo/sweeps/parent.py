"""The run that a sweep is: what it was asked, and which of its runs have ended."""

import json
import logging
import time
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from zoo import tracking
from zoo.config import BadInput, Config, Tracking
from zoo.outcome import Result
from zoo.start import command_line, naming
from zoo.start.grid import Cell, Grid

log = logging.getLogger(__name__)

ENDED = ("completed", "early_stopped", "target_reached", "pruned", "diverged")


class Parent:
    """A sweep's own run.

    Attributes:
        store: The opened store, for the runs of the sweep too.
        id: Of the run; None where nothing is tracked.
        ended: What came of the runs that have ended before, by the hashes of their configs; see
            `zoo.start.naming.fingerprint`.
        record: The run.
    """

    def __init__(self, store: tracking.Store, record: tracking.Run, ended: Mapping[str, str] | None = None):
        self.store, self.id = store, record.id
        self.record, self.ended = record, ended or {}

    def left(self, cells: Sequence[Cell]) -> list[Cell]:
        """Return the runs that have not ended yet, by the hashes of their configs."""
        return [cell for cell in cells if naming.fingerprint(cell.config) not in self.ended]

    def outcomes(self, cells: Sequence[Cell]) -> Counter[str]:
        """Return how many of the runs have come to which outcome before."""
        hashes = [naming.fingerprint(cell.config) for cell in cells]
        return Counter(self.ended[one] for one in hashes if one in self.ended)


def record_failure(
    store: tracking.Store, parent: str | None, config: Config, error: Exception, tags: Mapping[str, str]
) -> Result:
    """Record a run of a sweep that could not begin, with the traceback unless the user's input was at fault."""
    is_input = isinstance(error, BadInput)
    reason = str(error) if is_input else f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    result = Result(None, naming.name(config), "error", tracking.mask(reason), 1)
    now = time.time()
    run = tracking.FinishedRun(
        name=result.name,
        params=config.tree(),
        tags={**naming.tags(config), **tags, "outcome": "error", "reason": reason},
        steps=np.zeros(0, np.int64),
        curves={},
        summary={},
        last_step=0,
        status="FAILED",
        began=now,
        ended=now,
    )
    [result.run_id] = store.add([run], parent)
    if not is_input:
        with TemporaryDirectory() as folder:
            text = tracking.mask("".join(traceback.format_exception(error)))
            Path(folder, "traceback.txt").write_text(text, encoding="utf-8")
            store.keep(result.run_id, Path(folder))
    return result


def open_parent(grid: Grid) -> Parent:
    """Open the parent run of a grid: a new one, or the one that is to go on.

    Raises:
        BadInput: The store is not as it should be, or there is no such sweep to go on with.
    """
    first = grid.cells[0].config
    models = list(dict.fromkeys(cell.config.model.name for cell in grid.cells))
    if grid.settings.resume is not None:
        return _resumed(grid, first.tracking, models)
    return begin(
        first.tracking,
        _name(grid, models),
        models,
        {key: ", ".join(values) for key, values in grid.swept.items()},
        {
            "sweep.skipped": in_a_tag(grid.skipped),
            "sweep.command": command_line.multirun(grid.words),
            "sweep.words": json.dumps(grid.words),
        },
    )


def begin(
    settings: Tracking, name: str, models: Sequence[str], swept: Mapping[str, str], tags: Mapping[str, str]
) -> Parent:
    """Open a new parent run.

    Args:
        settings: Where it is recorded.
        name: What it is called.
        models: That its runs are of.
        swept: For each key that its runs differ in, the values in words.
        tags: What else is to be known of it from its first moment.

    Raises:
        BadInput: The store is not as it should be.
    """
    # All runs of a sweep are in one experiment, because MLflow shows children under their parent only there.
    store = tracking.connect(settings, models[0])
    if store.is_away:
        raise BadInput("A sweep needs the tracking server from its start: tracking.offline=spool is for single runs.")
    if store.uri is not None:
        for gone in tracking.mark_vanished(store.uri):
            log.info(f"{gone.name} ({gone.id}) was marked as interrupted. {gone.reason}")
    about = ", ".join(models)
    record = store.start(name, tags={"sweep": "true", "model": about, "sweep.swept": json.dumps(list(swept)), **tags})
    record.log_params({**swept, "model": about})
    return Parent(store, record)


def go_on(found: tracking.StoredRun, settings: Tracking) -> Parent:
    """Open the parent run that is to go on.

    Args:
        found: As it was recorded.
        settings: Where.

    Raises:
        BadInput: The store is not as it should be.
    """
    store = tracking.connect(settings, found.tags.get("model", "").split(", ")[0])
    children = tracking.children([found.id], store.uri, or_none=True)
    return Parent(store, store.reopen(found), outcomes_by_hash(children))


def _resumed(grid: Grid, settings: Tracking, models: Sequence[str]) -> Parent:
    assert grid.settings.resume is not None
    if settings.name == "off":
        raise BadInput("sweep.resume needs the record of the sweep, but tracking=off. Leave tracking=off out.")
    found = tracking.find(grid.settings.resume, settings.uri)
    if found.tags.get("sweep") != "true":
        raise BadInput(f"Run {found.id} ({found.name}) is no sweep. sweep.resume takes the id of a sweep's own run.")
    if "search" in found.tags:
        raise BadInput(f"Run {found.id} ({found.name}) is a search. It goes on with search.resume={found.id}.")
    known = found.tags.get("model", "").split(", ")
    if foreign := [model for model in models if model not in known]:
        raise BadInput(
            f"Sweep {found.id} is about model={', '.join(known)}. Received: model={', '.join(foreign)}. "
            "Go on with the model that it began with, or start another sweep."
        )
    parent = go_on(found, settings)
    words = [word for word in grid.words if not word.startswith("sweep.resume=")]
    if json.dumps(words) != found.tags["sweep.words"]:  # the grid is another one now, and the record says both
        swept = dict.fromkeys([*json.loads(found.tags["sweep.swept"]), *grid.swept])
        command = f"{found.tags['sweep.command']}; {command_line.multirun(grid.words)}"
        parent.record.set_tags({"sweep.swept": json.dumps(list(swept)), "sweep.command": command})
        parent.record.set_tags({"sweep.skipped": in_a_tag(grid.skipped)})
    return parent


def outcomes_by_hash(children: Sequence[tracking.RunRecord]) -> dict[str, str]:
    """Return what came of the configs that a run has come to its end with, whatever other runs of them did."""
    outcomes = [(child.tags.get("config_hash", ""), child.tags.get("outcome", "")) for child in children]
    return {config_hash: outcome for config_hash, outcome in outcomes if outcome in ENDED}


def _name(grid: Grid, models: Sequence[str]) -> str:
    """Return what a sweep is called: `xor_mlp: optimizer × init × seed, 1,000 runs`."""
    config = grid.cells[0].config
    recipes = [word.partition("=")[2] for word in grid.fixed if word.startswith("experiment=")]
    sources = [f"init_from={config.init_from[:8]}"] if config.init_from and "init_from" not in grid.swept else []
    what = " ".join([", ".join(models), *recipes, *sources])
    keys = " × ".join(key.rpartition(".")[2] for key in grid.swept if key != "model")
    count = f"{len(grid.cells):,} run{'s' * (len(grid.cells) > 1)}"
    return f"{what}: {keys}, {count}" if keys else f"{what}: {count}"


def in_a_tag(lines: Sequence[str], longest: int = 7_000) -> str:
    """Return as many lines as a tag holds, as a JSON list that says how many more there are."""
    kept, told = list(lines), json.dumps(list(lines))
    while len(told) > longest:
        kept = kept[: len(kept) * 3 // 4]
        told = json.dumps([*kept, f"and {len(lines) - len(kept):,} more"])
    return told
