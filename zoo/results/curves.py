"""Curves over the epochs of one run: learning curves, and the gradient norms of its layers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from zoo.results import style
from zoo.results.lines import draw_line, end_of, finite, label_ends, mark_zeros

MOST_PANELS = 6
_FIRST = ("loss", "accuracy", "perplexity", "bits_per_character")
_RATE = "learning_rate"
# What a history may hold beside metrics: bookkeeping that says nothing about learning.
_BOOKKEEPING = {"epoch", "epoch_seconds", "examples_per_second", "tokens_per_second"}
_LOG_SPAN = 20


def learning_curves(history: Mapping[str, Sequence[float]], folder: Path, *, best_epoch: int | None = None) -> Path:
    """Draw the metrics of a run over its epochs, training and validation together, a panel each.

    A value that is not finite leaves a gap, and a curve that ends in such values says so.

    Args:
        history: Values by epoch and name, as Keras gives them: `{"loss": [...], "val_loss": [...], ...}`. A metric's
            validation values may be fewer (`validation_freq`).
        folder: Where to write.
        best_epoch: The epoch to mark, counted from 1. Defaults to the one with the lowest `val_loss`, or `loss`.

    Returns:
        The path of `learning_curves.png`.
    """
    series = {name: finite(values) for name, values in history.items() if name not in _BOOKKEEPING and len(values)}
    panels = _panels(series)
    epochs = max((len(values) for values in series.values()), default=1)
    best_epoch = best_epoch or _lowest(series, epochs)
    columns = 2 if len(panels) in (2, 4) else min(max(len(panels), 1), 3)
    rows = -(-max(len(panels), 1) // columns)
    path = Path(folder) / "learning_curves.png"
    with style.picture(path, width=5.6 if columns == 1 else 4.2 * columns, height=3.1 * rows) as figure:
        grid = figure.subplots(rows, columns, squeeze=False).flat
        for axes, name in zip(grid, panels, strict=False):
            _panel(axes, name, series, epochs, best_epoch)
        for axes in list(grid)[len(panels) :]:
            axes.set_axis_off()
    return path


def gradient_norms(norms: np.ndarray, layers: Sequence[str], folder: Path) -> Path:
    """Draw the gradient norm of each layer over the epochs: it is how vanishing and exploding gradients show.

    Colours run with depth, light for the first layer and dark for the last. The axis is logarithmic; a norm of zero
    is a triangle at its foot, and one that is not finite a gap.

    Args:
        norms: float [epochs, layers].
        layers: The layers' names, from input to output.
        folder: Where to write.

    Returns:
        The path of `gradient_norms.png`.

    Raises:
        ValueError: `norms` does not have a column for each layer.
    """
    norms = finite(norms)
    if norms.ndim != 2 or norms.shape[1] != len(layers):
        raise ValueError(
            f"Expected norms of shape [epochs, {len(layers)}], a column for each layer. Received: shape {norms.shape}."
        )
    epochs, count = norms.shape
    height = min(max(3.6, 0.19 * count + 1.0), 14.0)
    path = Path(folder) / "gradient_norms.png"
    with style.picture(path, width=7.2, height=height) as figure:
        axes = figure.subplots()
        colors = style.DEPTH(np.linspace(0, 1, count) if count > 1 else np.ones(1))
        positive = np.where(norms > 0, norms, np.nan)
        for depth, (column, color) in enumerate(zip(positive.T, colors, strict=True)):
            draw_line(axes, np.arange(1, epochs + 1), column, color, style.DASHES[depth % len(style.DASHES)])
        axes.set_title("gradient norm by layer")
        style.epoch_axis(axes, epochs)
        style.log_axis(axes)
        mark_zeros(axes, norms, colors)
        step = style.every(count, room=60)
        shown = zip(style.shorten(layers)[::step], norms.T[::step], colors[::step], strict=True)
        label_ends(
            axes, (end_of(name, column, color, axes) for name, column, color in shown), points=(height - 0.7) * 72
        )
    return path


def _panels(series: Mapping[str, np.ndarray]) -> list[str]:
    """Return the names of the panels: those everybody knows, other metrics, and a learning rate that changes."""
    names = dict.fromkeys(name.removeprefix("val_") for name in series)
    rate = _RATE in series and np.unique(series[_RATE][np.isfinite(series[_RATE])]).size > 1
    metrics = [name for name in _FIRST if name in names] + [name for name in names if name not in (*_FIRST, _RATE)]
    return [*metrics[: MOST_PANELS - rate], *([_RATE] if rate else [])]


def _panel(axes: Axes, name: str, series: Mapping[str, np.ndarray], epochs: int, best_epoch: int | None) -> None:
    keys = {"train": name, "validation": f"val_{name}"}
    lines = {word: series[key] for word, key in keys.items() if key in series}
    colors = dict(zip(keys, style.PALETTE, strict=False))
    for word, values in lines.items():
        behind = word == "train" and len(lines) > 1
        draw_line(axes, _epochs_of(values, epochs), values, colors[word], style.DASHES[word != "train"], behind)
    axes.set_title(name.replace("_", " "))
    style.epoch_axis(axes, epochs)
    (style.log_axis if _is_log(name, np.concatenate([*lines.values()])) else style.linear_axis)(axes)
    first, last = next(iter(lines)), [*lines][-1]
    _mark_divergence(axes, _epochs_of(lines[first], epochs), lines[first])
    if name == _RATE:
        return
    _mark_best(axes, _epochs_of(lines[last], epochs), lines[last], best_epoch, colors[last])
    ends = (end_of(word, values, colors[word], axes) for word, values in lines.items())
    label_ends(axes, ends, points=2.3 * 72)


def _mark_best(axes: Axes, epochs: np.ndarray, values: np.ndarray, best_epoch: int | None, color: Any) -> None:
    """Mark the best epoch, and say beside the title what the metric was there."""
    at = np.flatnonzero((epochs == best_epoch) & np.isfinite(values))
    if best_epoch is None or not at.size:
        return
    value = values[at[0]]
    axes.axvline(best_epoch, color=style.FAINT, linewidth=0.8, linestyle=style.DASHES[2], zorder=1)
    axes.plot(
        best_epoch, value, marker="o", markersize=6, color=color, markeredgecolor="white", zorder=3, clip_on=False
    )
    axes.set_title(
        f"{value:.4g} at best epoch {best_epoch:,}",
        loc="right",
        fontsize=style.FONT_SIZE - 1,
        fontweight="normal",
        color=style.FAINT,
    )


def _mark_divergence(axes: Axes, epochs: np.ndarray, values: np.ndarray) -> None:
    """Shade the end of a run whose values are no longer finite."""
    finite = np.flatnonzero(np.isfinite(values))
    if finite.size and finite[-1] == len(values) - 1:
        return
    start, end = epochs[finite[-1] if finite.size else 0], epochs[-1]
    axes.axvspan(start, end, color=style.GRID, alpha=0.6, linewidth=0)
    axes.text(
        (start + end) / 2,
        0.5,
        "not finite",
        transform=axes.get_xaxis_transform(),
        ha="center",
        va="center",
        rotation=90,
        color=style.FAINT,
        fontsize=style.FONT_SIZE - 1,
    )


def _epochs_of(values: np.ndarray, epochs: int) -> np.ndarray:
    """Return the epochs, counted from 1, at which a metric was measured: each of them, or every so many."""
    return np.arange(1, len(values) + 1) * max(1, epochs // len(values))


def _lowest(series: Mapping[str, np.ndarray], epochs: int) -> int | None:
    values = series.get("val_loss", series.get("loss"))
    if values is None or not np.isfinite(values).any():
        return None
    return int(_epochs_of(values, epochs)[np.nanargmin(values)])


def _is_log(name: str, values: np.ndarray) -> bool:
    """Tell whether values spread too far for a linear axis."""
    values = values[np.isfinite(values)]
    if not values.size or values.min() <= 0:
        return False
    if name not in ("loss", _RATE) and values.max() <= 1:
        return False  # a share, such as an accuracy
    # A rate that anneals to almost nothing is the line or half cosine everybody knows, if not on a logarithmic axis.
    low = np.median(values) if name == _RATE else values.min()
    return bool(values.max() > _LOG_SPAN * low)
