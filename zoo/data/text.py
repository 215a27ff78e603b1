"""Text of the user's own."""

from pathlib import Path

from zoo.config import BadInput, Data
from zoo.data.spec import Texts
from zoo.data.text_files import TextFile


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


def _text(data: Data, path: str, key: str) -> str | TextFile:
    file = TextFile(Path(path), f"data.{key}={path}")
    return file if data.streaming else file.read()
