"""The chart of cost against size: where overhead ends and arithmetic begins."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from benchmarks.contests import KERAS, TAPE

# Okabe & Ito's colours for the colour-blind, of different lightness, each with a line and a mark of its own.
STYLES: dict[str, dict[str, Any]] = {
    TAPE: {"color": "#0072B2", "marker": "o", "linestyle": "-", "label": "zoo, loop=tape"},
    KERAS: {"color": "#E69F00", "marker": "s", "linestyle": "--", "label": "stock Keras fit"},
}
ARITHMETIC: dict[str, Any] = {"color": "black", "linestyle": ":", "linewidth": 1.5}
AXES = {"width": "width (units)", "batch": "batch size (rows)", "length": "sequence length (tokens)"}
UNITS = {"mnist_fcn": "example", "lstm": "token"}
OTHERS = {
    ("mnist_fcn", "width"): "batch 64",
    ("mnist_fcn", "batch"): "width 256",
    ("lstm", "width"): "batch 32, length 35",
    ("lstm", "batch"): "width 256, length 35",
    ("lstm", "length"): "width 256, batch 32",
}


def draw(scaling: dict[str, Any], path: Path) -> None:
    """Draw the chart, a row for each model and a column for each axis.

    Args:
        scaling: As `benchmarks.scaling.results` returned it.
        path: Of the PNG.
    """
    points = scaling["points"]
    panels = list(dict.fromkeys((point["model"], point["axis"]) for point in points))
    if not panels:
        return
    models = list(dict.fromkeys(model for model, _ in panels))
    columns = [axis for axis in AXES if any(axis == name for _, name in panels)]
    figure, grid = plt.subplots(
        len(models), len(columns), figsize=(4.2 * len(columns), 3.5 * len(models)), squeeze=False, layout="constrained"
    )
    for row, model in zip(grid, models, strict=True):
        for axes, axis in zip(row, columns, strict=True):
            chosen = [point for point in points if (point["model"], point["axis"]) == (model, axis)]
            if chosen:
                _panel(axes, model, axis, sorted(chosen, key=lambda point: point["value"]), scaling["gflops"])
            else:
                axes.set_axis_off()
    handles, labels = grid[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _panel(axes: Axes, model: str, axis: str, points: Sequence[dict[str, Any]], gflops: float | None) -> None:
    values = [point["value"] for point in points]
    for peer, style in STYLES.items():
        seconds = [point["seconds"].get(peer) for point in points]
        found = [(value, one) for value, one in zip(values, seconds, strict=True) if one]
        if not found:
            continue
        x = [value for value, _ in found]
        y = [one["median"] * 1e6 for _, one in found]
        spread = [
            [(one["median"] - one["q1"]) * 1e6 for _, one in found],
            [(one["q3"] - one["median"]) * 1e6 for _, one in found],
        ]
        axes.errorbar(x, y, yerr=spread, capsize=2, markersize=5, linewidth=1.5, **style)
    if gflops:
        ideal = [point["flops_per_unit"] / gflops / 1e3 for point in points]
        axes.plot(values, ideal, label=f"the arithmetic alone, at {gflops:,.0f} GFLOP/s", **ARITHMETIC)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(values)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_minor_locator(NullLocator())
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 300 else (1,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize=8)
    axes.set_xlabel(AXES[axis])
    axes.set_ylabel(f"µs per {UNITS[model]}")
    axes.set_title(f"{model}, {OTHERS[model, axis]}", fontsize=10)
    axes.grid(True, which="major", color="0.85", linewidth=0.6)
