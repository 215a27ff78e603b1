"""The answer of a sweep, from its tracked runs alone: leaderboard, pictures, a page, and what its own run carries."""

import json
import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from zoo import tracking
from zoo.results import numbers, page, sentence, table
from zoo.results.leaderboard import Leaderboard, leaderboard
from zoo.results.sweep_figures import Picture, pictures
from zoo.sweeps import found as searches
from zoo.sweeps import records
from zoo.tracking import RunRecord, provenance

PAGE = "report.html"
_INTERVAL = "95 % bootstrap interval of the median over the runs of the best choice"
_LINES = 10  # of the leaderboard in the description of the parent run
_DEFAULT_UI = "http://127.0.0.1:5000"  # where a bare `mlflow ui` listens


@dataclass(frozen=True)
class Answer:
    """What a sweep has shown.

    Attributes:
        sentence: In words.
        board: The leaderboard.
        pictures: That were drawn.
        notes: What a reader should know before believing it.
        unfinished: How many runs were left out because they have not ended.
        folder: Where the files are.
        page: The page with all of it.
        table: The leaderboard as CSV.
        uri: The store that the runs were read from.
    """

    sentence: str
    board: Leaderboard
    pictures: list[Picture]
    notes: list[str]
    unfinished: int
    folder: Path
    page: Path
    table: Path
    uri: str | None


def answer(which: Sequence[str] | str, uri: str | None, folder: Path, console: Console) -> Answer:
    """Compare the runs of one or more sweeps, write and show what comes of it.

    Args:
        which: The ids of the parent runs, or a filter in MLflow's language that finds the runs themselves.
        uri: The store; the default one if left out.
        folder: For leaderboard.csv, the pictures and report.html; made if missing.
        console: Shows the leaderboard and the answer.

    Raises:
        BadInput: There is no such parent, it has no runs, the filter finds none, or none has ended.
    """
    if isinstance(which, str):
        parents: list[tracking.StoredRun] = []
        found = records.sweep(tracking.matching(which, uri))
    else:
        runs = tracking.children(which, uri)
        parents = [tracking.find(parent, uri) for parent in which]
        found = records.sweep(runs)
    board = leaderboard(found.trials)
    curves = tracking.curves(list(found.records), found.curve_metrics(), uri)
    success = records.successes(found, curves)
    drawn = pictures(
        board,
        folder,
        curves=records.courses(found, curves),
        successes=success[0] if success else None,
        succeeded=success[1] if success else "",
        searched=searches.pictures(parents, found, board, folder),
    )
    found.notes.extend(searches.notes(parents))
    said = sentence.answer(board, found.noun)
    wrote = table.csv_file(board, folder / "leaderboard.csv")
    first = next(iter(found.records.values()))
    link, see = _links(uri, found.records, [parent.id for parent in parents])
    document = page.Page(
        title=_title(parents, which),
        answer=said,
        board=board,
        pictures=drawn,
        noun=found.noun,
        facts=_facts(parents, found, first),
        method=sentence.method(board, found.noun),
        notes=found.notes,
        skipped=[line for parent in parents for line in json.loads(parent.tags.get("sweep.skipped") or "[]")],
        versions={**provenance.versions(), **_commit(first)},
        link=link,
        see=see,
    )
    made = page.write(document, folder / PAGE)
    notes = [*found.notes, *(picture.warning for picture in drawn if picture.warning)]
    result = Answer(said, board, drawn, notes, found.unfinished, folder, made, wrote, uri)
    show(result, console)
    return result


def show(found: Answer, console: Console) -> None:
    """Print the leaderboard, the answer, and what a reader should know."""
    board = found.board.shown
    console.print()
    console.print(table.terminal(board, console.width), soft_wrap=False, crop=False)
    if len(board.rows) > table.SHOWN:
        console.print(
            f"The best {table.SHOWN} of {len(board.rows):,} choices; all are in {found.table}.\n", markup=False
        )
    if board.ties:
        console.print("= cannot be told apart from the best; in brackets where 95 % of the ranks lie\n", style="dim")
    console.print(found.sentence, markup=False, style="bold", soft_wrap=True)
    for note in found.notes:
        console.print(f"Note: {note}", markup=False, style="yellow", soft_wrap=True)
    console.print(f"Report: {found.page}", markup=False, soft_wrap=True)


def record(found: Answer, parent_id: str) -> None:
    """Put the answer on the run of the sweep: the page, the files in `report/`, and numbers to compare sweeps by.

    The metrics are `best_value` with `best_value_low` and `best_value_high`, the 95 % bootstrap interval of the median,
    `best_mean`, `best_sd` and `best_test` of the best choice, `best_run` and `best_run_test` of the best of its runs,
    and the counts `runs`, `choices`, `solved`, `diverged`, `failed` and `unfinished` of all. The tag `sweep.best` is
    the id of that run; `best_choice` and `answer` say the rest in words, and so does the run's description.

    Raises:
        BadInput: There is no such run.
        TrackingError: The store refused or failed.
    """
    with TemporaryDirectory() as temporary:
        root = Path(temporary)
        kept = root / "report"
        kept.mkdir()
        # At the root, because that is what MLflow's page lists first.
        shutil.copy(found.page, root / PAGE)
        for path in (found.table, *(file for picture in found.pictures for file in (picture.path, picture.svg))):
            shutil.copy(path, kept / path.name)
        tags, metrics = _tags(found), _metrics(found)
        tracking.extend(parent_id, found.uri, tags=tags, metrics=metrics, artifacts=root)


def _metrics(found: Answer) -> dict[str, float]:
    board = found.board
    best, rows = board.best, board.rows
    values = {
        "runs": len(board.trials.all),
        "choices": len(rows),
        "diverged": sum(row.diverged for row in rows),
        "failed": sum(row.failed for row in rows),
        "unfinished": found.unfinished,
    }
    if any(row.solved is not None for row in rows):
        values["solved"] = sum(row.solved or 0 for row in rows)
    own: dict[str, float] = {}
    if best is not None:
        own = {"best_value": best.median, "best_value_low": best.median_low, "best_value_high": best.median_high}
        own |= {"best_mean": best.mean, "best_sd": best.sd, "best_test": board.test_median}
    if (run := board.best_run) is not None:
        own |= {"best_run": run.value, "best_run_test": run.test}
    return {name: float(value) for name, value in {**values, **own}.items() if not math.isnan(value)}


def _tags(found: Answer) -> dict[str, str]:
    board = found.board.shown
    heads = ["rank", "choice", *(column.name for column in table.columns(board))]
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for row in board.rows[:_LINES]:
        cells = [table.rank(row), row.label, *(column.text(row) for column in table.columns(board))]
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    more = f"\n\n{len(board.rows) - _LINES} more choices: " if len(board.rows) > _LINES else "\n\n"
    # MLflow shows it as Markdown, in which HTML is HTML.
    note = escape(f"{found.sentence}\n\n" + "\n".join(lines), quote=False) + f"{more}see {PAGE} among the artifacts."
    tags = {"answer": found.sentence, "compared_by": board.trials.metric, "mlflow.note.content": note}
    if board.best is not None:
        tags |= {"best_choice": board.best.label, "best_interval": _INTERVAL}
    if (run := board.best_run) is not None:
        tags |= {tracking.BEST_RUN: run.id}
    return tags


def _title(parents: Sequence[tracking.StoredRun], which: Sequence[str] | str) -> str:
    if isinstance(which, str):
        return f"Runs with {which}"
    return " and ".join(parent.name for parent in parents)


def _facts(parents: Sequence[tracking.StoredRun], found: records.Sweep, first: RunRecord) -> dict[str, str]:
    trials = found.trials
    counts = f"{numbers.count(len(trials.all), 'run')} of {numbers.count(len(trials.choices), 'choice')}"
    facts = {"runs": f"{counts}, {numbers.count(len(trials.replicates), found.noun)} each at most"}
    for place, key in enumerate(trials.keys):
        values = list(dict.fromkeys(choice[place] for choice in trials.choices))
        said = [one for parent in parents for one in parent.params.get(key, "").split(", ")]
        values.sort(key=lambda value: said.index(value) if value in said else len(said))
        facts[key] = numbers.listed(values, 24)
    for key in ("model", "data", "optimizer", "init", "schedule", "loop"):
        same = {one.tags.get(key) for one in found.records.values()}
        if key not in trials.keys and len(same) == 1 and first.tags.get(key):
            facts[key] = first.tags[key]
    if epochs := first.params.get("epochs"):
        facts["epochs"] = f"at most {int(epochs):,}" if epochs.isdigit() else epochs
    began = min(one.started for one in found.records.values())
    facts["begun"] = f"{datetime.fromtimestamp(began / 1000):%Y-%m-%d %H:%M}"
    commands = [parent.tags["sweep.command"] for parent in parents if parent.tags.get("sweep.command")]
    if commands:
        facts["command"] = "; ".join(commands)
    return facts | searches.facts(parents)


def _commit(first: RunRecord) -> dict[str, str]:
    commit = first.tags.get("mlflow.source.git.commit")
    return {"commit": commit} if commit else {}


def _links(
    uri: str | None, runs: Mapping[str, RunRecord], parents: Sequence[str]
) -> tuple[Callable[[str], str | None], str]:
    """Return what gives the address of a run, and a line on how to look at it there."""
    base, command = tracking.ui_address(uri)
    where = base or _DEFAULT_UI

    def link(run_id: str) -> str | None:
        return f"{where}/#/experiments/{runs[run_id].experiment_id}/runs/{run_id}"

    opens = "" if base else f"The links open in MLflow's own page, which `{command}` serves. "
    parent = f"The sweep's own run: {', '.join(parents)}." if parents else ""
    return link, f"{opens}{parent}".strip()
