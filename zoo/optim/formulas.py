"""The formulas of learning-rate schedules, in NumPy: the share of the full rate at each time.

Each takes `time` (float64 [steps], in epochs: step / steps_per_epoch), the length of the training in epochs and its
options, and returns float64 [steps]. Those that begin with `np.floor(time)` move once an epoch, others at every step.
"""

import numpy as np

from zoo.config import BadInput

__all__ = ["cosine", "exponential", "halving", "polynomial", "step", "warm_restarts", "warmup_cosine"]


def step(time: np.ndarray, epochs: int, *, every: int, gamma: float) -> np.ndarray:
    """Multiply the rate by `gamma` every `every` epochs: gamma ** floor(epoch / every)."""
    epoch = np.floor(time)
    return gamma ** (epoch // every)


def exponential(time: np.ndarray, epochs: int, *, decay: float) -> np.ndarray:
    """Multiply the rate by `decay` after each epoch: decay ** epoch, Keras's `ExponentialDecay(staircase=True)`."""
    epoch = np.floor(time)
    return decay**epoch


def halving(time: np.ndarray, epochs: int, *, full_epochs: int, factor: float) -> np.ndarray:
    """Keep the rate for n epochs, then multiply it by `factor` at the start of each: factor ** max(epoch + 1 - n, 0).

    Zaremba et al. 2014 (arXiv 1409.2329), with epochs counted from 0 as in TensorFlow's ptb_word_lm.py.
    """
    epoch = np.floor(time)
    return factor ** np.maximum(epoch + 1 - full_epochs, 0)


def polynomial(time: np.ndarray, epochs: int, *, power: float, final: float) -> np.ndarray:
    """Fall to the share `final` along a power of the time that is left: Keras's `PolynomialDecay`."""
    return (1 - final) * (1 - time / epochs) ** power + final


def cosine(time: np.ndarray, epochs: int, *, final: float) -> np.ndarray:
    """Fall to the share `final` along half a cosine: equation 5 of Loshchilov & Hutter 2017 without restarts."""
    return final + (1 - final) * _half_cosine(time / epochs)


def warm_restarts(
    time: np.ndarray, epochs: int, *, period: float, period_multiplier: float, peak_multiplier: float, final: float
) -> np.ndarray:
    """Fall along half a cosine again and again: SGDR, Loshchilov & Hutter 2017 (arXiv 1608.03983), equation 5.

    Each period is `period_multiplier` times as long as the last, and begins `peak_multiplier` times as high.
    """
    if period <= 0 or period_multiplier < 1:
        raise BadInput(
            "schedule.period should be above 0 and schedule.period_multiplier at least 1. "
            f"Received: {period} and {period_multiplier}."
        )
    share = np.zeros_like(time)
    start, length, peak = 0.0, float(period), 1.0
    while start < epochs:
        # The sum of the periods is not exact in floating point: a step on a boundary belongs to the period it opens.
        inside = time >= start - 1e-9
        share[inside] = peak * _half_cosine((time[inside] - start) / length)
        start, length, peak = start + length, length * period_multiplier, peak * peak_multiplier
    return final + (1 - final) * share


def warmup_cosine(time: np.ndarray, epochs: int, *, warmup: float, final: float) -> np.ndarray:
    """Rise in a straight line from 0, then fall as `cosine`: Keras's `CosineDecay` with a warm-up.

    The gradual warm-up is that of Goyal et al. 2017 (arXiv 1706.02677), section 2.2.
    """
    if not 0 <= warmup < epochs:
        raise BadInput(
            f"schedule.warmup should be shorter than the training. Received: schedule.warmup={warmup}, epochs={epochs}."
        )
    rising = time / warmup if warmup else np.ones_like(time)
    return np.where(time < warmup, rising, final + (1 - final) * _half_cosine((time - warmup) / (epochs - warmup)))


def _half_cosine(progress: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.cos(np.pi * np.clip(progress, 0, 1)))
