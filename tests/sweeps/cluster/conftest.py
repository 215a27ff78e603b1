"""Sweeps that a cluster makes, beside the same ones made here."""

import pytest
from rich.console import Console

from zoo import tracking
from zoo.start import grid
from zoo.sweeps.execute import execute


@pytest.fixture
def sweep(store, data_dir, tmp_path):
    """Run a sweep, and return it with its parent, its children and its log."""

    def run(*words, launcher=None, folder="sweep"):
        swept = execute(grid.read(words), folder=tmp_path / folder, console=Console(quiet=True), launcher=launcher)
        log = (tmp_path / folder / "sweep.log").read_text()
        return swept, tracking.find(swept.run_id), tracking.children([swept.run_id], store), log

    return run


@pytest.fixture
def numbers():
    """Return what runs have measured, by the hash of their configs, without times; each may be there once only."""

    def of(children):
        ended = [child for child in children if child.tags["outcome"] != "interrupted"]
        found = {
            child.tags["config_hash"]: {
                k: v for k, v in child.metrics.items() if "second" not in k and "memory" not in k
            }
            for child in ended
        }
        assert len(found) == len(ended)
        return found

    return of
