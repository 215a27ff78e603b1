"""What becomes of files: cut short, mixed up, made by other programs, or by somebody who means harm."""

import contextlib
import gzip
import io
import os
import signal
import socket
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from zoo.config import BadInput

MANY = 20_000_000  # bytes that a small file can stand for


def _cut(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(max(1, len(content)))]


def _beheaded(content: bytes, random: Random) -> bytes:
    return content[random.randrange(1, 2 + len(content) // 2) :]


def _flipped(bits: int) -> Callable[[bytes, Random], bytes]:
    def flip(content: bytes, random: Random) -> bytes:
        changed = bytearray(content)
        for _ in range(bits):
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
        return bytes(changed)

    return flip


def _a_part(make: Callable[[bytes, Random], bytes]) -> Callable[[bytes, Random], bytes]:
    def change(content: bytes, random: Random) -> bytes:
        first, last = sorted(random.randrange(len(content) + 1) for _ in range(2))
        return content[:first] + make(content[first:last], random) + content[last:]

    return change


def _magic(content: bytes, random: Random) -> bytes:
    return random.randbytes(4) + content[4:]


def _pickled(content: bytes, random: Random) -> bytes:
    file = io.BytesIO()
    np.savez(file, x=np.array([{"a": 1}], object), allow_pickle=True)
    return file.getvalue()


def _bomb(content: bytes, random: Random) -> bytes:
    return gzip.compress(bytes(MANY), 9, mtime=0)


CONTENTS: dict[str, Callable[[bytes, Random], bytes]] = {
    "as it was": lambda content, random: content,
    "empty": lambda content, random: b"",
    "one byte": lambda content, random: random.randbytes(1),
    "cut short": _cut,
    "one byte too short": lambda content, random: content[:-1],
    "one byte too long": lambda content, random: content + random.randbytes(1),
    "without its beginning": _beheaded,
    "another magic": _magic,
    "a flipped bit": _flipped(1),
    "twenty flipped bits": _flipped(20),
    "zeros in it": _a_part(lambda part, random: bytes(len(part))),
    "noise in it": _a_part(lambda part, random: random.randbytes(len(part))),
    "a part twice": _a_part(lambda part, random: part * 2),
    "a part backwards": _a_part(lambda part, random: part[::-1]),
    "invalid UTF-8 in it": _a_part(lambda part, random: part + b"\xc3\x28\xff\xed\xa0\x80"),
    "NUL in it": _a_part(lambda part, random: part + b"\0"),
    "twice": lambda content, random: content * 2,
    "noise": lambda content, random: random.randbytes(len(content)),
    "UTF-16": lambda content, random: content.decode("latin-1").encode("utf-16"),
    "compressed": lambda content, random: gzip.compress(content, mtime=0),
    "a gigantic line": lambda content, random: b"a" * 3_000_000,
    "nested deeply": lambda content, random: b"[" * 200_000,
    "a gigantic number": lambda content, random: b"9" * 100_000,
    "other JSON": lambda content, random: random.choice([b"[]", b"{}", b"null", b"3", b'"text"', b"NaN", b"[[1]]"]),
    "a pickle": _pickled,
    "a web page": lambda content, random: b"<!doctype html><html><title>404 Not Found</title></html>\n" * 20,
    "a bomb": _bomb,
    "half a bomb": lambda content, random: _bomb(content, random)[:-2000],
    "zlib": lambda content, random: zlib.compress(content),
}


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may have 107 characters
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


PLACES: dict[str, Callable[[Path], None]] = {
    "nothing": lambda path: None,
    "a folder": lambda path: path.mkdir(),
    "a link to itself": lambda path: path.symlink_to(path),
    "a link to nothing": lambda path: path.symlink_to(path.with_name("nothing")),
    "a pipe": os.mkfifo,
    "a socket": _socket,
    "a device without an end": lambda path: path.symlink_to("/dev/zero"),
}
SEEDS = range(2)
SECONDS = 20  # a test that takes longer hangs
_CASES = [(kind, seed) for kind in (*CONTENTS, *PLACES) for seed in SEEDS]
damaged = pytest.mark.parametrize("how", _CASES, ids=[f"{kind}-{seed}" for kind, seed in _CASES])
"""Gives a test `how`: a kind of damage, and a number that draws where."""


def damage(path: Path, kind: str, seed: int) -> bytes | None:
    """Damage a file, and return what it holds then; None: it is no file any more."""
    random = Random(f"{kind} {seed}")
    content = path.read_bytes()
    path.unlink()
    if kind in PLACES:
        PLACES[kind](path)
        return None
    path.write_bytes(CONTENTS[kind](content, random))
    return path.read_bytes()


@contextlib.contextmanager
def in_good_time() -> Iterator[None]:
    """End a test that hangs, such as one that reads a pipe."""

    def fail(*_: Any) -> None:
        pytest.fail("It hangs.")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(read: Callable[[], Any], is_right: Callable[[Any], bool], record: Callable[[str, str], None]) -> bool:
    """Read what may be damaged, and tell whether it was refused; what is read has to be right."""
    try:
        found = read()
    except BadInput:
        record("outcome", "refused")
        return True
    assert is_right(found)
    record("outcome", "read")
    return False
