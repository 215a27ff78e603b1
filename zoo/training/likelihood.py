"""What the loss of a language model is called beside nats: perplexity and, of characters, bits."""

import math


def complete(logs: dict[str, float], *, is_likelihood: bool, per_character: bool) -> None:
    """Add `perplexity` and `bits_per_character` to the logs of a language model, and the same for validation.

    The bits are the logarithm to base 2 of the perplexity, loss ÷ ln 2 where the loss is not smoothed.

    Args:
        logs: With `loss` and perhaps `val_loss`, in nats; `perplexity` stands there already where the loss is smoothed.
        is_likelihood: Whether the loss is a token's mean negative log-likelihood.
        per_character: Whether a token is a character.
    """
    for prefix in ("", "val_"):
        if is_likelihood and f"{prefix}loss" in logs:
            logs[f"{prefix}perplexity"] = perplexity(logs[f"{prefix}loss"])
        if per_character and f"{prefix}perplexity" in logs:
            logs[f"{prefix}bits_per_character"] = math.log2(logs[f"{prefix}perplexity"])


def perplexity(loss: float) -> float:
    """Return exp of a mean negative log-likelihood, infinite where it overflows."""
    return math.exp(loss) if loss < 700 else math.inf
