"""Text that stays in files: cut into tokens once, a few megabytes at a time, and read from shards by index.

The shards hold the ids of the whole vocabulary, the most frequent first, so that `model.vocab_size` and `data.limit`
change how they are read, not what is written.
"""

import hashlib
import json
import logging
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from zoo.config import Data
from zoo.data import hashes, manifest, shards, streams
from zoo.data.shards import Stored
from zoo.data.spec import Spec, Split, Splits, Texts
from zoo.data.text_files import TextFile, pieces
from zoo.data.vocabulary import Vocabulary, is_tokenized, pieces_of, tokens_of

log = logging.getLogger(__name__)

_PARTS = ("train", "valid", "test")
_PIECE = 2**22  # characters of a text that are cut into tokens at a time
_IDS = 2**20  # token ids that are numbered anew at a time
_SAID = 30.0  # seconds between two lines about a long preparation


def load(raw: Texts, data: Data, folder: Path, vocab_size: int | None, *, explicit: bool) -> Splits:
    """Return three token streams in files: those that `zoo.data.streams.split` has in memory.

    Args:
        raw: What a loader returned.
        data: The data option.
        folder: Of prepared data.
        vocab_size: Keep the most frequent tokens, this many in all; None: keep all.
        explicit: Refuse a `vocab_size` above what the text gives, rather than cap it.

    Raises:
        BadInput: As `zoo.data.streams.split`; or a shard is missing.
    """
    streams.check_parts(raw, data)
    texts = [text for text in (raw.train, raw.valid, raw.test) if text is not None]
    known = folder / manifest.FOLDER / "texts"
    contents = [text.digest(known) if isinstance(text, TextFile) else _sha256(text) for text in texts]
    key = _sha256(json.dumps([data.level, raw.held_out if len(texts) == 1 else None, contents]))
    own = folder / manifest.FOLDER / f"{data.name}-{key[:16]}"
    kept = manifest.kept(own, data.name, lambda new: _Preparation(new, raw, data).made())
    everything = Vocabulary.from_dict(kept.about["vocabulary"])
    vocabulary, notes = streams.sized(everything, vocab_size, data.level, explicit=explicit)
    lookup = _lookup(everything, vocabulary)
    meaning = None if lookup is None else lookup.take
    found = [Stored(kept.folder, kept.arrays[name], np.int32, meaning=meaning) for name in _PARTS]
    if data.limit is not None:
        if data.limit > len(found[0]):
            notes.append(f"data.limit={data.limit} keeps all of the {len(found[0]):,} training tokens.")
        found[0] = Stored(kept.folder, kept.arrays["train"], np.int32, data.limit, meaning)
    for name, stream in zip(("training", "validation", "test"), found, strict=True):
        streams.check_length(stream, name, data)
    spec = Spec(kind="tokens", shape=(data.sequence_length,), target="tokens", classes=len(vocabulary))
    train, valid, test = map(Split, found)
    said = json.dumps(vocabulary.to_dict())
    about = manifest.noted(
        kept, [len(vocabulary), len(train)], lambda: {"digest": hashes.digest([train, valid, test], said)}
    )
    return Splits(data.name, spec, train, valid, test, vocabulary, about["digest"], raw.source, (*raw.notes, *notes))


class _Preparation:
    """Cuts texts into tokens, numbers them by frequency, and writes them into shards."""

    def __init__(self, folder: Path, raw: Texts, data: Data):
        self._folder, self._raw, self._data = folder, raw, data
        self._ids: dict[str, int] = {}  # by first appearance
        self._said = time.monotonic()

    def made(self) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
        raw, level = self._raw, self._data.level
        log.info(f"{self._data.name}: cutting the text into shards, once. They are kept in {self._folder.parent}.")
        tokenized = level == "word" and any(map(is_tokenized, pieces(raw.train, _PIECE)))
        texts = [text for text in (raw.train, raw.valid, raw.test) if text is not None]
        files = [self._folder / f"{index}.ids" for index in range(len(texts))]
        sizes = [self._number(text, file, tokenized=tokenized) for text, file in zip(texts, files, strict=True)]
        if len(files) == 1:
            cuts = np.cumsum([0, *map(len, streams.hold_out(range(sizes[0]), raw.held_out))]).tolist()
            spans = [(files[0], cuts[index], cuts[index + 1]) for index in range(3)]
        else:
            spans = [(file, 0, size) for file, size in zip(files, sizes, strict=True)]

        counts = [self._counts(*span) for span in spans]
        words = np.array(list(self._ids), dtype=object)
        unk = level == "word" or bool(((counts[1] + counts[2] > 0) & (counts[0] == 0)).any())
        vocabulary = Vocabulary.counted(
            dict(zip(words[counts[0] > 0], counts[0][counts[0] > 0].tolist(), strict=True)),
            level,
            tokenized=tokenized,
            unk=unk,
        )
        new = np.array([vocabulary.ids.get(word, vocabulary.unk or 0) for word in words], np.int64)
        dtype = np.dtype(np.uint16 if len(vocabulary) <= 2**16 else np.int32)
        arrays = {}
        for name, span in zip(_PARTS, spans, strict=True):
            writer = shards.Writer(self._folder, name, dtype)
            for ids in _read(*span):
                writer.write(new[ids])
                self._say(name)
            arrays[name] = writer.close()
        for file in files:
            file.unlink()
        return arrays, {"vocabulary": vocabulary.to_dict()}

    def _number(self, text: str | TextFile, file: Path, *, tokenized: bool) -> int:
        """Write the ids of a text's tokens into a file, int32 by first appearance, and return how many there are."""
        count, level = 0, self._data.level
        numbers = _Numbers(self._ids, tokenized=tokenized)
        with file.open("wb") as out:
            for piece in streams.complete(pieces(text, _PIECE), level):
                found = _numbered(piece, self._ids) if level == "char" else numbers.of(piece)
                out.write(found.tobytes())
                count += len(found)
                self._say(f"{count:,} tokens")
        return count

    def _counts(self, file: Path, first: int, last: int) -> np.ndarray:
        counts = np.zeros(len(self._ids), np.int64)
        for ids in _read(file, first, last):
            counts += np.bincount(ids, minlength=len(counts))
        return counts

    def _say(self, what: str) -> None:
        if time.monotonic() - self._said > _SAID:
            self._said = time.monotonic()
            log.info(f"{self._data.name}: {what} so far.")


class _Numbers(dict[str, list[int]]):
    """The ids of the tokens in each piece of text between white space. Pieces repeat, so each is cut once."""

    MOST = 2**20  # pieces to remember

    def __init__(self, ids: dict[str, int], *, tokenized: bool):
        super().__init__()
        self._ids, self._tokenized = ids, tokenized

    def __missing__(self, piece: str) -> list[int]:
        ids = self._ids
        tokens = [piece] if self._tokenized else tokens_of(piece)
        found = self[piece] = [ids.setdefault(token, len(ids)) for token in tokens]
        return found

    def of(self, text: str) -> np.ndarray:
        """Return the ids of the tokens of a text, int32."""
        if len(self) > self.MOST:
            self.clear()
        return np.fromiter(chain.from_iterable(map(self.__getitem__, pieces_of(text))), np.int32)


def _numbered(text: str, ids: dict[str, int]) -> np.ndarray:
    """Return the ids of the characters of a text, int32."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    found, first, inverse = np.unique(points, return_index=True, return_inverse=True)
    numbers = np.zeros(len(found), np.int32)
    for index in np.argsort(first):
        numbers[index] = ids.setdefault(chr(found[index]), len(ids))
    return numbers[inverse]


def _read(file: Path, first: int, last: int) -> Iterator[np.ndarray]:
    """Yield the ids from one place of a file to another, some at a time."""
    with file.open("rb") as source:
        source.seek(4 * first)
        for start in range(first, last, _IDS):
            yield np.fromfile(source, np.int32, min(_IDS, last - start))


def _lookup(everything: Vocabulary, vocabulary: Vocabulary) -> np.ndarray | None:
    """Return the id in a vocabulary of each token of the whole one, or None where all are the same."""
    if vocabulary is everything:
        return None
    unknown = vocabulary.unk or 0
    return np.array([vocabulary.ids.get(token, unknown) for token in everything.tokens], np.int32)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
