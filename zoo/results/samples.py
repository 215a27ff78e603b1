"""Text that a language model writes: one token after another, each drawn from what the model expects next."""

from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np


def generate(
    next_logits: Callable[[np.ndarray], np.ndarray],
    prompt_ids: list[int],
    length: int,
    *,
    temperature: float = 0.8,
    seed: int = 0,
    banned: Collection[int] = (),
) -> list[int]:
    """Continue a prompt by `length` tokens.

    Args:
        next_logits: From the tokens that are new to it, int32 [1, t], to the logits of the token after them,
            float [vocabulary]. It carries its own state: the prompt comes at once, each drawn token by itself.
        prompt_ids: The tokens to begin with; at least one.
        length: How many tokens to add.
        temperature: Divides the logits. Below 1 the likely becomes likelier; 0 always takes the likeliest.
        seed: The same seed draws the same tokens.
        banned: Ids that are never produced, such as that of `<unk>`.

    Returns:
        The new tokens' ids, without the prompt.

    Raises:
        ValueError: The prompt is empty, the temperature negative, no token is left to draw, or the logits are not
            numbers.

    Example:
        >>> successor = lambda ids: 10.0 * np.eye(5)[(ids[0, -1] + 1) % 5]
        >>> generate(successor, [0], length=3, temperature=0)
        [1, 2, 3]
    """
    if not prompt_ids:
        raise ValueError("A prompt needs at least one token. Received: none.")
    generator = np.random.default_rng(seed)
    ids: list[int] = []
    new = list(prompt_ids)
    for _ in range(length):
        logits = next_logits(np.array([new], dtype=np.int32))
        new = [draw(probabilities(logits, temperature, banned), generator)]
        ids += new
    return ids


def probabilities(logits: np.ndarray, temperature: float = 1.0, banned: Collection[int] = ()) -> np.ndarray:
    """Return the softmax of logits / temperature over the tokens that are not banned.

    Args:
        logits: float [vocabulary]; -inf stands for impossible.
        temperature: 0 puts all probability on the largest logit, the first of several.
        banned: Ids that get none.

    Returns:
        float64 [vocabulary], of sum 1.

    Raises:
        ValueError: The temperature is negative, no token is left, or a logit is NaN or +inf.
    """
    if not temperature >= 0:
        raise ValueError(f"Expected a temperature of 0 or more. Received: {temperature}.")
    logits = np.array(logits, dtype=np.float64).ravel()
    logits[list(banned)] = -np.inf
    if np.isnan(logits).any() or np.isposinf(logits).any():
        raise ValueError("The logits hold NaN or inf: the model has diverged, or its weights are damaged.")
    best = int(logits.argmax())
    if np.isneginf(logits[best]):
        raise ValueError("No token is left to draw: every one is banned or impossible.")
    if temperature == 0:
        return np.eye(1, len(logits), best)[0]
    # The largest logit becomes 0 before anything is divided or raised: nothing overflows, however low the temperature.
    with np.errstate(over="ignore"):
        weights = np.exp((logits - logits[best]) / temperature)
    return weights / weights.sum()


def draw(probabilities: np.ndarray, generator: np.random.Generator) -> int:
    """Return an id with the probability given for it.

    Args:
        probabilities: float [vocabulary], of sum 1.
        generator: Where chance comes from.
    """
    return int(generator.choice(len(probabilities), p=probabilities))


def save(text: str, folder: Path) -> Path:
    """Write generated text to `sample.txt` and return its path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "sample.txt"
    path.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    return path
