"""A sweep whose runs Hydra's own launchers make, in this process or in others: under one parent all the same.

What the workers need to know of the sweep reaches them in an environment variable, which they inherit.
"""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from zoo import terminal, tracking
from zoo.config import Config
from zoo.run import Within
from zoo.start import naming
from zoo.start.grid import Grid, choice
from zoo.sweeps.parent import open_parent, outcomes_by_hash, record_failure

VARIABLE = "ZOO_SWEEP"


def launch(grid: Grid, hydra: Callable[[Sequence[str]], int]) -> int:
    """Have Hydra run a grid, and answer what the sweep asked.

    Args:
        grid: From `zoo.start.grid.read`.
        hydra: Runs the words it is given, and returns the exit code of those runs that were made in this process.

    Returns:
        The exit code: 0 only if no run ended in an error.

    Raises:
        BadInput: The grid is not one that Hydra can run, or the tracking store is not as it should be.
    """
    from zoo.sweeps import closing  # its pictures take time to be imported

    words = grid.hydra_words()
    console = terminal.console()
    folder = Path(naming.new_folder("multirun"))
    with terminal.messages(console):
        parent = open_parent(grid)
        folder.mkdir(parents=True)
        with terminal.log_file(folder / "sweep.log"):
            told = {"parent": parent.id, "swept": list(grid.swept), "ended": sorted(parent.ended)}
            os.environ[VARIABLE] = json.dumps({**told, "keeps_models": grid.settings.keep != "none"})
            code = 1
            try:
                with tracking.beating(parent.id, parent.store.uri):
                    code = hydra([f"hydra.sweep.dir={folder}", *words])  # one that the user names comes later, and wins
            except KeyboardInterrupt:
                code = 130
                raise
            finally:
                del os.environ[VARIABLE]
                children = tracking.children([parent.id], parent.store.uri, or_none=True) if parent.id else []
                ended = outcomes_by_hash(children)
                if any(child.tags.get("config_hash") not in ended for child in children):
                    code = max(code, 1)
                closing.close(parent, "KILLED" if code >= 128 else "FAILED" if code else "FINISHED", folder, console)
    return code


def within(config: Config) -> Within | None:
    """Return the sweep that this process makes a run of, or None."""
    if VARIABLE not in os.environ:
        return None
    sweep = json.loads(os.environ[VARIABLE])
    tags = {"choice": json.dumps(choice(config.overrides, sweep["swept"]))}
    return Within(sweep["parent"], tags, keeps_model=sweep["keeps_models"])


def has_ended(config: Config) -> bool:
    """Tell whether a run has ended in the sweep that goes on, so that it is not to be made again."""
    return VARIABLE in os.environ and naming.fingerprint(config) in json.loads(os.environ[VARIABLE])["ended"]


def fail(config: Config, error: Exception) -> bool:
    """Record a run that could not begin, and tell whether it is one of a sweep."""
    sweep = within(config)
    if sweep is None:
        return False
    store = tracking.connect(config.tracking, config.model.name)
    record_failure(store, sweep.parent, config, error, sweep.tags)
    return True
