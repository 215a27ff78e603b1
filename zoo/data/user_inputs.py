"""What the user wants a model's answer to, from a file, a folder or the command line, as the rows that it reads."""

import csv
import io
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.config import BadInput
from zoo.data import files, pictures
from zoo.data.spec import Spec
from zoo.data.text_files import TextFile, decoded

_NPY = b"\x93NUMPY"
_ZIP = b"PK\x03\x04"
_TABLES = (".csv", ".tsv", ".txt")
_SEPARATORS = (",", ";", "\t")
_NUMBERS = re.compile(r"([-+.\dE,;\s]|nan|inf(inity)?)+", re.IGNORECASE)


@dataclass(frozen=True)
class UserInputs:
    """Inputs of a model.

    Attributes:
        names: Of each: its file, or its row.
        x: float32 [n, features] or [n, time, features], scaled as the model's training data was.
        left_out: Why pictures of a folder are not among them, a sentence each.
    """

    names: list[str]
    x: np.ndarray
    left_out: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.names)


def read(text: str, spec: Spec, name: str) -> UserInputs:
    """Return what a word of the user's stands for.

    Args:
        text: A picture, a .npy file, a table (.csv), a folder of pictures, or numbers such as `0,1;1,1`, rows
            separated by semicolons. Numbers are in the units of the data set itself.
        spec: What the model reads: vectors or sequences.
        name: Of the data set that it was trained on.

    Raises:
        BadInput: It is none of them, is damaged, or does not fit the model.
    """
    path = there(text)
    if path is None:
        if not _NUMBERS.fullmatch(text.strip()):
            raise BadInput(f"There is no file '{text}'. Expected input=... to be {_expected(spec)}.")
        lines = [line for line in text.split(";") if line.strip()]
        cells = [line.replace(",", " ").split() for line in lines]
        return _of_numbers(_numbers(cells, f"input={text}"), spec, f"input={text}", text)
    if path.is_dir():
        return _of_folder(path, spec, name)
    what = f"input={text}"
    if spec.image_shape is None and path.suffix.lower() in pictures.SUFFIXES:
        raise BadInput(f"{what} is a picture, but the model reads none. Expected {_expected(spec)}.")
    content = files.content(path, what, _expected(spec))
    if content.startswith(_NPY):
        return _of_numbers(_array(content, what), spec, what, path.name)
    if content.startswith(_ZIP):
        raise BadInput(f"{what} is an archive, as .npz files are. Expected {_expected(spec)}.")
    if spec.image_shape is not None and path.suffix.lower() not in _TABLES:
        try:
            return _of_pictures({path: pictures.read(path, spec.image_shape, name)}, spec)
        except BadInput as error:
            if path.suffix.lower() in pictures.SUFFIXES:
                raise
            raise BadInput(f"{error} Expected {_expected(spec)}.") from None
    return _of_numbers(_table(content, what), spec, what, path.name)


def words(text: str) -> str:
    """Return the text that a word of the user's stands for: that of a file, or the words themselves.

    The newline that ends a file's last line is left out, so that a file says the same as its words do.

    Raises:
        BadInput: The file is not there or not text.
    """
    path = there(text)
    if path is not None and path.suffix.lower() in pictures.SUFFIXES:
        raise BadInput(f"input={text} is a picture, but the model reads words. Expected a text file, or the words.")
    if path is not None:
        return TextFile(path, f"input={text}").read().removesuffix("\n")
    if re.fullmatch(r"\S*[/\\]\S*|\S+\.(txt|md|npy|csv|png)", text):
        raise BadInput(f"There is no file '{text}'. Expected input=... to be a text file, or the words themselves.")
    return text


def there(text: str) -> Path | None:
    """Return the path that a text names if there is something, such as a file, a folder, or a link to nowhere."""
    try:
        path = Path(text).expanduser()
        return path if os.path.lexists(path) else None
    except (ValueError, RuntimeError):  # ~somebody, or a NUL in it
        return None


def _expected(spec: Spec) -> str:
    numbers = f"{math.prod(spec.shape):,} numbers"
    if spec.image_shape is None:
        return f"a .csv or .npy file with {numbers} a row, or the numbers themselves, such as input=0,1"
    return f"a picture, a folder of pictures, or a .csv or .npy file with {numbers} a row"


def _of_folder(folder: Path, spec: Spec, name: str) -> UserInputs:
    if spec.image_shape is None:
        raise BadInput(f"input={folder} is a folder, but the model reads no pictures. Expected {_expected(spec)}.")
    try:
        found = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise BadInput(f"input={folder} cannot be read: {os.strerror(error.errno or 0).lower()}.") from None
    chosen = [path for path in found if path.suffix.lower() in pictures.SUFFIXES]
    if not chosen:
        others = f"holds {len(found):,} other file{'' if len(found) == 1 else 's'}" if found else "is empty"
        raise BadInput(f"input={folder} holds no picture ({', '.join(pictures.SUFFIXES)}). It {others}.")
    shown: dict[Path, np.ndarray] = {}
    left_out: list[str] = []
    for path in chosen:
        try:
            shown[path] = pictures.read(path, spec.image_shape, name)
        except BadInput as error:
            left_out.append(str(error))
    if not shown:
        raise BadInput(f"No picture in input={folder} can be read. {left_out[0]}")
    return _of_pictures(shown, spec, left_out)


def _of_pictures(shown: Mapping[Path, np.ndarray], spec: Spec, left_out: Sequence[str] = ()) -> UserInputs:
    low, high = spec.scaling.value_range or (0.0, 1.0)
    rows = np.stack([picture.ravel() for picture in shown.values()])
    return UserInputs([path.name for path in shown], spec.scaling(low + (high - low) * rows), left_out)


def _of_numbers(values: np.ndarray, spec: Spec, what: str, name: str) -> UserInputs:
    """Return rows of raw numbers, scaled."""
    count = math.prod(spec.shape)
    forms = [spec.shape, (count,), *([spec.image_shape] if spec.image_shape else [])]
    if values.shape in forms:
        values = values[None]
    if not values.size:
        raise BadInput(f"{what} holds no numbers. Expected {_expected(spec)}.")
    if values.shape[1:] not in forms:
        columns = f"{values.shape[-1]:,} in a row" if values.ndim == 2 else f"an array of shape {list(values.shape)}"
        label = " Is one of them the label? Leave it out." if values.shape[-1:] == (count + 1,) else ""
        raise BadInput(
            f"{what} should hold {count:,} numbers in a row, as the model reads. Received: {columns}.{label}"
        )
    rows = values.reshape(len(values), *spec.shape)
    with np.errstate(over="ignore"):
        x = spec.scaling(rows)
    if not np.isfinite(x).all():
        place = int(np.flatnonzero(~np.isfinite(x.reshape(len(x), -1)).all(axis=1))[0]) + 1
        raise BadInput(
            f"{what} should hold finite numbers. Row {place:,} holds one that is NaN, infinite or too large."
        )
    names = [name] if len(x) == 1 else [f"row {number:,}" for number in range(1, len(x) + 1)]
    return UserInputs(names, x)


def _array(content: bytes, what: str) -> np.ndarray:
    """Return the numbers in a .npy file; pickled objects are never unpickled."""
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = header(stream)
        if dtype.kind not in "buif":
            raise ValueError("it holds no numbers, but objects" if dtype.hasobject else f"it holds {dtype}")
        if math.prod(shape) * dtype.itemsize > len(content):  # before room is made for what it claims
            raise ValueError("it is cut off")
        stream.seek(0)
        return np.lib.format.read_array(stream, allow_pickle=False)
    except Exception as error:  # NumPy's header parser passes on what ast and tokenize raise
        raise BadInput(f"{what} cannot be read as a .npy file: {str(error).rstrip('.')}. Expected numbers.") from None


def _table(content: bytes, what: str) -> np.ndarray:
    """Return the numbers in a table, float64 [rows, columns]; a first line of words is its header."""
    if not content.strip():
        raise BadInput(f"{what} is empty. Expected a row of numbers.")
    text = decoded(content, what)
    first = text.lstrip().partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    try:
        if first.count(separator):
            rows = [row for row in csv.reader(io.StringIO(text), delimiter=separator) if any(map(str.strip, row))]
        else:
            rows = [line.split() for line in text.splitlines() if line.strip()]
    except csv.Error as error:
        raise BadInput(f"{what} cannot be read as a table: {error}.") from None
    if not any(map(_is_number, rows[0])):
        rows = rows[1:]
    if not rows:
        raise BadInput(f"{what} holds a header and no row below it. Expected a row of numbers.")
    return _numbers(rows, what)


def _numbers(rows: Sequence[Sequence[str]], what: str) -> np.ndarray:
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows[0]):
            raise BadInput(
                f"{what} should have rows of equal length. Received: {len(rows[0]):,} numbers in row 1 and "
                f"{len(row):,} in row {number:,}."
            )
        for column, cell in enumerate(row, start=1):
            if not _is_number(cell):
                raise BadInput(
                    f"{what} should hold numbers. Received: '{cell.strip()[:40]}' in row {number:,}, column {column:,}."
                )
    return np.array([[float(cell) for cell in row] for row in rows], np.float64)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
