"""Processes that train one model together, on loopback."""

import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

TRAIN = str(Path(__file__).parents[3] / "train.py")
ENOUGH = 300  # seconds for a process to end


@dataclass
class Group:
    """Processes of strategy=multiworker, the chief first, and what they print."""

    words: tuple[str, ...]
    count: int = 2
    processes: list[subprocess.Popen[str]] = field(default_factory=list)
    program: str = TRAIN

    def __enter__(self) -> Self:
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(self.count)]
        addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
        for one in sockets:
            one.close()
        for index in range(self.count):
            task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            words = ("strategy=multiworker", *self.words_of(index))
            started_one = started(
                *words, program=self.program, folder=self.folder_of(index), TF_CONFIG=json.dumps(task)
            )
            self.processes.append(started_one)
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()

    def words_of(self, index: int) -> tuple[str, ...]:
        """Return the words that a process gets: all the same."""
        return self.words

    def folder_of(self, index: int) -> Path | None:
        """Return the folder that a process is started in; None: the current one."""
        return None

    def until(self, pattern: str) -> None:
        """Read the chief's lines until one fits a pattern."""
        seen = []
        assert self.processes[0].stdout is not None
        for line in self.processes[0].stdout:
            seen.append(line)
            if re.search(pattern, line):
                return
        raise AssertionError("".join(seen))

    def ended(self) -> tuple[list[int], list[str]]:
        """Wait for all, and return their exit codes and what they printed."""
        printed = [process.communicate(timeout=ENOUGH)[0] for process in self.processes]
        return [process.returncode for process in self.processes], printed


def started(*words: str, program: str = TRAIN, folder: Path | None = None, **environment: str) -> subprocess.Popen[str]:
    """Start `python train.py` with a thread or two, and settings of its environment."""
    return subprocess.Popen(
        [sys.executable, program, *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "2", **environment},
    )


def alone(*words: str) -> tuple[int, str]:
    """Return the exit code of `python train.py`, and what it printed."""
    with started(*words) as process:
        printed, _ = process.communicate(timeout=ENOUGH)
    return process.returncode, printed
