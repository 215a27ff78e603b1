"""`zoo show`: one run in detail, from its record; of a sweep, its own outcome and where its best run is."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from zoo import terminal, tracking
from zoo.config import BadInput
from zoo.verbs import rows, words
from zoo.verbs.words import RUN, TRACKING_URI, Grammar, Key

GRAMMAR = Grammar(
    "show",
    "Shows one run: what it was asked to do, what came of it, what it has kept, and how to go on with it.\n"
    "Of a sweep or a search it shows the answer, and which of its runs is the best.",
    ("last", "run=3fa2c1d0", "run=\"best:tags.model = 'lstm'\" json=true"),
    (RUN, Key("json", "true", "all that is recorded, for machines", words.true_or_false, default=False), TRACKING_URI),
)
_KINDS = ("best", "test", "source_test")
_EVALUATION = "eval_"  # the beginning of an evaluation's tag and metrics, see `zoo.verbs.evaluate`
_COUNTS = ("choices", "diverged", "failed", "unfinished")
Fact = tuple[str, str]


def main(said: Mapping[str, Any]) -> int:
    """Print the run and return the exit code.

    Raises:
        BadInput: There is no such run.
    """
    run = tracking.named(said["run"], said["tracking.uri"])
    files = run.artifacts()
    if said["json"]:
        print(json.dumps({**rows.plain(run), "artifacts": files}, indent=2))
        return 0
    facts = _sweep(run) if rows.is_sweep(run) else _run(run)
    lines = [run.name, ""]
    lines += [f"  {name:<10}{text}" for name, text in (*facts, *_kept(run, files), *_next(run)) if text]
    terminal.console().print("\n".join(lines), markup=False, highlight=False)
    return 0


def _run(run: tracking.StoredRun) -> Iterator[Fact]:
    yield "run", run.id
    yield "outcome", _outcome(run)
    yield "said", run.tags.get("overrides", "") or "nothing: the defaults"
    yield "data", run.params.get("data.name", "")
    size = f", {int(run.params['parameters']):,} parameters" if "parameters" in run.params else ""
    yield "model", f"{run.params.get('model.name', '')}{size}"
    for kind in _KINDS:
        yield kind.replace("source_test", "source"), _told(terminal.of_kind(f"{kind}_", run.metrics))
    yield from _evaluations(run)
    yield "started", _started(run)
    yield "part of", run.parent or ""
    yield "from", run.tags.get("init_from", "")


def _sweep(run: tracking.StoredRun) -> Iterator[Fact]:
    yield "sweep" if "search" not in run.tags else "search", run.id
    yield "outcome", _outcome(run)
    yield "said", run.tags.get("sweep.command", "")
    yield "runs", _runs(run)
    yield "answer", run.tags.get("answer", "")
    yield from _best(run)
    yield "started", _started(run)


def _best(run: tracking.StoredRun) -> Iterator[Fact]:
    try:
        best = tracking.best_run(run)
    except BadInput as error:
        yield "best", str(error)
        return
    tested = rows.told(*rows.test(best))
    yield "best", rows.told(*rows.best(best)) + (f"  {tested}" if tested != rows.NONE else "")
    yield "best run", f"{best.id}, {best.name}: zoo show {rows.short(best.id)}"


def _runs(run: tracking.StoredRun) -> str:
    """Return how many runs a sweep has, as it wrote down at its end; by counting until then."""
    measured = run.metrics
    if run.status == "RUNNING" or "runs" not in measured:
        begun = tracking.children([run.id], run.uri, or_none=True)
        return f"{len(begun):,} begun so far, all of them: zoo list sweep={rows.short(run.id)}"
    counts = [f"{measured[name]:,.0f} {name}" for name in _COUNTS if measured.get(name)]
    parts = f" ({', '.join(counts)})" if counts else ""
    return f"{measured['runs']:,.0f}{parts}, all of them: zoo list sweep={rows.short(run.id)}"


def _outcome(run: tracking.StoredRun) -> str:
    """Return what came of a run and why; how far it is, where that is not the end."""
    word, reason = rows.outcome(run), run.tags.get("reason", "")
    if run.status == "RUNNING" and tracking.is_gone(run.tags):
        reason = "Its process is gone; zoo doctor marks it as interrupted."
    if (epoch := run.metrics.get("epoch")) and word in ("running", "interrupted"):
        at = f"epoch {epoch:,.0f} of {run.params['epochs']}" if "epochs" in run.params else f"epoch {epoch:,.0f}"
        monitored = run.tags.get("monitored", "")
        value = rows.told(monitored, run.metrics.get(monitored, float("nan")))
        reason = f"{reason} Recorded up to {at}{'' if value == rows.NONE else f', {value}'}.".strip()
    return f"{word}. {reason}" if reason else word


def _evaluations(run: tracking.StoredRun) -> Iterator[Fact]:
    """Yield what `zoo evaluate` has added, an evaluation a line."""
    names = [tag.removeprefix(_EVALUATION) for tag in run.tags if tag.startswith(_EVALUATION)]
    left = dict(run.metrics)
    found: dict[str, dict[str, float]] = {}
    for name in sorted(names, key=len, reverse=True):  # the metrics of `ones_more` begin as those of `ones` do
        found[name] = terminal.of_kind(f"{_EVALUATION}{name}_", left)
        left = {key: value for key, value in left.items() if not key.startswith(f"{_EVALUATION}{name}_")}
    for name in sorted(names):
        yield "evaluated", f"{name}: {_told(found[name])} ({run.tags[_EVALUATION + name]})"


def _told(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {rows.value(name, value)}" for name, value in sorted(values.items()))


def _started(run: tracking.StoredRun) -> str:
    trained = rows.took(run)
    began = f"{datetime.fromtimestamp(run.started / 1000):%Y-%m-%d %H:%M:%S}"
    return began if trained == rows.NONE else f"{began}, trained for {trained}"


def _kept(run: tracking.StoredRun, files: list[str]) -> Iterator[Fact]:
    yield "code", run.tags.get("mlflow.source.git.commit", "")
    yield "files", ", ".join(files)
    page = next((page for page in ("run.html", "report.html") if page in files), None)
    yield "page", str(run.artifact_folder / page) if run.artifact_folder and page else ""


def _next(run: tracking.StoredRun) -> Iterator[Fact]:
    """Yield how to go on with a run, and how to make it again."""
    short = rows.short(run.id)
    if rows.is_sweep(run):
        if run.status in ("KILLED", "FAILED"):
            command = run.tags.get("sweep.command", "")  # of a sweep that has gone on, one after another
            sweep = f"{command} sweep.resume={short}" if command and "; " not in command else ""
            yield "go on", f"python train.py search.resume={short}" if "search" in run.tags else sweep
        return
    if rows.outcome(run) in ("interrupted", "error") and not run.parent:
        yield "go on", f"python train.py resume={short}"
    if run.tags.get("overrides") or "config_hash" in run.tags:
        yield "again", f"python train.py rerun={short}"
