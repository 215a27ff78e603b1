"""Text to token ids and back: how text is cut into tokens, which of them are known, and how ids become text again."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, repeat
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from zoo.config import BadInput
from zoo.data.joining import Joining

UNK = "<unk>"
EOS = "<eos>"

# A word with the apostrophes inside it, or a single punctuation mark.
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_")


def is_tokenized(text: str) -> bool:
    """Tell whether a text is already cut into tokens as the Penn Treebank's is: it then holds the token <unk>."""
    return UNK in text and re.search(rf"(?<!\S){UNK}(?!\S)", text) is not None


def tokenize(text: str, level: Literal["word", "char"], *, tokenized: bool = False) -> Sequence[str]:
    """Cut a text into tokens.

    Args:
        text: Lines separated by a newline; only a newline makes an `<eos>`.
        level: `word`: lower-cased words and punctuation marks, `<eos>` at each line's end; `char`: characters.
        tokenized: The words are already separated by white space: keep them, and their case, as they are.

    Returns:
        The tokens, in order. For characters this is the text itself.

    Example:
        >>> tokenize("The LORD's day, behold!\\n", "word")
        ['the', "lord's", 'day', ',', 'behold', '!', '<eos>']
    """
    if level == "char":
        return text
    pieces = pieces_of(text)
    if tokenized:
        return pieces
    return list(chain.from_iterable(map(_Tokens().__getitem__, pieces)))


def pieces_of(text: str) -> list[str]:
    """Return what white space separates in a text of words, with an `<eos>` for each newline."""
    return text.replace("\n", f" {EOS} ").split()


def tokens_of(piece: str) -> list[str]:
    """Return the tokens in a piece of text between white space."""
    return [EOS] if piece == EOS else _TOKEN.findall(piece.lower())


@dataclass(frozen=True)
class Vocabulary:
    """The tokens a model knows; a token's id is its position.

    Attributes:
        tokens: `<unk>` and `<eos>` first (of characters: `<unk>` where it is needed), then by falling frequency,
            ties in alphabetical order.
        level: `word` or `char`.
        tokenized: Text to encode is already cut into tokens, as the Penn Treebank's is.
    """

    tokens: tuple[str, ...]
    level: Literal["word", "char"]
    tokenized: bool = False

    @classmethod
    def build(
        cls, tokens: Iterable[str], level: Literal["word", "char"], *, tokenized: bool = False, unk: bool = True
    ) -> Self:
        """Return the vocabulary of all tokens of a training text.

        Args:
            tokens: The training text's tokens.
            level: What the tokens are.
            tokenized: Whether the text came in tokens.
            unk: Of characters: whether a place for unknown ones is needed; words always have one.
        """
        return cls.counted(Counter(tokens), level, tokenized=tokenized, unk=unk)

    @classmethod
    def counted(
        cls, counts: dict[str, int], level: Literal["word", "char"], *, tokenized: bool = False, unk: bool = True
    ) -> Self:
        """Return the vocabulary of a training text whose tokens were counted; otherwise as `build`."""
        special = (UNK, EOS) if level == "word" else (UNK,) if unk else ()
        counts = dict(counts)
        for token in special:
            counts.pop(token, None)
        return cls((*special, *sorted(counts, key=lambda token: (-counts[token], token))), level, tokenized)

    def truncated(self, size: int) -> Self:
        """Return the vocabulary of the most frequent tokens, `size` in all; the others become `<unk>`."""
        tokens = self.tokens if UNK in self.ids else (UNK, *self.tokens)
        return replace(self, tokens=tokens[:size])

    def __len__(self) -> int:
        return len(self.tokens)

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of each token."""
        return {token: position for position, token in enumerate(self.tokens)}

    @property
    def unk(self) -> int | None:
        """The id that stands for unknown tokens; None where every character of the text is known."""
        return self.ids.get(UNK)

    @property
    def eos(self) -> int | None:
        """The id at a line's end; None for characters, where the newline is one of them."""
        return self.ids.get(EOS)

    def encode(self, text: str | Sequence[str]) -> np.ndarray:
        """Return the ids of a text, or of tokens.

        Args:
            text: A text, cut here as the training text was; or its tokens.

        Returns:
            int32 [tokens].

        Raises:
            BadInput: A character is unknown, and the vocabulary has no place for unknown ones.
        """
        tokens = tokenize(text, self.level, tokenized=self.tokenized) if isinstance(text, str) else text
        unk = self.unk
        if unk is not None:
            return np.fromiter(map(self.ids.get, tokens, repeat(unk)), np.int32, len(tokens))
        try:
            return np.fromiter(map(self.ids.__getitem__, tokens), np.int32, len(tokens))
        except KeyError as error:
            raise BadInput(
                f"The character {error.args[0]!r} is not among the {len(self)} characters of the training text. "
                "Leave it out."
            ) from None

    def decode(self, ids: Iterable[int]) -> str:
        """Return the readable text of ids: punctuation joined to its word, a new line for each `<eos>`."""
        return "".join(self._readable(ids))

    def characters(self, ids: Iterable[int]) -> int:
        """Return the length of the readable text of ids."""
        return sum(map(len, self._readable(ids)))

    def _readable(self, ids: Iterable[int]) -> Iterator[str]:
        tokens = (self.tokens[i] for i in ids)
        if self.level == "char":
            return ("\N{REPLACEMENT CHARACTER}" if token == UNK else token for token in tokens)
        joining = Joining()
        return (joining.add("\n" if token == EOS else token) for token in tokens)

    def to_dict(self) -> dict[str, Any]:
        """Return the vocabulary as plain JSON values."""
        return {"level": self.level, "tokenized": self.tokenized, "tokens": list(self.tokens)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the vocabulary that `to_dict` described."""
        return cls(tuple(values["tokens"]), values["level"], values["tokenized"])

    def save(self, path: Path) -> None:
        """Write the vocabulary as JSON."""
        path.write_text(json.dumps(self.to_dict(), ensure_ascii=False, indent=0), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a vocabulary that `save` wrote.

        Raises:
            BadInput: The file is not there, or is none.
        """
        try:
            if path.exists() and not path.is_file():  # reading a pipe would never end
                raise ValueError("it is no file")
            found = cls.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadInput(f"{path} should be a vocabulary in JSON, but can't be read: {error}.") from None
        texts = all(isinstance(token, str) for token in found.tokens) and len(found.ids) == len(found)
        if found.level not in ("word", "char") or not isinstance(found.tokenized, bool) or not texts:
            raise BadInput(
                f"{path} should be a vocabulary: its level (word or char), tokenized, and its tokens, each once."
            )
        return found


class _Tokens(dict[str, list[str]]):
    """The tokens in each piece of text between white space. Pieces repeat, so each is cut once: 3 times as fast."""

    def __missing__(self, piece: str) -> list[str]:
        tokens = self[piece] = tokens_of(piece)
        return tokens
