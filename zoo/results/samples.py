"""Text that a language model writes: with which words it begins, how long it is, and the file that it is kept in."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from zoo.data import Vocabulary

PROMPT = {"word": 8, "char": 32}  # tokens
LENGTH = {"word": 100, "char": 400}
TEMPERATURE = 0.8


def written(write: Callable[[list[int], int, list[int]], list[int]], text: np.ndarray, vocabulary: "Vocabulary") -> str:
    """Return a text that a model writes, begun with the first tokens of another text.

    Args:
        write: From the ids to go on from, the number of tokens and the ids that are never written, to the new ids.
        text: Ids that it begins with, int [n].
        vocabulary: What the ids mean.
    """
    prompt = [int(token) for token in text[: PROMPT[vocabulary.level]]]
    banned = [] if vocabulary.unk is None else [vocabulary.unk]
    return vocabulary.decode([*prompt, *write(prompt, LENGTH[vocabulary.level], banned)])


def save(text: str, folder: Path) -> Path:
    """Write generated text to `sample.txt` and return its path."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "sample.txt"
    path.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    return path
