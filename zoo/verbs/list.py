"""`zoo list`: tracked runs as a table."""

import json
from collections.abc import Mapping
from typing import Any

from zoo import terminal, tracking
from zoo.config import BadInput, nearest
from zoo.results.trials import rises
from zoo.verbs import rows, words
from zoo.verbs.words import TRACKING_URI, Grammar, Key

GRAMMAR = Grammar(
    "list",
    "Lists the runs that were started last: choices, the best of the monitored metric, the test, the outcome.\n"
    "A sweep is one row; sweep=ID lists its runs, the best first.",
    ("", "experiment=lstm last=50", "filter=\"tags.optimizer = 'adam' and metrics.test_accuracy > 0.98\"", "sweep=ID"),
    (
        Key("last", "N", "how many; 20 if left out", words.whole(1), default=20),
        Key("experiment", "NAME", "of this experiment only: a model's name, or what tracking.experiment said"),
        Key("filter", '"..."', "what an MLflow filter finds, parts of sweeps too"),
        Key("sweep", "ID", "the runs of a sweep; last for the newest"),
        Key("json", "true", "all that is recorded, for machines", words.true_or_false, default=False),
        TRACKING_URI,
    ),
)
WIDE = 100  # characters of a terminal that has room for all columns


def main(said: Mapping[str, Any]) -> int:
    """Print the table and return the exit code.

    Raises:
        BadInput: MLflow can't read the filter, nothing fits it, or there is no such sweep or experiment.
    """
    found = _found(said)
    if said["json"]:
        print(json.dumps([rows.plain(run) for run in found], indent=2))
        return 0
    console = terminal.console()
    if not found:
        where = tracking.mask(tracking.resolve(said["tracking.uri"]))
        console.print(f"No run is recorded in {where}. Make one: python train.py", markup=False, soft_wrap=True)
        return 0
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    for name, keep in (("run", True), ("name", False), ("best", True), ("test", True), ("outcome", True)):
        table.add_column(name, no_wrap=keep, overflow="fold", min_width=None if keep else 16)
    table.add_column("started", no_wrap=True)
    if is_wide := console.width >= WIDE:
        table.add_column("trained", no_wrap=True, justify="right")
    for run in found:
        monitored, best = rows.best(run)
        told = f"{monitored} {rows.value(monitored, best)}" if monitored else "–"
        columns = (rows.short(run.id), run.name, told, rows.value(*rows.test(run)), rows.outcome(run), rows.began(run))
        table.add_row(*columns, *([rows.took(run)] if is_wide else []))
    console.print(table, markup=False, soft_wrap=False)
    return 0


def _found(said: Mapping[str, Any]) -> list[tracking.RunRecord]:
    uri, last = said["tracking.uri"], said["last"]
    if said["sweep"]:
        parent = tracking.newest_sweep(uri) if said["sweep"] == "last" else tracking.find(said["sweep"], uri).id
        return sorted(tracking.children([parent], uri), key=_place)[:last]
    if said["filter"]:
        return tracking.matching(said["filter"], uri, last)[::-1]
    found = tracking.newest(last, said["experiment"], uri)
    if said["experiment"] and not found and (known := tracking.experiments(uri)):
        raise BadInput(f"No run is recorded in experiment '{said['experiment']}'. {nearest(said['experiment'], known)}")
    return found


def _place(run: tracking.RunRecord) -> tuple[bool, float]:
    """Return what sorts the best first, and last what has no value."""
    metric, value = rows.best(run)
    return value != value, -value if rises(metric) else value
