"""What medians and ranks would have been with other seeds: a paired bootstrap.

Seeds are drawn with replacement, the same ones for every choice, so that what is common to all runs of a seed cancels
out when choices are compared (Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13 for the interval).
"""

from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Resampled:
    """Scores that are better the lower they are, resampled.

    Attributes:
        medians: float [choices, resamples].
        ranks: int [choices, resamples], from 1; equal medians share the lower rank.
    """

    medians: np.ndarray
    ranks: np.ndarray


def bootstrap(scores: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> Resampled:
    """Resample replicates and rank the choices by their medians each time.

    Args:
        scores: float [choices, replicates], lower is better; infinite for a run that was lost, NaN where there is none.
        resamples: How often to draw.
        seed: Of the draws, so that a report can be repeated to the digit.

    Returns:
        Medians and ranks of each draw. A choice that has no run among the replicates of a draw counts as lost there.
    """
    scores = np.asarray(scores, dtype=float)
    draws = np.random.default_rng(seed).integers(scores.shape[1], size=(resamples, scores.shape[1]))
    medians = np.empty((len(scores), resamples))
    for row, own in enumerate(scores):  # one at a time: 500 choices of 50 seeds would take half a gigabyte
        medians[row] = _medians(own[draws])
    return Resampled(medians, ranks(medians))


def ranks(scores: np.ndarray) -> np.ndarray:
    """Return the rank of each row within each column, from 1 for the lowest; equals share the lower rank.

    Args:
        scores: float [rows, columns], without NaN.

    Returns:
        int [rows, columns].
    """
    order = np.argsort(scores, axis=0, kind="stable")
    ordered = np.take_along_axis(scores, order, axis=0)
    # The place of the first of each group of equals. Differences would not do: infinity minus itself is NaN.
    place = np.arange(1, len(scores) + 1)[:, None]
    first = np.concatenate([np.ones((1, scores.shape[1]), bool), ordered[1:] != ordered[:-1]])
    found = np.empty(scores.shape, dtype=int)
    np.put_along_axis(found, order, np.maximum.accumulate(np.where(first, place, 0), axis=0), axis=0)
    return found


def interval(draws: np.ndarray, confidence: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray]:
    """Return the percentile interval of draws, each end one of the draws.

    Args:
        draws: [choices, resamples].
        confidence: The share of the draws that the interval holds.
    """
    ordered = np.sort(draws, axis=-1)
    count = ordered.shape[-1]
    cut = int((1 - confidence) / 2 * count)
    return ordered[..., cut], ordered[..., count - 1 - cut]


def quantile(values: np.ndarray, share: float) -> np.ndarray:
    """Return a quantile along the last axis, linear between neighbours, where NumPy gives NaN between infinities.

    Args:
        values: float [..., n], infinities of one sign among them; NaN stands for no value.
        share: From 0 to 1.

    Returns:
        float [...]; NaN where there is no value at all.
    """
    ordered = np.sort(values, axis=-1)  # NaN comes last
    counts = np.maximum((~np.isnan(ordered)).sum(axis=-1), 1)
    place = share * (counts - 1)
    low = np.floor(place).astype(int)
    part = place - low
    below = np.take_along_axis(ordered, low[..., None], axis=-1)[..., 0]
    above = np.take_along_axis(ordered, np.minimum(low + 1, counts - 1)[..., None], axis=-1)[..., 0]
    with np.errstate(invalid="ignore"):  # infinity times zero, where there is nothing between
        between = below * (1 - part) + above * part
    return np.where((part == 0) | (below == above), below, between)


def wilson(successes: np.ndarray, trials: int, z: float = 1.959964) -> tuple[np.ndarray, np.ndarray]:
    """Return the interval of a share after Wilson (1927), 95 % by default.

    It stays within 0 and 1, and is right where all or none of a few runs succeed.

    Args:
        successes: [...], of `trials` each.
        trials: At least 1.
        z: The normal quantile of the confidence.
    """
    share = np.asarray(successes, dtype=float) / trials
    middle = share + z * z / (2 * trials)
    half = z * np.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return np.clip((middle - half) / scale, 0, 1), np.clip((middle + half) / scale, 0, 1)


def _medians(values: np.ndarray) -> np.ndarray:
    """Return the medians of rows, infinite for a row without a value."""
    found = quantile(values, 0.5)
    return np.where(np.isnan(found), np.inf, found)
