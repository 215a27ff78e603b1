"""Text that the language model of a finished run writes: a prompt read, unknown words told, text given as it comes."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from zoo import kept, quiet
from zoo.config import BadInput
from zoo.data import Spec, Vocabulary
from zoo.data.joining import Joining
from zoo.data.vocabulary import EOS, UNK, tokenize
from zoo.kept import Kept
from zoo.models import ngram

PIECE_SECONDS = 0.1  # of writing before what is there is shown
_LARGEST_PIECE = 256  # tokens
_TOLD = 10  # unknown words, by name


@dataclass(frozen=True)
class Drawing:
    """How tokens are drawn.

    Attributes:
        temperature: Divides the logits; 0 always takes the likeliest.
        top_k: From the likeliest so many alone; None: from all.
        top_p: From the fewest of the likeliest that have this probability together; None: from all.
        seed: The same seed draws the same text.
    """

    temperature: float = 0.8
    top_k: int | None = None
    top_p: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class Prompt:
    """What a text begins with.

    Attributes:
        text: As it is shown.
        ids: As it is read, at least one.
        unknown: Words, or characters, that the model does not know, each once.
        begins: Whether nothing was given to begin with, so that a line begins.
    """

    text: str
    ids: list[int]
    unknown: list[str]
    begins: bool


class _Writer(Protocol):
    def write(self, count: int) -> list[int]: ...


def check(found: Kept) -> Vocabulary:
    """Return the vocabulary of a run's language model.

    Raises:
        BadInput: Its model is none.
    """
    if found.vocabulary is None or found.config.data.gives != "tokens":
        raise BadInput(
            f"Run {found.run.id} ({found.run.name}) is no language model: model={found.config.model.name} was trained "
            f"on data={found.config.data.name}, and writes no text. Try one that was trained on text, such as "
            "run=\"best:tags.model = 'lstm'\"."
        )
    return found.vocabulary


def read(text: str, vocabulary: Vocabulary) -> Prompt:
    """Read a prompt; an empty one is the beginning of a line.

    Unknown words are read as `<unk>`. Unknown characters are too, or left out where the vocabulary has no place for
    them.
    """
    shown = text if vocabulary.level == "char" else text.rstrip(" ")
    tokens = list(tokenize(shown, vocabulary.level, tokenized=vocabulary.tokenized))
    unknown = [token for token in dict.fromkeys(tokens) if token not in vocabulary.ids and token != UNK]
    if vocabulary.unk is None:
        tokens = [token for token in tokens if token in vocabulary.ids]
    ids = vocabulary.encode(tokens).tolist()
    return Prompt(shown if ids else "", ids or [beginning(vocabulary)], unknown, not ids)


def write(found: Kept, prompt: Prompt, length: int, drawing: Drawing) -> Iterator[str]:
    """Give a text piece by piece: first the prompt, then what the model writes after it.

    Args:
        found: A run of a language model.
        prompt: From `read`.
        length: Number of tokens to write.
        drawing: How they are drawn.

    Raises:
        BadInput: What the run kept is damaged.
    """
    vocabulary = check(found)
    writer = _writer(found, vocabulary, drawing, prompt.ids)
    joining = Joining()
    if not prompt.begins:
        for one in prompt.ids:
            joining.add(shown(vocabulary, one))
    yield prompt.text
    count = 1
    while length > 0:
        began = time.perf_counter()
        try:
            ids = writer.write(min(count, length))
        except ValueError as error:
            raise BadInput(f"Run {found.run.id} ({found.run.name}) can't write: {error}") from None
        length -= len(ids)
        # How much is written at a time changes nothing of the text.
        if time.perf_counter() - began < PIECE_SECONDS / 2:
            count = min(2 * count, _LARGEST_PIECE)
        tokens = [shown(vocabulary, one) for one in ids]
        yield "".join(tokens if vocabulary.level == "char" else map(joining.add, tokens))


def shown(vocabulary: Vocabulary, one: int) -> str:
    """Return a token as it is read: the end of a line is a newline."""
    token = vocabulary.tokens[one]
    return "\n" if token == EOS and vocabulary.level == "word" else token


def beginning(vocabulary: Vocabulary) -> int:
    """Return the token after which a line begins; where there is none, that of a space, or the most frequent one."""
    ids = vocabulary.ids
    names = [EOS] if vocabulary.level == "word" else ["\n", " "]
    first = 0 if vocabulary.unk is None else 1  # behind <unk>
    return next((ids[name] for name in names if name in ids), min(first, len(vocabulary) - 1))


def told_unknown(prompt: Prompt, vocabulary: Vocabulary) -> str:
    """Return a sentence that says which words of a prompt the model does not know; nothing if it knows them all."""
    if not prompt.unknown:
        return ""
    shown = [repr(one) for one in prompt.unknown[:_TOLD]]
    more = f" and {len(prompt.unknown) - _TOLD:,} others" if len(prompt.unknown) > _TOLD else ""
    handled = "left out" if vocabulary.unk is None else "read as <unk>"
    return f"Unknown to the model, and {handled}: {', '.join(shown)}{more}."


def _writer(found: Kept, vocabulary: Vocabulary, drawing: Drawing, ids: list[int]) -> _Writer:
    """Return what goes on with some tokens."""
    banned = [] if vocabulary.unk is None else [vocabulary.unk]
    words = len(vocabulary)
    if found.is_counted:
        counted = ngram.Trigram.load(found.file)
        _fits(found, counted.words, words)
        by_counts = ngram.Writer(
            counted,
            temperature=drawing.temperature,
            top_k=drawing.top_k,
            top_p=drawing.top_p,
            seed=drawing.seed,
            banned=banned,
        )
        by_counts.read(counted.context(ids, beginning(vocabulary)))
        return by_counts
    model = kept.network(found.file)
    _fits(found, model.output_shape[-1], words)
    quiet.import_tensorflow()
    from zoo.models import building, generation

    config, window = found.config, None
    if config.model.build.startswith("zoo.models."):  # its layers can carry state, word by word
        weights = model.get_weights()
        spec = Spec("tokens", (config.data.sequence_length,), "tokens", words, batch_size=1)
        model = building.build(config.model, spec, config.precision)
        model.set_weights(weights)
    else:  # a user's may not, and is shown as much of the text as it has learnt from
        window = config.data.sequence_length
    logits = generation.next_logits(model, gives_probabilities=config.model.output == "probabilities", window=window)
    writer = generation.Writer(
        logits,
        words,
        temperature=drawing.temperature,
        top_k=drawing.top_k,
        top_p=drawing.top_p,
        seed=drawing.seed,
        banned=banned,
    )
    writer.read(ids)
    return writer


def _fits(found: Kept, outputs: int | None, words: int) -> None:
    if outputs != words:
        raise BadInput(
            f"The vocabulary of run {found.run.id} ({found.run.name}) has {words:,} tokens, but its model tells "
            f"{outputs} apart: one of the two files is damaged."
        )
