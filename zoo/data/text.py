"""The user's own text files."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.config import BadInput, Data
from zoo.data import files
from zoo.data.spec import Texts

_EXPECTED = "a UTF-8 text file"


def text(data: Data, folder: Path) -> Texts:
    """Read `data.train`, `data.valid` and `data.test`; or `data.train` alone, the end of which is held out.

    With one file, `data.split` is the share of its tokens that is held out, half to validate and half to test.
    """
    paths = {key: path for key in ("train", "valid", "test") if (path := getattr(data, key)) is not None}
    if len(paths) == 3:
        named = {path: key for key, path in paths.items()}  # one file may be all three, as in an evaluation
        texts = {path: _text(data, path, key) for path, key in named.items()}
        train, valid, test = (texts[path] for path in paths.values())
        return Texts(train, valid, test, source=f"{'files' if len(named) > 1 else 'file'} {', '.join(named)}")
    if list(paths) != ["train"]:
        given = " ".join(f"data.{key}={path}" for key, path in paths.items()) or "none of them"
        raise BadInput(
            f"data={data.name} reads data.train, data.valid and data.test, or data.train alone, the end of which is "
            f"held out. Received: {given}."
        )
    path = paths["train"]
    return Texts(_text(data, path, "train"), held_out=data.split, source=f"file {path}")


def _text(data: Data, path: str, key: str) -> "str | TextFile":
    file = TextFile(Path(path), f"data.{key}={path}")
    return file if data.streaming else file.read()


@dataclass(frozen=True)
class TextFile:
    """A text file that is too large to be read whole.

    Attributes:
        path: Where it is.
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
        """Return all of it; see `read_text`."""
        return read_text(self.path, self.what)


def read_text(path: Path, what: str) -> str:
    """Read a UTF-8 text file.

    Args:
        path: Where it is; `~` stands for the home folder.
        what: How an error calls it, such as `data.train=corpus.txt`.

    Returns:
        Its text, lines separated by a newline.

    Raises:
        BadInput: It is missing, not a file, not readable, larger than the free memory, empty, or not text.
    """
    return decoded(files.content(path, what, _EXPECTED), what)


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
