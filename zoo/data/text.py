"""The user's own text files."""

from pathlib import Path

from zoo.config import BadInput, Data
from zoo.data import files
from zoo.data.spec import Texts


def text(data: Data, folder: Path) -> Texts:
    """Read `data.train`, `data.valid` and `data.test`; or `data.train` alone, the end of which is held out.

    With one file, `data.split` is the share of its tokens that is held out, half to validate and half to test.
    """
    paths = {key: path for key in ("train", "valid", "test") if (path := getattr(data, key)) is not None}
    if len(paths) == 3:
        named = {path: key for key, path in paths.items()}  # one file may be all three, as in an evaluation
        texts = {path: read_text(Path(path), f"data.{key}={path}") for path, key in named.items()}
        train, valid, test = (texts[path] for path in paths.values())
        return Texts(train, valid, test, source=f"{'files' if len(named) > 1 else 'file'} {', '.join(named)}")
    if list(paths) != ["train"]:
        given = " ".join(f"data.{key}={path}" for key, path in paths.items()) or "none of them"
        raise BadInput(
            f"data={data.name} reads data.train, data.valid and data.test, or data.train alone, the end of which is "
            f"held out. Received: {given}."
        )
    path = paths["train"]
    return Texts(read_text(Path(path), f"data.train={path}"), held_out=data.split, source=f"file {path}")


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
    return decoded(files.content(path, what, "a UTF-8 text file"), what)


def decoded(content: bytes, what: str) -> str:
    """Return the text in UTF-8 bytes, with a newline for whatever separates its lines.

    Raises:
        BadInput: It is empty, or not text.
    """
    try:
        characters = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(
            f"{what} should be a UTF-8 text file, but its byte {error.start:,} is not UTF-8: it is a binary file, or "
            "text in another encoding. Convert the latter, such as by: iconv -f LATIN1 -t UTF-8."
        ) from None
    if "\0" in characters:
        raise BadInput(f"{what} should be a UTF-8 text file, but holds NUL bytes: it is a binary file.")
    if not characters.strip():
        raise BadInput(f"{what} is empty. Expected text.")
    return characters.replace("\r\n", "\n").replace("\r", "\n")
