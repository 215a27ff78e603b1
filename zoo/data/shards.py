"""Arrays in files, read by index: ArrayRecord shards, a record a few rows.

What is read takes memory; what lies in the files takes none.
"""

import contextlib
import hashlib
import os
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from zoo.config import BadInput
from zoo.data import memory

# Reading a record takes some microseconds, whatever its size up to a page.
_RECORD = 4096  # bytes, of rows that are read several at a time
_RECORD_OF_ROWS = 512  # of rows that are read one by one: what is read beside the one that was asked for is in vain
_SHARD = 2**28  # bytes
_OPTIONS = "group_size:1,uncompressed"  # each record can be read by itself


def library() -> Any:
    """Return the module that reads and writes ArrayRecord files.

    Raises:
        BadInput: It is not installed.
    """
    try:
        from array_record.python import array_record_module
    except ImportError as error:
        raise BadInput(
            f"data.streaming=true needs the package array-record, which is published for Linux ({error}). "
            "Leave it out: the data is then read into memory."
        ) from None
    return array_record_module


@contextlib.contextmanager
def _failures() -> Iterator[None]:
    """Say what the library can't write as Python says it.

    Raises:
        OSError: As the library tells it.
    """
    try:
        yield
    except RuntimeError as error:
        raise OSError(str(error).partition(";")[0]) from None


class Writer:
    """Writes the rows of one array into shards, one after another.

    Args:
        folder: For the shards.
        name: Of the array; the files' names begin with it.
        dtype: Of the rows, as they lie in the files.
        shape: Of one row; rows that are no numbers alone are read one by one.
    """

    def __init__(self, folder: Path, name: str, dtype: np.dtype, shape: tuple[int, ...] = ()):
        self._folder, self._name, self._dtype, self._shape = folder, name, np.dtype(dtype), shape
        size = max(1, self._dtype.itemsize * int(np.prod(shape, dtype=int)))
        self._in_record = max(1, (_RECORD_OF_ROWS if shape else _RECORD) // size)
        self._in_shard = max(1, _SHARD // (size * self._in_record))  # records
        self._rest = np.zeros((0, *shape), self._dtype)
        self._rows = self._records = 0
        self._shards: list[dict[str, Any]] = []
        self._open: Any = None

    def write(self, rows: np.ndarray) -> None:
        """Append rows."""
        self._rows += len(rows)
        rows = np.concatenate([self._rest, rows.astype(self._dtype)])
        whole = len(rows) // self._in_record * self._in_record
        for first in range(0, whole, self._in_record):
            self._record(rows[first : first + self._in_record])
        self._rest = rows[whole:]

    def close(self) -> dict[str, Any]:
        """Write what is left, and return what the manifest says of the array."""
        if len(self._rest):
            padded = np.zeros((self._in_record, *self._shape), self._dtype)
            padded[: len(self._rest)] = self._rest
            self._record(padded)
        self._close_shard()
        return {
            "rows": self._rows,
            "dtype": self._dtype.str,
            "shape": self._shape,
            "in_record": self._in_record,
            "in_shard": self._in_shard,
            "shards": self._shards,
        }

    def _record(self, rows: np.ndarray) -> None:
        if self._open is None:
            name = f"{self._name}-{len(self._shards):05d}.array_record"
            with _failures():
                self._open = library().ArrayRecordWriter(str(self._folder / name), _OPTIONS)
            self._shards.append({"file": name})
        with _failures():
            self._open.write(rows.tobytes())
        self._records += 1
        if self._records == self._in_shard:
            self._close_shard()

    def _close_shard(self) -> None:
        if self._open is None:
            return
        with _failures():
            self._open.close()
        path = self._folder / self._shards[-1]["file"]
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        self._shards[-1] |= {"bytes": path.stat().st_size, "sha256": found}
        self._open, self._records = None, 0


class Stored:
    """An array that lies in shards: its rows are read when they are asked for.

    Args:
        folder: Of the shards.
        entry: What the manifest says of the array.
        dtype: Of the values that are given out; as they lie in the files if left out.
        rows: How many of them there are for whoever asks; all of them if left out.
        meaning: Makes of values in the files those that are given out; the values themselves if left out.
    """

    def __init__(
        self,
        folder: Path,
        entry: Mapping[str, Any],
        dtype: Any = None,
        rows: int | None = None,
        meaning: Callable[[np.ndarray], np.ndarray] | None = None,
    ):
        self._folder, self._entry, self._meaning = folder, entry, meaning
        self._kept = np.dtype(entry["dtype"])
        self.dtype = np.dtype(dtype or self._kept)
        self.shape = (min(entry["rows"], rows or entry["rows"]), *entry["shape"])
        self._readers: dict[int, Any] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return int(np.prod(self.shape))

    @property
    def nbytes(self) -> int:
        """How many bytes of memory it takes: none to speak of."""
        return 0

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return some rows, in their order, [n, ...]."""
        records, inverse = np.unique(rows // self._entry["in_record"], return_inverse=True)
        read = self._read(records)
        return self._given(read[inverse * self._entry["in_record"] + rows % self._entry["in_record"]])

    def pieces(self, starts: np.ndarray, length: int) -> np.ndarray:
        """Return as many pieces as there are starts, of so many rows each, [n, length, ...]."""
        if not len(starts):
            return np.zeros((0, length, *self.shape[1:]), self.dtype)
        in_record = self._entry["in_record"]
        first, last = starts // in_record, (starts + length - 1) // in_record
        most = int((last - first).max()) + 1
        records = np.unique(np.minimum(first[:, None] + np.arange(most), last[:, None]))
        read = self._read(records)
        at = starts[:, None] + np.arange(length)
        found = np.searchsorted(records, at // in_record)
        return self._given(read[found * in_record + at % in_record])

    def __getitem__(self, key: slice | np.ndarray) -> np.ndarray:
        if not isinstance(key, slice):
            return self.take(key)
        first, last, step = key.indices(len(self))
        if step != 1 or last <= first:
            return self.take(np.arange(first, last, step))
        in_record = self._entry["in_record"]
        record = first // in_record
        read = self._read(np.arange(record, (last - 1) // in_record + 1))
        return self._given(read[first - record * in_record : last - record * in_record])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        memory.check(self.size * self.dtype.itemsize, f"All of {self._folder}")
        return np.asarray(self[:], dtype)

    def missing(self) -> str | None:
        """Return in words which shard is not there as it was written, or None."""
        for shard in self._entry["shards"]:
            path = self._folder / shard["file"]
            if not path.is_file():
                return f"{path} is missing"
            if (size := path.stat().st_size) != shard["bytes"]:
                return f"{path} has {size:,} bytes instead of {shard['bytes']:,}"
        return None

    def _given(self, values: np.ndarray) -> np.ndarray:
        return (values if self._meaning is None else self._meaning(values)).astype(self.dtype, copy=False)

    def _read(self, records: np.ndarray) -> np.ndarray:
        """Return the rows of some records, numbered through all shards and ascending."""
        parts = []
        shards, in_shard = records // self._entry["in_shard"], self._entry["in_shard"]
        with self._lock:
            for shard in np.unique(shards).tolist():
                own = records[shards == shard] - shard * in_shard
                try:
                    parts += self._reader(shard).read(own.tolist())
                except RuntimeError as error:
                    file, reason = self._entry["shards"][shard]["file"], re.split(r",|;| \(", str(error))[0]
                    raise BadInput(
                        f"Of the data in shards, {self._folder / file} is damaged ({reason}). Remove {self._folder}: "
                        "it is written anew when it is needed."
                    ) from None
        return np.frombuffer(b"".join(parts), self._kept).reshape(-1, *self._entry["shape"])

    def _reader(self, shard: int) -> Any:
        if shard not in self._readers:
            path = str(self._folder / self._entry["shards"][shard]["file"])
            self._readers[shard] = library().ArrayRecordReader(path, "readahead_buffer_size:0,max_parallelism:0")
        return self._readers[shard]


def written(folder: Path, name: str, portions: Iterable[np.ndarray]) -> dict[str, Any]:
    """Write an array that comes in portions, one at least, and return what the manifest says of it."""
    writer = None
    for rows in portions:
        writer = writer or Writer(folder, name, rows.dtype, rows.shape[1:])
        writer.write(rows)
    assert writer is not None
    return writer.close()
