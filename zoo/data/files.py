"""Files of the user's, read whole: what is no file, does not end or does not fit into memory is refused in words."""

import contextlib
import os
import stat
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from zoo.config import BadInput
from zoo.data import memory


@contextlib.contextmanager
def opened(path: Path, what: str, expected: str) -> Iterator[BufferedReader]:
    """Open a file to be read; as `content`, but for its size.

    Raises:
        BadInput: It is missing, not a file, or not readable.
    """
    try:
        path = path.expanduser()
        # Opening a pipe would wait for a writer for ever, and a device such as /dev/zero never ends.
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else "no regular file"
            raise BadInput(f"{what} should be {expected}, but is {kind}.")
        with path.open("rb") as file:
            yield file
    except OSError as error:
        reason = (os.strerror(error.errno) if error.errno else str(error)).lower()
        raise BadInput(f"{what} cannot be read: {reason}. Expected {expected}.") from None
    except (ValueError, RuntimeError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{what} is no file name: {error}.") from None


def content(path: Path, what: str, expected: str) -> bytes:
    """Return the bytes of a file.

    Args:
        path: Where it is; `~` stands for the home folder.
        what: How an error calls it, such as `data.train=corpus.txt`.
        expected: What it should be, such as `a UTF-8 text file`.

    Raises:
        BadInput: It is missing, not a file, not readable, or larger than the free memory.
    """
    with opened(path, what, expected) as file:
        memory.check(os.fstat(file.fileno()).st_size, what)
        return file.read()
