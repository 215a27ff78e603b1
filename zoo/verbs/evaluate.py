"""`zoo evaluate`: the test of a run again, on the same data or on other data, with more to see than the first time."""

import json
import math
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import kept, terminal, tracking
from zoo.config import BadInput, Config
from zoo.results import numbers
from zoo.verbs import rows, words
from zoo.verbs.words import RUN, TRACKING_URI, Grammar, Key

if TYPE_CHECKING:
    from zoo.data import Splits
    from zoo.learners.evaluation import Evaluated

OWN = "test"
"""What the evaluation on the run's own test split is called."""
FOLDER = "evaluation"
"""Among the artifacts of a run: a folder in it for each evaluation."""
_MOST_CLASSES = 10  # whose confusion matrix the terminal shows


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][\w-]*", text, re.ASCII):
        raise ValueError("a name of letters, digits, _ and -")
    return text


GRAMMAR = Grammar(
    "evaluate",
    "Tests a run's model again, on the run's own test split or on that of other data, which is scaled or encoded as\n"
    "the run's was. What it finds is added to the run: metrics eval_NAME_*, files in evaluation/NAME. What the run\n"
    "has recorded stays as it is; said again, an evaluation takes the place of the one before.",
    ("last", "run=3fa2c1d0 data=fashion_mnist", "run=3fa2c1d0 data=digits 'data.classes=[0,1]' name=ones",
     "run=\"best:tags.model = 'lstm'\" data=text data.test=FILE"),
    (
        RUN,
        Key("data", "NAME", "other data; the run's own if left out"),
        Key("data.", "KEY=VALUE", "its options, as python train.py takes them; without data=NAME, those of the run's"),
        Key("name", "NAME", f"of the evaluation; the data's if left out, {OWN} for the run's own", _name),
        Key("log", "false", "add nothing to the run", words.true_or_false, default=True),
        Key("folder", "PATH", "where the files go; outputs/evaluation-ID-NAME if left out", words.new_folder),
        Key("json", "true", "for machines", words.true_or_false, default=False),
        TRACKING_URI,
    ),
    "Of classes: precision, recall, F1, confusion matrix, calibration, mistakes; of text: perplexity, bits per\n"
    "character, loss by position; of values: errors. data=text data.test=FILE reads the whole file.",
)  # fmt: skip


def main(said: Mapping[str, Any]) -> int:
    """Test the model, add what is found to the run, print it, and return the exit code.

    Raises:
        BadInput: There is no such run, it kept no model, or the data does not fit it.
    """
    found = kept.find(said["run"], said["tracking.uri"])
    splits, config = _data(found, said)
    is_own = config.data == found.config.data
    name = said["name"] or (OWN if is_own else config.data.name)
    if name == OWN and not is_own:
        raise BadInput(f"name={OWN} is the evaluation on the run's own test split. Choose another name.")
    folder = Path(said["folder"] or f"outputs/{FOLDER}-{rows.short(found.run.id)}-{name}")
    loaded = found.load()
    # Imported here: what draws pictures takes a second, which a mistake should not wait for.
    from zoo.learners import evaluation

    with TemporaryDirectory(prefix="zoo-evaluation-") as new:  # the folder may hold files of the user's
        evaluated = evaluation.evaluate(loaded, splits, Path(new))
        metrics = evaluated.metrics
        plain = {key: value if math.isfinite(value) else str(value) for key, value in metrics.items()}
        about = {"run": found.run.id, "data": config.data.name, "examples": len(splits.test), "notes": splits.notes}
        told = json.dumps({**about, "metrics": plain, **_by_class(evaluated)}, indent=2)
        Path(new, "evaluation.json").write_text(f"{told}\n", encoding="utf-8")
        files = sorted(path.name for path in Path(new).iterdir())
        _copy(Path(new), folder)
        failure = _add(found.run, name, metrics, Path(new), _told(splits, config, is_own, said)) if said["log"] else ""
    if said["json"]:
        print(told)
    else:
        _print(found.run, splits, evaluated, folder, is_own)
        lines = [f"  {'files':<8}{folder}: {', '.join(files)}"]
        lines += [f"  {'kept':<8}with the run, in {FOLDER}/{name}"] if said["log"] and not failure else []
        terminal.console().print("\n".join(["", *lines]), markup=False, highlight=False)
    if failure:
        print(failure, file=sys.stderr)
    return 1 if failure else 0


def _data(found: kept.Kept, said: Mapping[str, Any]) -> "tuple[Splits, Config]":
    """Return the run's data, with the test split of other data where that was asked for, and a config that says so."""
    from zoo.data.alike import load_alike
    from zoo.start.other_data import with_data

    asked = [*([f"data={said['data']}"] if said["data"] else []), *said["data."]]
    config = with_data(found.config, asked) if asked else found.config
    own = found.splits()
    if config.data == found.config.data:
        return own, found.config
    return load_alike(config.data, own, folder=found.data_folder), config


def _copy(new: Path, folder: Path) -> None:
    try:
        shutil.copytree(new, folder, dirs_exist_ok=True)
    except (OSError, shutil.Error) as error:
        raise BadInput(f"folder={folder} can't be written: {error}. Choose another: folder=PATH.") from None


def _add(run: tracking.StoredRun, name: str, metrics: Mapping[str, float], files: Path, about: str) -> str:
    """Add what was found to the run, and return what went wrong."""
    try:
        measured = {f"eval_{name}_{key}": value for key, value in metrics.items()}
        tracking.add(run, measured, {f"eval_{name}": about}, files, f"{FOLDER}/{name}")
    except tracking.TrackingError as error:
        return f"zoo: This could not be added to run {run.id}: {str(error).partition(chr(10))[0]}"
    return ""


def _unit(splits: "Splits") -> str:
    return "tokens" if splits.spec.kind == "tokens" else "examples"


def _told(splits: "Splits", config: Config, is_own: bool, said: Mapping[str, Any]) -> str:
    which = "the run's own test split" if is_own else " ".join([f"data={config.data.name}", *said["data."]])
    return f"{len(splits.test):,} {_unit(splits)} of {which}"


def _by_class(found: "Evaluated") -> dict[str, Any]:
    """Return precision, recall, F1 and support of each class and the confusion matrix, for machines."""
    from zoo.results import classification

    if found.confusion_matrix is None:
        return {}
    matrix = found.confusion_matrix
    return {"classes": classification.by_class(matrix, found.names), "confusion_matrix": matrix.tolist()}


def _matrix(found: "Evaluated") -> str:
    """Return the confusion matrix as text, where there are few classes; of those that do not occur, nothing."""
    from zoo.results import classification

    if found.confusion_matrix is None:
        return ""
    shown = classification.occurring(found.confusion_matrix)
    if len(shown) > _MOST_CLASSES:
        return ""
    return classification.aligned(found.confusion_matrix[np.ix_(shown, shown)], [found.names[one] for one in shown])


def _print(run: tracking.StoredRun, splits: "Splits", found: "Evaluated", folder: Path, is_own: bool) -> None:
    console, metrics = terminal.console(), found.metrics
    lines = [run.name, "", f"  {'run':<8}{run.id}"]
    lines += [f"  {'data':<8}{splits.name}, {len(splits.test):,} {_unit(splits)} to test ({splits.source})"]
    lines += [f"  {'note':<8}{note}" for note in (() if is_own else splits.notes)]
    console.print("\n".join(lines) + "\n", markup=False, highlight=False)
    recorded = {key: run.metrics.get(f"test_{key}") for key in metrics}
    width = max(map(len, metrics)) + 2
    table = [f"  {'':<{width}}{'now':>10}{'the run’s test':>18}"]
    for key, value in sorted(metrics.items()):
        before = recorded[key]
        table.append(
            f"  {key:<{width}}{rows.value(key, value):>10}{rows.value(key, before) if before is not None else '':>18}"
        )
    console.print("\n".join(table), markup=False, highlight=False)
    differing = [key for key, value in recorded.items() if value is not None and not _close(value, metrics[key])]
    if is_own and differing:
        console.print(
            f"\nThis is not what the run has recorded, in {numbers.listed(differing)}: its data, or the machine's "
            "arithmetic, is another one now.", markup=False, style="yellow",
        )  # fmt: skip
    report = folder / "classification_report.txt"
    if report.is_file():
        console.print("\n" + report.read_text(encoding="utf-8").rstrip(), markup=False, highlight=False)
    if text := _matrix(found):
        console.print(f"\n{text}", markup=False, highlight=False)


def _close(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-7) or one == other or (one != one and other != other)
