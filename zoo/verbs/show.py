"""`zoo show`: one run in detail, from its record."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from zoo import terminal, tracking
from zoo.verbs import rows, words
from zoo.verbs.words import RUN, TRACKING_URI, Grammar, Key

GRAMMAR = Grammar(
    "show",
    "Shows one run: what it was asked to do, what came of it, what it has kept, and how to go on with it.",
    ("last", "run=3fa2c1d0", "run=\"best:tags.model = 'lstm'\" json=true"),
    (RUN, Key("json", "true", "all that is recorded, for machines", words.true_or_false, default=False), TRACKING_URI),
)
_KINDS = ("best", "test", "source_test")
_DATA = {"train": "to train", "valid": "to validate", "test": "to test"}


def main(said: Mapping[str, Any]) -> int:
    """Print the run and return the exit code.

    Raises:
        BadInput: There is no such run.
    """
    run = tracking.refer(said["run"], said["tracking.uri"])
    files = run.artifacts()
    if said["json"]:
        print(json.dumps({**rows.plain(run), "artifacts": files}, indent=2))
        return 0
    lines = [run.name, ""]
    lines += [f"  {name:<10}{text}" for name, text in _facts(run, files).items() if text]
    terminal.console().print("\n".join(lines), markup=False, highlight=False)
    return 0


def _facts(run: tracking.StoredRun, files: list[str]) -> dict[str, str]:
    overrides = run.tags.get("overrides", "")
    began = f"{datetime.fromtimestamp(run.started / 1000):%Y-%m-%d %H:%M:%S}"
    facts = {
        "run": run.id,
        "outcome": f"{rows.outcome(run)}. {run.tags.get('reason', '')}",
        "said": overrides or "nothing: the defaults",
        "data": run.params.get("data.name", ""),
        "model": f"{run.params.get('model.name', '')}, {int(run.params.get('parameters', 0)):,} parameters",
    }
    for kind in _KINDS:
        if values := terminal.of_kind(f"{kind}_", run.metrics):
            facts[kind.replace("source_test", "source")] = "  ".join(
                f"{name} {rows.value(name, value)}" for name, value in sorted(values.items())
            )
    facts |= {
        "started": f"{began}, trained for {rows.took(run)}",
        "part of": run.parent or "",
        "from": run.tags.get("init_from", ""),
        "code": run.tags.get("mlflow.source.git.commit", ""),
        "files": ", ".join(files),
        "page": str(run.artifact_folder / "run.html") if run.artifact_folder and "run.html" in files else "",
    }
    if rows.outcome(run) in ("interrupted", "error") and not run.parent:
        facts["go on"] = f"python train.py resume={rows.short(run.id)}"
    facts["again"] = f"python train.py rerun={rows.short(run.id)}" if overrides or "config_hash" in run.tags else ""
    return facts
