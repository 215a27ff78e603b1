"""Text files, read whole or a few megabytes at a time."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.config import BadInput
from zoo.data import files

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

    def mark(self) -> list[object]:
        """Return what tells this file from another, or from itself after a change.

        Raises:
            BadInput: It is missing, not a file, or empty.
        """
        with files.opened(self.path, self.what, _EXPECTED) as file:
            found = os.fstat(file.fileno())
        if not found.st_size:
            raise _empty(self.what)
        return [str(self.path.expanduser().resolve()), found.st_size, found.st_mtime_ns]

    def pieces(self, size: int) -> Iterator[str]:
        """Yield the text about so many bytes at a time, cut behind white space as long as there is any.

        Raises:
            BadInput: It is empty, or not text.
        """
        with files.opened(self.path, self.what, _EXPECTED) as file:
            rest, done, blank = b"", 0, True
            while block := file.read(size):
                rest += block
                end = 1 + max(rest.rfind(b"\n"), rest.rfind(b" ")) or _character(rest, 8 * size)
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
