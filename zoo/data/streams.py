"""From a loader's `Texts` to token streams: tokenize, hold out, number by a vocabulary of the training text, limit.

The vocabulary is that of the whole training split: `data.limit` shortens training and changes nothing else.
"""

from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Literal, TypeVar

from zoo.config import BadInput, Data
from zoo.data.spec import Spec, Split, Texts
from zoo.data.text_files import TextFile, pieces
from zoo.data.vocabulary import Vocabulary, is_tokenized, tokenize

T = TypeVar("T")
# <unk>, <eos> and a word; <unk> and a character.
_SMALLEST = {"word": 3, "char": 2}
_PIECE = 2**22  # characters of a text that are looked at at a time


def split(
    raw: Texts, data: Data, vocab_size: int | None, *, explicit: bool
) -> tuple[Spec, tuple[Split, Split, Split], Vocabulary, list[str]]:
    """Turn raw texts into three token streams.

    Args:
        raw: What a loader returned.
        data: The data option: `level`, `sequence_length` and `limit` are used here.
        vocab_size: Keep the most frequent tokens, this many in all; None: keep all.
        explicit: Refuse a `vocab_size` above what the text gives, rather than cap it.

    Returns:
        The spec; training, validation and test stream; the vocabulary; notes.

    Raises:
        BadInput: The vocabulary's size does not fit the text, or a split is too short for one sequence.
    """
    check_parts(raw, data)
    texts = [whole(text) for text in (raw.train, raw.valid, raw.test) if text is not None]
    tokenized = data.level == "word" and is_tokenized(texts[0])
    parts = [_tokens(text, data.level, tokenized=tokenized) for text in texts]
    if len(parts) == 1:
        parts = hold_out(parts[0], raw.held_out)
    train, valid, test = parts

    # A character that only the other splits hold needs a place; words always have one.
    unk = data.level == "word" or not set(train).issuperset(set(valid).union(test))
    everything = Vocabulary.build(train, data.level, tokenized=tokenized, unk=unk)
    vocabulary, notes = sized(everything, vocab_size, data.level, explicit=explicit)

    streams = [vocabulary.encode(tokens) for tokens in (train[: data.limit], valid, test)]
    if data.limit is not None and data.limit > len(train):
        notes.append(f"data.limit={data.limit} keeps all of the {len(train):,} training tokens.")
    for name, stream in zip(("training", "validation", "test"), streams, strict=True):
        check_length(stream, name, data)
    spec = Spec(kind="tokens", shape=(data.sequence_length,), target="tokens", classes=len(vocabulary))
    return spec, (Split(streams[0]), Split(streams[1]), Split(streams[2])), vocabulary, notes


def check_parts(raw: Texts, data: Data) -> None:
    """Refuse one of validation and test text without the other."""
    if (raw.valid is None) != (raw.test is None):
        raise BadInput(f"{data.load} should return validation and test text, or neither of them. Received: one.")


def encoded(raw: Texts, data: Data, vocabulary: Vocabulary) -> Split:
    """Return the test text as the stream that a vocabulary of another text makes of it.

    Args:
        raw: What a loader returned.
        data: The data option: `level` and `sequence_length` are used here.
        vocabulary: Of the other text; `level` is the same.

    Raises:
        BadInput: A character is unknown to a vocabulary without a place for it, or the text is too short.
    """
    tokenized = data.level == "word" and (vocabulary.tokenized or any(map(is_tokenized, pieces(raw.train, _PIECE))))
    test = _tokens(whole(raw.train if raw.test is None else raw.test), data.level, tokenized=tokenized)
    stream = vocabulary.encode(hold_out(test, raw.held_out)[2] if raw.test is None else test)
    check_length(stream, "test", data)
    return Split(stream)


def whole(text: str | TextFile) -> str:
    """Return a text that may lie in a file."""
    return text if isinstance(text, str) else text.read()


def _tokens(text: str, level: Literal["word", "char"], *, tokenized: bool) -> Sequence[str]:
    (text,) = complete([text], level)
    return tokenize(text, level, tokenized=tokenized)


def complete(parts: Iterable[str], level: Literal["word", "char"]) -> Iterator[str]:
    """Yield the parts of a text; of words the last line ends too, though many a file leaves out its newline."""
    before = None
    for piece in parts:
        if before is not None:
            yield before
        before = piece
    if before is not None:
        yield f"{before}\n" if level == "word" and not before.endswith("\n") else before


def check_length(stream: Sized, name: str, data: Data) -> None:
    """Refuse a split that is too short for one sequence."""
    # The last token of a sequence needs a next one to predict.
    if len(stream) <= data.sequence_length:
        raise BadInput(
            f"The {name} split of data={data.name} has {len(stream):,} tokens, but one sequence takes "
            f"{data.sequence_length + 1:,} (data.sequence_length and the token after it). "
            "Use more text or a smaller data.sequence_length."
        )


def hold_out(tokens: Sequence[T], fraction: float) -> list[Sequence[T]]:
    """Cut off the end, half to validate and half to test, at the positions that tensorflow-datasets computes."""
    first = int(len(tokens) * (1 - fraction))
    second = first + int((len(tokens) - first) * 0.5)
    return [tokens[:first], tokens[first:second], tokens[second:]]


def sized(
    vocabulary: Vocabulary, size: int | None, level: Literal["word", "char"], *, explicit: bool
) -> tuple[Vocabulary, list[str]]:
    """Return a vocabulary at the size asked for, and what the user should know about it."""
    if size is None or size == len(vocabulary):
        return vocabulary, []
    kind = "words" if level == "word" else "characters"
    if size < _SMALLEST[level]:
        raise BadInput(
            f"model.vocab_size={size} leaves no room for {kind} beside the special tokens. "
            f"Use at least {_SMALLEST[level]}."
        )
    if size < len(vocabulary):
        return vocabulary.truncated(size), []
    if explicit:
        special = ", <unk> and <eos> included" if level == "word" else ""
        raise BadInput(
            f"model.vocab_size={size} is more than the training text gives: it has {len(vocabulary):,} distinct "
            f"{kind}{special}. Use at most model.vocab_size={len(vocabulary)}, or leave it out."
        )
    return vocabulary, [
        f"The vocabulary is capped at {len(vocabulary):,}: the training text has no more distinct {kind}."
    ]
