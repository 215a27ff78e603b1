"""Whether a model's probabilities can be believed: of what it is 90 % sure of, nine in ten should be right."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.results import formats, style

BINS = 15
"""Of equal width, as in Guo et al. 2017, Table 1."""
_Z = 1.959964  # of a normal distribution, 95 % within


@dataclass(frozen=True)
class Calibration:
    """Confidence and accuracy, bin by bin; a bin reaches from above its lower edge to its upper edge.

    Attributes:
        counts: int [bins], how many predictions fall into each.
        confidence: float [bins], the mean probability of the predicted classes; NaN in an empty bin.
        accuracy: float [bins], the share of them that is right; NaN in an empty bin.
    """

    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray

    @property
    def ece(self) -> float:
        """The expected calibration error: the sum over bins of count ÷ n · |accuracy - confidence|.

        Guo, Pleiss, Sun & Weinberger 2017, "On Calibration of Modern Neural Networks", equation 3 (arXiv 1706.04599).
        """
        full = self.counts > 0
        gaps = np.abs(self.accuracy[full] - self.confidence[full])
        return float(gaps @ self.counts[full] / self.counts.sum())

    @property
    def mean_confidence(self) -> float:
        """The mean probability of the predicted classes; above the accuracy, the model is too sure of itself."""
        full = self.counts > 0
        return float(self.confidence[full] @ self.counts[full] / self.counts.sum())


def predictions(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the predicted classes, int [n], and how sure the model is of them, float64 [n].

    Args:
        probabilities: float [n, classes]; or [n] or [n, 1], that of class 1 of two.
    """
    p = np.asarray(probabilities, np.float64)
    if p.ndim == 1 or p.shape[1] == 1:
        p = p.reshape(-1)
        chosen = (p > 0.5).astype(np.int64)
        return chosen, np.where(chosen == 1, p, 1 - p)
    chosen = p.argmax(axis=1)
    return chosen, p[np.arange(len(p)), chosen]


def measure(labels: np.ndarray, probabilities: np.ndarray, bins: int = BINS) -> Calibration:
    """Compare how sure a model is with how often it is right.

    Args:
        labels: int [n], n of at least 1.
        probabilities: As `predictions` takes them.
        bins: How many, of equal width, between 0 and 1.

    Raises:
        ValueError: The arrays differ in length, are empty, or hold what is no probability.
    """
    chosen, sure = predictions(probabilities)
    labels = np.asarray(labels).ravel()
    if len(labels) != len(sure) or not len(sure):
        raise ValueError(f"Expected a probability for each of n labels. Received: {len(sure)} and {len(labels)}.")
    if not ((sure >= 0) & (sure <= 1 + 1e-6)).all():
        raise ValueError("Expected probabilities between 0 and 1.")
    place = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        confidence = np.bincount(place, sure, bins) / counts
        accuracy = np.bincount(place, chosen == labels, bins) / counts
    return Calibration(counts, confidence, accuracy)


def diagram(found: Calibration, folder: Path) -> Path:
    """Draw a reliability diagram: accuracy over confidence with 95 % intervals, and how many predictions each bin has.

    Args:
        found: What was measured.
        folder: Where to write `calibration.png`, `.svg` and `.csv`.

    Returns:
        The path of the PNG.
    """
    folder = Path(folder)
    bins, path = len(found.counts), folder / "calibration.png"
    edges = np.linspace(0, 1, bins + 1)
    full = found.counts > 0
    low, high = _interval(found.accuracy[full], found.counts[full])
    with formats.picture(path, 4.4, 5.0) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
        upper.plot([0, 1], [0, 1], color=style.FAINT, linewidth=1, linestyle=style.DASHES[1])
        upper.text(0.03, 0.09, "as sure as right", color=style.FAINT, fontsize=style.FONT_SIZE - 1, rotation=36)
        x, y = found.confidence[full], found.accuracy[full]
        upper.vlines(x, low, high, color=style.PALETTE[0], linewidth=1)
        upper.plot(x, y, color=style.PALETTE[0], marker="o", markersize=4.5)
        upper.set_ylabel("accuracy")
        upper.set_title(f"calibration: ECE {found.ece:.4f}, {bins} bins")
        lower.bar(edges[:-1], found.counts / found.counts.sum(), 1 / bins, align="edge", color="#9CC7E3",
                  edgecolor="white", linewidth=0.6)  # fmt: skip
        lower.set_ylabel("share")
        lower.set_xlabel("confidence: probability of the predicted class")
        for axes, most in ((upper, 1.02), (lower, 1.0)):
            axes.set_xlim(0, 1.01)
            axes.set_ylim(0, most)
            style.linear_axis(axes)
        upper.set_xticks(np.linspace(0, 1, 6), [style.decimal(tick) for tick in np.linspace(0, 1, 6)])
    with path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["above", "to", "count", "confidence", "accuracy"])
        for row in zip(edges[:-1], edges[1:], found.counts, found.confidence, found.accuracy, strict=True):
            writer.writerow(["" if np.isnan(value) else str(value) for value in row])
    return path


def _interval(share: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval of shares of counts (Wilson 1927)."""
    middle = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    half = _Z / (1 + _Z**2 / count) * np.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    return middle - half, middle + half
