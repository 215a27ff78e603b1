"""`zoo list`: tracked runs as a table."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from zoo import terminal, tracking
from zoo.config import BadInput, nearest
from zoo.results import lined_up
from zoo.results.lined_up import Column
from zoo.results.trials import rises
from zoo.verbs import rows, words
from zoo.verbs.words import TRACKING_URI, Grammar, Key

GRAMMAR = Grammar(
    "list",
    "Lists the runs that were started last: choices, the best of the monitored metric, the test, the outcome.\n"
    "A sweep is one row, with what its best run has reached; sweep=ID lists its runs, the best first.",
    ("", "experiment=lstm last=50", "filter=\"tags.optimizer = 'adam' and metrics.test_accuracy > 0.98\"", "sweep=ID"),
    (
        Key("last", "N", "how many, of a sweep the best; 20 if left out", words.whole(1), default=20),
        Key("experiment", "NAME", "of this experiment only: a model's name, or what tracking.experiment said"),
        Key("filter", '"..."', "what an MLflow filter finds, parts of sweeps too"),
        Key("sweep", "ID", "the runs of a sweep, or those that a filter finds among them; last for the newest"),
        Key("json", "true", "all that is recorded, for machines", words.true_or_false, default=False),
        TRACKING_URI,
    ),
)


def main(said: Mapping[str, Any]) -> int:
    """Print the table and return the exit code.

    Raises:
        BadInput: MLflow can't read the filter, nothing fits it, there is no such sweep or experiment, or
            both are named.
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
    console.print("\n".join(lined_up.lines(_columns(found), terminal.width())), markup=False)
    return 0


def _columns(found: Sequence[tracking.RunRecord]) -> list[Column]:
    return [
        Column("run", [rows.short(run.id) for run in found]),
        Column("name", [run.name for run in found], is_name=True),
        Column("best", [rows.told(*rows.best(run)) for run in found]),
        Column("test", [rows.value(*rows.test(run)) for run in found], yields=2),
        Column("outcome", [rows.outcome(run) for run in found], yields=1),
        Column("started", [rows.began(run) for run in found], yields=3),
        Column("trained", [rows.took(run) for run in found], yields=4, is_number=True),
    ]


def _found(said: Mapping[str, Any]) -> list[tracking.RunRecord]:
    uri, last, experiment, condition = (said[key] for key in ("tracking.uri", "last", "experiment", "filter"))
    if said["sweep"]:
        if experiment:
            raise BadInput(
                f"A sweep is in one experiment. Leave out experiment={experiment}, or sweep={said['sweep']}."
            )
        parent = tracking.newest_sweep(uri) if said["sweep"] == "last" else tracking.find(said["sweep"], uri).id
        among = tracking.matching(condition, uri, parent=parent) if condition else tracking.children([parent], uri)
        return sorted(among, key=_place)[:last]
    if condition:
        return tracking.matching(condition, uri, last, experiment=experiment)[::-1]
    found = tracking.newest(last, experiment, uri)
    if experiment and not found and (known := tracking.experiments(uri)):
        raise BadInput(f"No run is recorded in experiment '{experiment}'. {nearest(experiment, known)}")
    return found


def _place(run: tracking.RunRecord) -> tuple[bool, float]:
    """Return what sorts the best first, and last what has no value."""
    metric, value = rows.best(run)
    return value != value, -value if rises(metric) else value
