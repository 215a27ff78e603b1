"""`zoo prune`: frees disk space that the checkpoints and models of runs take, after a dry run."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from zoo import terminal, tracking
from zoo.config import BadInput, either
from zoo.results import numbers
from zoo.tracking.pruning import WHAT
from zoo.verbs import rows, words
from zoo.verbs.words import RUN_HELP, TRACKING_URI, Grammar, Key

SHOWN = 30  # runs


def _what(text: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(one.strip() for one in text.split(",") if one.strip()))
    if not found or not set(found) <= set(WHAT):
        raise ValueError(f"{either(WHAT)}, or both with a comma between them")
    return found


GRAMMAR = Grammar(
    "prune",
    "Lists the checkpoints and models of runs with their sizes, and with yes=true removes them. The record of a run,\n"
    "its curves and its pictures stay. A run that is at work is never touched, nor one whose model is registered.",
    (
        "what=checkpoints",
        "filter=\"tags.model = 'lstm' and metrics.best_val_loss > 5\" what=checkpoints,models yes=true",
        "run=3fa2c1d0 keep=none",
    ),
    (
        Key("run", "ID", f"this run alone, or the runs of this sweep: {RUN_HELP}"),
        Key("filter", '"..."', "the runs that an MLflow filter finds; without it and run=, all runs are looked at"),
        Key("what", "WHAT", "checkpoints, models or checkpoints,models; both if left out", _what, default=WHAT),
        Key("keep", "best|none", "best (if left out): what belongs to the best run of each model and data set stays",
            words.one_of("best", "none"), default="best"),
        Key("yes", "true", "remove; without it, nothing is touched", words.true_or_false, default=False),
        TRACKING_URI,
    ),
    "A run without its checkpoints can't go on (resume=), one without its model can't be loaded; rerun= makes it anew.",
)  # fmt: skip


def main(said: Mapping[str, Any]) -> int:
    """List what can go, or remove it, and return the exit code.

    Raises:
        BadInput: There is no such run, or MLflow can't read the filter.
    """
    if said["run"] and said["filter"]:
        raise BadInput("Say run=... or filter=..., not both.")
    console = terminal.console()
    found = tracking.survey(said["run"], said["filter"], said["what"], said["keep"], said["tracking.uri"])
    for reason, count in Counter(found.kept.values()).most_common():
        console.print(f"Left alone: {numbers.count(count, 'run')}, {reason}.", markup=False)
    if not found.found:
        console.print(f"There is nothing to free: no {either(said['what'])} of other runs.", markup=False)
        return 0
    _list(found.found, console)
    total = numbers.size(sum(one.size for one in found.found))
    runs = numbers.count(len(found.found), "run")
    if not said["yes"]:
        console.print(f"\nNothing was removed. yes=true would free {total} of {runs}.", markup=False)
        return 0
    freed = sum(found.prune(one) for one in found.found)
    console.print(f"\nFreed {numbers.size(freed)} of {runs}; their records stay.", markup=False)
    return 0


def _list(found: list[tracking.Prunable], console: Any) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="")
    table.add_column("run", no_wrap=True)
    table.add_column("name", overflow="fold", min_width=16)
    table.add_column("outcome", no_wrap=True)
    for what in WHAT:
        table.add_column(what, no_wrap=True, justify="right")
    ordered = sorted(found, key=lambda one: -one.size)
    for one in ordered[:SHOWN]:
        sizes = [numbers.size(one.sizes[what]) if what in one.sizes else "–" for what in WHAT]
        table.add_row(rows.short(one.run.id), one.run.name, rows.outcome(one.run), *sizes)
    console.print(table, markup=False, soft_wrap=False)
    if left := ordered[SHOWN:]:
        console.print(f"and {numbers.count(len(left), 'more run')}, {numbers.size(sum(one.size for one in left))}")
