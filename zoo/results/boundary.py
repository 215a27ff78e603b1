"""What a model of two features predicts over the plane, with the data on top."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from zoo.results import style

GRID_POINTS = 200
"""Points along each axis at which the model is asked."""


def decision_boundary(
    probability: Callable[[np.ndarray], np.ndarray], x: np.ndarray, y: np.ndarray, folder: Path
) -> Path:
    """Draw the predicted probability over the plane of two features, the boundary, and the examples by label.

    Args:
        probability: From float32 [m, 2] to the probability of label 1, [m] (values outside 0 to 1 are drawn as the
            nearer of the two), or to the probabilities of all classes, [m, classes]. Called once.
        x: float [n, 2], the examples.
        y: int [n], their labels.
        folder: Where to write.

    Returns:
        The path of `decision_boundary.png`.

    Raises:
        ValueError: `x` does not have two features, or `probability` gives a shape it should not.
    """
    x, y = np.asarray(x, dtype=np.float32), np.asarray(y).ravel().astype(int)
    if x.ndim != 2 or x.shape[1] != 2:
        raise ValueError(f"A decision boundary needs examples of two features, shape [n, 2]. Received: {x.shape}.")
    ticks = [_ticks(feature) for feature in x.T]
    plane = np.stack(np.meshgrid(*ticks), axis=-1).reshape(-1, 2)
    predicted = _columns(np.asarray(probability(plane), dtype=float), len(plane))
    path = Path(folder) / "decision_boundary.png"
    with style.picture(path, width=5.2, height=4.6) as figure:
        axes = figure.subplots()
        if predicted.ndim == 1:
            _draw_probability(figure, axes, ticks, predicted)
        else:
            _draw_regions(axes, ticks, predicted)
        _draw_examples(axes, x, y)
        axes.set_xlabel("x₁")
        axes.set_ylabel("x₂", rotation=0)
        axes.set_box_aspect(1)
    return path


def _ticks(feature: np.ndarray) -> np.ndarray:
    """Return the points along one axis: the feature's range and a quarter of it on either side."""
    low, high = (float(feature.min()), float(feature.max())) if feature.size else (0.0, 1.0)
    margin = 0.25 * (high - low) or 1.0
    return np.linspace(low - margin, high + margin, GRID_POINTS, dtype=np.float32)


def _columns(predicted: np.ndarray, points: int) -> np.ndarray:
    """Return the probability of label 1, [m], for two classes, and of each class, [m, classes], for more."""
    if len(predicted) != points or predicted.ndim > 2:
        raise ValueError(
            f"Expected probability() to give shape [{points}] or [{points}, classes]. Received: {predicted.shape}."
        )
    if predicted.ndim == 2 and predicted.shape[1] <= 2:
        return predicted[:, -1]
    return predicted


def _draw_probability(figure: Figure, axes: Axes, ticks: list[np.ndarray], predicted: np.ndarray) -> None:
    surface = np.clip(predicted, 0, 1).reshape(GRID_POINTS, GRID_POINTS)
    filled = axes.contourf(*ticks, surface, levels=np.linspace(0, 1, 11), cmap=style.PROBABILITY)
    if np.nanmin(surface, initial=1) < 0.5 < np.nanmax(surface, initial=0):
        axes.contour(*ticks, surface, levels=[0.5], colors=style.INK, linewidths=1.5)
    bar = figure.colorbar(filled, ax=axes, shrink=0.7, aspect=20, ticks=[0, 0.5, 1])
    inside = np.nanmin(predicted, initial=0) >= 0 and np.nanmax(predicted, initial=1) <= 1
    bar.set_label("predicted probability of label 1" if inside else "predicted value")
    bar.outline.set_visible(False)


def _draw_regions(axes: Axes, ticks: list[np.ndarray], predicted: np.ndarray) -> None:
    """Colour each point by the likeliest class, the paler the less it is ahead, with lines where the class changes."""
    classes = predicted.shape[1]
    surface = np.nan_to_num(predicted, nan=0).reshape(GRID_POINTS, GRID_POINTS, classes)
    winner = surface.argmax(axis=-1)
    certainty = np.clip((surface.max(axis=-1) - 1 / classes) / (1 - 1 / classes), 0, 1)[..., None]
    colors = np.array([to_rgb(_color(label)) for label in range(classes)])[winner]
    strength = 0.1 + 0.4 * certainty
    image = 1 - strength * (1 - colors)
    extent = (ticks[0][0], ticks[0][-1], ticks[1][0], ticks[1][-1])
    axes.imshow(image, origin="lower", extent=extent, aspect="auto", interpolation="bilinear")
    second = np.sort(surface, axis=-1)[..., -2]
    for label in np.unique(winner) if winner.min() < winner.max() else []:
        others = np.where(winner == label, second, surface.max(axis=-1))
        axes.contour(*ticks, surface[..., label] - others, levels=[0], colors=style.INK, linewidths=1.0)


def _draw_examples(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    size = 80 if len(x) <= 50 else 30 if len(x) <= 500 else 16
    for label in np.unique(y):
        axes.scatter(
            x[y == label, 0],
            x[y == label, 1],
            s=size,
            marker=style.MARKERS[label % len(style.MARKERS)],
            color=_color(label),
            edgecolors="white",
            linewidths=size / 80,
            label=f"label {label}",
            zorder=3,
        )
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=5,
        frameon=False,
        markerscale=(60 / size) ** 0.5,
        handletextpad=0.1,
        columnspacing=1.2,
        borderpad=0.2,
    )


def _color(label: int) -> str:
    return style.PALETTE[label % len(style.PALETTE)]
