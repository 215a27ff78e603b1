"""The page of a run, from what the run has left in its folder and what came of it."""

import csv
import json
import math
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo import tracking
from zoo.config import Config, flatten, shown
from zoo.data import Splits
from zoo.outcome import Result
from zoo.results import numbers, run_page
from zoo.results.run_page import Drawn, RunPage, Written

_PICTURES = {
    "learning_curves": ("Learning curves", "Training and validation by epoch; the dotted line is the best epoch."),
    "gradient_norms": ("Gradient norms", "By layer and epoch, light for the first layer and dark for the last."),
    "gradient_by_time": ("Gradient by time step", "How much the loss depends on each step of the sequence."),
    "confusion_matrix": ("Confusion matrix", "Of the test split: a row for each label, a column for each answer."),
    "decision_boundary": ("Decision boundary", "What the network answers all over the plane, and the test examples."),
}
_TEXTS = {
    "sample.txt": ("What it writes", True),
    "classification_report.txt": ("By class", False),
    "weights.txt": ("Weights", False),
    "traceback.txt": ("Traceback", False),
}
_LONGEST = 20_000  # characters of a text
_ROWS = 20  # of the predictions of a small model
_BOOKKEEPING = ("_seconds", "_per_second", "learning_rate", "epoch")


def write(config: Config, splits: Splits, result: Result, ui_command: str, folder: Path) -> Path:
    """Write the page.

    Args:
        config: Of the run.
        splits: Its data.
        result: What came of it.
        ui_command: What shows the run in MLflow; empty where nothing is tracked.
        folder: With what the run has left; the page goes there.
    """
    monitored = config.monitored
    lines = _results(result.metrics)
    page = RunPage(
        title=result.name,
        answer=_answer(result, monitored),
        warnings=_warnings(result),
        facts=_facts(config, splits, result, ui_command),
        results=lines,
        columns=("training", "validation", "test"),
        pictures=[
            Drawn(folder / f"{name}.png", *said, is_wide=name == "learning_curves")
            for name, said in _PICTURES.items()
            if (folder / f"{name}.png").is_file()
        ],
        texts=[*_texts(folder), *_predictions(folder)],
        history=result.history,
        config=_config(config),
        further=_further(result.metrics),
        versions=_versions(folder),
    )
    return run_page.write(page, folder)


def _answer(result: Result, monitored: str) -> str:
    metrics = result.metrics
    name = monitored.removeprefix("val_")
    if not math.isfinite(result.target):
        return f"{result.outcome.replace('_', ' ').capitalize()}. {result.reason}"
    is_likelihood = name == "loss" and "best_val_perplexity" in metrics

    def told(value: float, perplexity: str) -> str:
        beside = (
            f" (perplexity {numbers.brief(metrics[perplexity])})" if is_likelihood and perplexity in metrics else ""
        )
        return f"{numbers.metric(name, value)}{beside}"

    epoch = f" in epoch {metrics['best_epoch']:,.0f}" if "best_epoch" in metrics else ""
    said = f"{monitored.replace('val_', 'validation ')} {told(result.target, 'best_val_perplexity')}{epoch}"
    if f"test_{name}" in metrics:
        said += f"; on the test split {told(metrics[f'test_{name}'], 'test_perplexity')}"
    if "solved" in metrics:
        said += (
            ". Every pattern is right at the end" if metrics["solved"] else ". Not every pattern is right at the end"
        )
    return f"{said[0].upper()}{said[1:].replace('_', ' ')}."


def _warnings(result: Result) -> list[str]:
    if result.outcome in ("diverged", "error", "interrupted") and math.isfinite(result.target):
        return [f"{result.outcome.capitalize()}: {result.reason}"]
    return []


def _facts(config: Config, splits: Splits, result: Result, ui_command: str) -> dict[str, str]:
    counts = [(len(splits.train), "train"), (len(splits.valid), "validate"), (len(splits.test), "test")]
    unit = "tokens" if splits.spec.kind == "tokens" else "examples"
    sizes = ", ".join(f"{count:,} to {what}" for count, what in counts)
    facts = {
        "outcome": " ".join(
            [f"{result.outcome.replace('_', ' ')}.", result.reason if math.isfinite(result.target) else ""]
        ).strip(),
        "starts from": f"run {config.init_from}" if config.init_from else "",
        "said": shlex.join(config.overrides) or "nothing: the defaults",
        "data": f"{splits.name}: {sizes} ({unit}; {splits.source})",
        "trained for": numbers.duration(result.metrics.get("train_seconds", math.nan)),
        "run": result.run_id or "not tracked",
        "in MLflow": ui_command,
    }
    return {name: tracking.mask(text) for name, text in facts.items() if text}


def _results(metrics: Mapping[str, float]) -> dict[str, tuple[float, float, float]]:
    """Return by metric its value in training, in validation, both at the best epoch, and on the test split."""
    names = dict.fromkeys(
        name.partition("_")[2].removeprefix("val_") for name in metrics if name.startswith(("best_", "test_"))
    )
    return {
        name: (
            metrics.get(f"best_{name}", math.nan),
            metrics.get(f"best_val_{name}", math.nan),
            metrics.get(f"test_{name}", math.nan),
        )
        for name in names
        if not name.endswith(_BOOKKEEPING)
    }


def _further(metrics: Mapping[str, float]) -> dict[str, str]:
    told_above = ("best_", "test_", "train_seconds", "solved")
    return {
        name.replace("_seconds", " took").replace("_", " "): (
            numbers.duration(value) if name.endswith("_seconds") else numbers.brief(value)
        )
        for name, value in sorted(metrics.items())
        if not name.startswith(told_above)
    }


def _texts(folder: Path) -> list[Written]:
    found = []
    for name, (title, is_prose) in _TEXTS.items():
        file = folder / name
        if file.is_file():
            text = file.read_text(encoding="utf-8", errors="replace").rstrip("\n")
            more = f"\n… and {len(text) - _LONGEST:,} characters more, in {name}" if len(text) > _LONGEST else ""
            found.append(Written(title, text[:_LONGEST] + more, is_prose))
    return found


def _predictions(folder: Path) -> list[Written]:
    """Return the predictions of a small model as a table."""
    file = folder / "predictions.csv"
    if not file.is_file():
        return []
    with file.open(newline="", encoding="utf-8") as opened:
        rows = [row for row, _ in zip(csv.reader(opened), range(_ROWS + 1), strict=False)]
    cells = [[_short(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return [Written("Predictions", "\n".join(lines))]


def _short(cell: str) -> str:
    try:
        return f"{float(cell):.4g}"
    except ValueError:
        return cell


def _config(config: Config) -> dict[str, dict[str, str]]:
    """Return the config by section, what belongs to none first."""
    sections: dict[str, dict[str, str]] = {"run": {}}
    for key, value in config.tree().items():
        if isinstance(value, Mapping):
            sections[key] = {name: _value(one) for name, one in flatten(value).items()}
        else:
            sections["run"][key] = _value(value)
    return {name: values for name, values in sections.items() if values}


def _value(value: Any) -> str:
    return tracking.mask(shown(value))


def _versions(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()}
