"""Text files, read whole or a few megabytes at a time."""

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.config import BadInput
from zoo.data import cache, files

_EXPECTED = "a UTF-8 text file"


@dataclass(frozen=True)
class TextFile:
    """A UTF-8 text file.

    Attributes:
        path: Where it is; `~` stands for the home folder.
        what: How an error calls it, such as `data.train=corpus.txt`.
    """

    path: Path
    what: str

    def digest(self, known: Path) -> str:
        """Return the SHA-256 of the file's bytes, in hex; they are read once as long as its size and time stay.

        Args:
            known: The folder where it is kept.

        Raises:
            BadInput: It is missing, not a file, or empty.
        """
        with files.opened(self.path, self.what, _EXPECTED) as file:
            now = os.fstat(file.fileno())
            if not now.st_size:
                raise _empty(self.what)
            mark = json.dumps([str(self.path.expanduser().resolve()), now.st_size, now.st_mtime_ns])
            kept = known / f"{hashlib.sha256(mark.encode()).hexdigest()[:16]}.sha256"
            with contextlib.suppress(OSError, UnicodeDecodeError):
                if re.fullmatch("[0-9a-f]{64}", found := kept.read_text(encoding="ascii")):
                    return found
            found = hashlib.file_digest(file, "sha256").hexdigest()
        with contextlib.suppress(OSError):  # it may be a folder of others; then it is read again next time
            known.mkdir(parents=True, exist_ok=True)
            cache.replace(kept, found.encode())
        return found

    def pieces(self, size: int) -> Iterator[str]:
        """Yield the text about so many bytes at a time, cut behind a space, a tab or an end of line.

        Where there is none in eight times as many bytes, it is cut between any two characters.

        Raises:
            BadInput: It is empty, or not text.
        """
        with files.opened(self.path, self.what, _EXPECTED) as file:
            rest, done, blank = b"", 0, True
            while block := file.read(size):
                rest += block
                end = 1 + max(map(rest.rfind, (b"\n", b" ", b"\t"))) or _character(rest, 8 * size)
                if end:
                    piece = _decoded(rest[:end], self.what, done)
                    blank = blank and not piece.strip()
                    yield piece
                    rest, done = rest[end:], done + end
            piece = _decoded(rest, self.what, done)
            if blank and not piece.strip():
                raise _empty(self.what)
            if piece:
                yield piece

    def read(self) -> str:
        """Return all of it, lines separated by a newline.

        Raises:
            BadInput: It is missing, not a file, not readable, larger than the free memory, empty, or not text.
        """
        return decoded(files.content(self.path, self.what, _EXPECTED), self.what)


def pieces(text: str | TextFile, size: int) -> Iterator[str]:
    """Yield a text some characters at a time, each piece but the last up to the end of a line, if it has one."""
    if isinstance(text, TextFile):
        yield from text.pieces(size)
        return
    first = 0
    while first < len(text):
        last = text.find("\n", first + size) + 1 or len(text)
        yield text[first:last]
        first = last


def decoded(content: bytes, what: str) -> str:
    """Return the text in UTF-8 bytes, with a newline for whatever separates its lines.

    Raises:
        BadInput: It is empty, or not text.
    """
    text = _decoded(content, what)
    if not text.strip():
        raise _empty(what)
    return text


def _decoded(content: bytes, what: str, first: int = 0) -> str:
    """Return the text in bytes that are the file's from the first of them on."""
    try:
        text = content.decode("utf-8" if first else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{what} should be a UTF-8 text file, but its byte {first + error.start:,} is not UTF-8: it is a binary "
            "file, or text in another encoding. Convert the latter, such as by: iconv -f LATIN1 -t UTF-8."
        ) from None
    if "\0" in text:
        raise BadInput(f"{what} should be a UTF-8 text file, but holds NUL bytes: it is a binary file.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _empty(what: str) -> BadInput:
    return BadInput(f"{what} is empty. Expected text.")


def _character(content: bytes, most: int) -> int:
    """Return where the last character of bytes begins if there are more of them than that, else 0."""
    if len(content) <= most:
        return 0
    return next(at for at in range(len(content) - 1, 0, -1) if content[at] & 0xC0 != 0x80)
