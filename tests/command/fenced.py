"""The command, a process for each line: forked from one that has imported what it needs, and fenced in.

A line may neither write outside of its folder, nor reach another machine, nor start a program; that it tried is told.
What is valid ends where TensorFlow would be imported: by then all that can be refused before it has been.
"""

import multiprocessing
import os
import resource
import shutil
import signal
import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ACCEPTED = 77  # the exit code of a line that gets as far as TensorFlow
SECONDS = 120  # a line that takes longer hangs
MEMORY = 8 * 2**30  # bytes of addresses
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod")
_PROGRAMS = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "pty.spawn")
_DEVICES = ("/dev/null", "/dev/tty", "/dev/full")


@dataclass(frozen=True)
class Answer:
    """What became of a line.

    Attributes:
        code: The exit code; None: it did not end.
        out: Its standard output.
        err: Its standard error.
        strayed: What it tried outside of its folder.
        left: What is there that was not before.
        runs: The status of each run in the database, the one that was there before among them.
    """

    code: int | None
    out: str
    err: str
    strayed: list[str]
    left: list[str]
    runs: list[str]


class Fenced:
    """Answers lines, each in the folder as it was at first.

    Args:
        root: May be written to.

    Attributes:
        folder: The current folder of each line, to be filled before the first; `runs.db` in it is the default store.
    """

    def __init__(self, root: Path):
        self._around, self._told, self._kept = root / "around", root / "told", root / "kept"
        self.folder = self._around / "a" / "b" / "c"  # ../../ is inside, too
        self.folder.mkdir(parents=True)
        self._told.mkdir()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["pytest", "tests.command.warmed"])

    def __call__(self, words: list[str], program: str = "train.py") -> Answer:
        """Answer one line of `python train.py`, or of `python -m zoo` if that is the program."""
        if not self._kept.exists():
            shutil.copytree(self._around, self._kept, symlinks=True)
        before = _names(self._around)
        for name in ("out", "err", "strayed"):
            (self._told / name).write_bytes(b"")
        arguments = (program, words, str(self.folder), str(self._around), str(self._told))
        process = self._context.Process(target=_serve, args=arguments)
        process.start()
        process.join(SECONDS)
        code = process.exitcode
        if code is None:
            for one in [*psutil.Process(process.pid).children(recursive=True), process]:
                one.kill()
            process.join()
        left = sorted(_names(self._around) - before)
        out, err, strayed = ((self._told / name).read_text("utf-8", "replace") for name in ("out", "err", "strayed"))
        answer = Answer(code, out, err, strayed.splitlines(), left, _runs(self.folder))
        if left or answer.runs != ["FINISHED"]:
            shutil.rmtree(self._around)
            shutil.copytree(self._kept, self._around, symlinks=True)
        return answer


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def _runs(folder: Path) -> list[str]:
    with closing(sqlite3.connect(f"{(folder / 'runs.db').as_uri()}?mode=ro", uri=True)) as database:
        return [row[0] for row in database.execute("SELECT status FROM runs")]


def _serve(program: str, words: list[str], folder: str, around: str, told: str) -> None:
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(os.path.join(told, name), os.O_WRONLY), number)
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    own = {"HOME": around, "TMPDIR": around, "MPLCONFIGDIR": around, "XDG_CACHE_HOME": around}
    os.environ |= {**own, "ZOO_DATA_DIR": f"{around}/data", "ZOO_SPOOL_DIR": f"{around}/spool", "USER": "somebody"}
    os.environ["MLFLOW_TRACKING_URI"] = "sqlite:///runs.db"
    os.environ["NO_PROXY"] = "*"
    os.environ["COLUMNS"] = "120"
    tempfile.tempdir = around
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(folder)
    sys.dont_write_bytecode = True
    from zoo import quiet, verbs
    from zoo.command import main

    def accept() -> None:
        sys.exit(ACCEPTED)

    quiet.import_tensorflow = accept
    sys.argv = [program, *words]
    _fence(around, os.open(os.path.join(told, "strayed"), os.O_WRONLY | os.O_APPEND))
    sys.exit(main.main() if program == "train.py" else verbs.main())


def _fence(around: str, strayed: int) -> None:
    inside = Path(around).resolve()

    def is_outside(path: Any) -> bool:
        if isinstance(path, int):
            return False
        text = os.fsdecode(path).removeprefix("file:").partition("?")[0]
        try:
            return text not in (":memory:", "", *_DEVICES) and not Path(os.path.realpath(text)).is_relative_to(inside)
        except ValueError:  # no file has such a name
            return False

    def watch(event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            bad = bool(args[2] & _WRITES) and is_outside(args[0])
        elif event in _CHANGES:
            bad = any(is_outside(one) for one in args[: 2 if event in ("os.rename", "os.link", "os.symlink") else 1])
        elif event == "sqlite3.connect":
            bad = "mode=ro" not in str(args[0]) and is_outside(args[0])
        elif event == "socket.getaddrinfo" or (event == "subprocess.Popen" and "pip" in args[1]):
            raise OSError("fenced in")  # data is looked for
        elif event == "subprocess.Popen":
            bad = os.path.basename(str(args[0])) != "git"
        else:
            bad = event in _PROGRAMS
        if bad:
            os.write(strayed, f"{event} {args!a}\n".encode())
            raise PermissionError(13, "fenced in")

    sys.addaudithook(watch)
