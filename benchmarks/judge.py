"""From samples to what is said of them: medians, ratios with intervals, goals, and whether the losses agree."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.contest import Contest, Goal, Peer

RESAMPLES = 10_000
CONFIDENCE = 0.95
Samples = dict[str, list[dict[str, Any]]]  # by peer, round by round


@dataclass(frozen=True)
class Estimate:
    """A number with its interval.

    Attributes:
        value: From the medians.
        low: Lower end of the bootstrap interval.
        high: Upper end.
    """

    value: float
    low: float
    high: float


def summary(values: Sequence[float]) -> dict[str, Any]:
    """Return median, quartiles and the values themselves."""
    first, median, third = np.percentile(values, [25, 50, 75])
    return {"median": float(median), "q1": float(first), "q3": float(third), "samples": [float(v) for v in values]}


def ratio(over: Sequence[float], against: Sequence[float]) -> Estimate:
    """Return the ratio of two medians, over ÷ against.

    Rounds are drawn anew with replacement, both peers of a round together, because what slows a shared machine down
    slows both (Efron & Tibshirani 1993, chapter 13: the percentile interval).

    Args:
        over: One value a round.
        against: Of the same rounds.
    """
    return _bootstrap(np.array([over, against]), lambda medians: medians[0] / medians[1])


def difference(over: Sequence[float], against: Sequence[float]) -> Estimate:
    """Return the difference of two medians, over − against, with an interval made in the same way."""
    return _bootstrap(np.array([over, against]), lambda medians: medians[0] - medians[1])


def median(over: Sequence[float]) -> Estimate:
    """Return a median, with an interval made in the same way."""
    return _bootstrap(np.array([over]), lambda medians: medians[0])


def _bootstrap(values: np.ndarray, statistic: Any) -> Estimate:
    rounds = values.shape[1]
    draws = np.random.default_rng(0).integers(rounds, size=(RESAMPLES, rounds))
    resampled = statistic(np.median(values[:, draws], axis=2))
    low, high = np.percentile(resampled, [50 * (1 - CONFIDENCE), 50 * (1 + CONFIDENCE)])
    return Estimate(float(statistic(np.median(values, axis=1))), float(low), float(high))


def goal(goal: Goal, samples: Samples) -> Estimate | None:
    """Return what a goal is about, or None where one of its peers has no samples."""
    over, against = samples.get(goal.over), samples.get(goal.against or goal.over)
    if not over or not against:
        return None
    rounds = min(len(over), len(against))  # a peer that failed has fewer
    ours = [sample[goal.measure] for sample in over[:rounds]]
    theirs = [sample[goal.measure] for sample in against[:rounds]]
    if goal.against is None:
        return median(ours)
    if goal.per is None:
        return ratio(ours, theirs)
    per = float(np.median([sample[goal.per] for sample in over])) / goal.scale
    found = difference(ours, theirs)
    return Estimate(found.value / per, found.low / per, found.high / per)


def disagreement(contest: Contest, samples: Samples) -> list[str]:
    """Return a sentence for each peer whose results are not those of the first peer; none where all agree.

    The first epoch has the same weights and the same order of rows for all; the others a wider tolerance.
    """
    if contest.agree == "nothing":
        return []
    reference = next((samples[peer.name][0] for peer in contest.peers if samples.get(peer.name)), None)
    if reference is None:
        return []
    found = []
    for peer in contest.peers:
        for sample in samples.get(peer.name, []):
            words = _differences(contest, peer, reference, sample)
            if words:
                found.append(f"{peer.name}: {words}")
                break
    return found


def worst(contest: Contest, samples: Samples) -> float | None:
    """Return the largest relative difference of a first epoch's loss from the first peer's, or None."""
    present = [peer.name for peer in contest.peers if samples.get(peer.name)]
    if contest.agree != "losses" or len(present) < 2:
        return None
    reference = _measured(contest, samples[present[0]][0]["losses"][0])
    losses = [_measured(contest, sample["losses"][0]) for name in present for sample in samples[name]]
    return max(abs(loss / reference - 1) for loss in losses)


def _differences(contest: Contest, peer: Peer, reference: dict[str, Any], sample: dict[str, Any]) -> str:
    if contest.agree == "ids":
        count = min(len(reference["ids"]), len(sample["ids"]))
        same = reference["ids"][:count] == sample["ids"][:count]
        return "" if same else f"other words among the first {count}."
    for epoch, (expected, loss) in enumerate(zip(reference["losses"], sample["losses"], strict=False)):
        allowed = contest.later if epoch else contest.tolerance
        allowed = max(allowed, peer.tolerance or 0.0)
        expected, loss = _measured(contest, expected), _measured(contest, loss)
        if not math.isfinite(loss) or abs(loss / expected - 1) > allowed:
            name = "perplexity" if contest.perplexity else "loss"
            return f"{name} {loss:.6g} in epoch {epoch + 1}, expected {expected:.6g} to {allowed:.2%}."
    return ""


def _measured(contest: Contest, loss: float) -> float:
    return math.exp(min(loss, 700.0)) if contest.perplexity else loss
