"""One token drawn from what a model expects: greedily, at a temperature, from the likeliest few, or from a nucleus."""

import numpy as np


def check(temperature: float, top_k: int | None = None, top_p: float | None = None) -> None:
    """Refuse what can't be drawn by.

    Raises:
        ValueError: The temperature is negative, `top_k` is below 1, or `top_p` is not above 0 and at most 1.
    """
    if not temperature >= 0:
        raise ValueError(f"Expected a temperature of 0 or more. Received: {temperature}.")
    if top_k is not None and top_k < 1:
        raise ValueError(f"Expected top_k of 1 or more. Received: {top_k}.")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"Expected top_p above 0 and at most 1. Received: {top_p}.")


def draw(
    logits: np.ndarray,
    random: np.random.Generator,
    *,
    temperature: float,
    top_k: int | None = None,
    top_p: float | None = None,
) -> int:
    """Return an id drawn from the softmax of logits.

    Args:
        logits: float64 [n]; -inf is never drawn.
        random: What is random in it.
        temperature: Divides the logits; 0 takes the largest.
        top_k: Draw from the largest `top_k` alone.
        top_p: Draw from the fewest of the largest that together have this probability at least, at the temperature
            and among those that `top_k` leaves.
    """
    if temperature == 0:
        return int(logits.argmax())
    # The largest becomes 0 before anything is divided: nothing overflows, however low the temperature.
    chance = np.exp(np.maximum((logits - logits.max()) / max(temperature, 1e-30), -1e30))
    chance[np.isneginf(logits)] = 0.0
    if top_k is not None or top_p is not None:
        order = np.argsort(-chance, kind="stable")
        order, rest = order[:top_k], order[len(logits) if top_k is None else top_k :]
        chance[rest] = 0.0
        if top_p is not None:
            share = chance[order] / chance.sum()
            chance[order[np.cumsum(share) - share >= top_p]] = 0.0
    return int(random.choice(len(chance), p=chance / chance.sum()))
