"""How well values are told: two numbers beside the squared error, and each prediction over its value."""

from pathlib import Path

import numpy as np

from zoo.results import style

_POINTS = 5_000  # more of them hide each other


def measure(y: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return the mean absolute error, and R², the share of the variance that the predictions explain.

    Args:
        y: float [n], the values.
        predicted: float [n].
    """
    y, predicted = np.asarray(y, np.float64), np.asarray(predicted, np.float64)
    variance = float(np.var(y))
    found = {"mean_absolute_error": float(np.abs(y - predicted).mean())}
    return found | ({"r2": 1 - float(np.mean((y - predicted) ** 2)) / variance} if variance else {})


def scatter(y: np.ndarray, predicted: np.ndarray, folder: Path) -> Path:
    """Draw predictions over values and return the path of `predictions.png`.

    Args:
        y: float [n], the values.
        predicted: float [n].
        folder: Where to write.
    """
    path = Path(folder) / "predictions.png"
    step = style.every(len(y), _POINTS)
    low, high = float(min(y.min(), predicted.min())), float(max(y.max(), predicted.max()))
    room = 0.03 * ((high - low) or 1.0)
    with style.picture(path, 4.2, 4.2) as figure:
        axes = figure.subplots()
        axes.plot([low, high], [low, high], color=style.FAINT, linewidth=1, linestyle=style.DASHES[1])
        axes.plot(y[::step], predicted[::step], "o", color=style.PALETTE[0], markersize=2.5, alpha=0.5,
                  markeredgewidth=0)  # fmt: skip
        axes.set_xlim(low - room, high + room)
        axes.set_ylim(low - room, high + room)
        axes.set_aspect("equal")
        axes.set_title("predictions over values")
        axes.set_xlabel("value")
        axes.set_ylabel("prediction")
        axes.grid(True)
    return path
