"""Running peers: each job in a fresh process with a terminal of its own, one at a time, in the order they are given."""

import contextlib
import errno
import fcntl
import importlib.util
import json
import math
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from zoo.config import BadInput
from zoo.tracking.hosting.postgres import Postgres

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 1800  # after which a process has failed
# Each library keeps its default threads, and no setting of the caller's reaches one and not the other.
_NOT_PASSED_ON = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "XLA_FLAGS")


@dataclass(frozen=True)
class Job:
    """One piece of work for one peer.

    Attributes:
        key: What the caller knows it by.
        peer: A module of benchmarks/peers; or `command`, an outside command that is timed as a whole.
        spec: What the peer is given, as JSON; for a command: `words`.
    """

    key: tuple[Any, ...]
    peer: str
    spec: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Shown:
    """What a process showed on its terminal, how long it took, how many cores others kept busy, and its memory."""

    text: str
    seconds: float
    others_cores: float
    peak_mb: float = math.nan


class Failed(Exception):
    """A peer ended without a result; the message says how."""


def run(jobs: Sequence[Job], folder: Path) -> list[dict[str, Any]]:
    """Run jobs in one process, and return what each has measured.

    Args:
        jobs: Usually one; a `command` comes alone.
        folder: Where peers run and leave their files.

    Raises:
        Failed: The process ended with an error, or took too long.
    """
    if jobs[0].peer == "command":
        return [_run_command(jobs[0], folder)]
    with tempfile.NamedTemporaryFile("w", suffix=".json", dir=folder, delete=False) as file:
        json.dump([{"peer": job.peer, "spec": job.spec} for job in jobs], file)
    name = jobs[0].key[1] if len(jobs) == 1 else f"one of {', '.join(dict.fromkeys(job.key[1] for job in jobs))}"
    shown = _in_terminal(name, [sys.executable, "-m", "benchmarks.peers", file.name], ROOT, folder)
    lines = [line for line in shown.text.splitlines() if line.startswith('{"peer"')]
    if len(lines) != len(jobs):
        raise Failed(f"{name} ended without a result.")
    return [{**json.loads(line), "others_cores": shown.others_cores} for line in lines]


def run_together(jobs: Sequence[Job], folder: Path, processes: int = 2) -> Iterator[tuple[Job, dict[str, Any] | str]]:
    """Run many small jobs in few processes, one for each library, some at a time: for sizes whose times say nothing.

    Yields:
        Each job with what it measured, or with a sentence on why there is nothing.
    """
    groups: dict[str, list[Job]] = {}
    for job in jobs:
        group = {"torch_loop": "torch", "command": str(job.key)}.get(job.peer, job.peer.partition("_")[0])
        groups.setdefault(group, []).append(job)

    def attempt(group: list[Job]) -> list[tuple[Job, dict[str, Any] | str]]:
        try:
            return list(zip(group, run(group, folder), strict=True))
        except Failed as error:
            return [(job, str(error)) for job in group]

    with ThreadPoolExecutor(processes) as pool:
        for done in pool.map(attempt, groups.values()):
            yield from done


def missing(need: str) -> str | None:
    """Return why a peer can't take part on this machine, or None.

    Args:
        need: `torch`, `bfloat16` (matrix products in bfloat16 by the processor), `postgresql`, or nothing.
    """
    if need == "torch" and importlib.util.find_spec("torch") is None:
        return "PyTorch is not installed: pip install 'keras-model-zoo[bench]'"
    if need == "bfloat16" and not {"avx512_bf16", "amx_bf16"} & set(_cpu_flags()):
        return "the processor has neither AMX nor AVX512-BF16"
    if need == "postgresql":
        try:
            Postgres(Path(tempfile.gettempdir()))
        except BadInput as error:
            return str(error)
    return None


def _cpu_flags() -> list[str]:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("flags"):
                return line.split()
    return []


def _run_command(job: Job, folder: Path) -> dict[str, Any]:
    shown = _in_terminal(job.key[1], [sys.executable, *job.spec["words"]], folder, folder)
    return {"command_seconds": shown.seconds, "peak_mb": shown.peak_mb, "others_cores": shown.others_cores}


def _in_terminal(name: str, command: list[str], cwd: Path, folder: Path) -> Shown:
    """Run a command that sees a terminal, as a user's does."""
    environment = {name: value for name, value in os.environ.items() if name not in _NOT_PASSED_ON}
    environment |= {
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
    }
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    with tempfile.TemporaryFile("w+", dir=folder) as errors:
        began, busy, own = time.perf_counter(), _busy_seconds(), _own_seconds()
        process = subprocess.Popen(
            command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=errors
        )
        os.close(theirs)
        late = threading.Event()
        timer = threading.Timer(SECONDS, lambda: (late.set(), process.kill()))
        timer.start()
        try:
            shown = _read(ours)
            _, status, usage = os.wait4(process.pid, 0)
            code = process.returncode = os.waitstatus_to_exitcode(status)
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            timer.cancel()
            os.close(ours)
        if late.is_set():
            raise Failed(f"{name} took longer than {SECONDS:,} s.")
        if code:
            errors.seek(0)
            print("\n".join(errors.read().splitlines()[-30:]), file=sys.stderr)
            raise Failed(f"{name} ended with exit code {code}.")
    seconds = time.perf_counter() - began
    others = _busy_seconds() - busy - (_own_seconds() - own)
    peak = usage.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)
    return Shown(shown, seconds, round(max(0.0, others / seconds), 2), peak)


def _busy_seconds() -> float:
    """Return the seconds that all cores of the machine together have worked."""
    times = psutil.cpu_times()
    return float(times.user + times.system)  # in which Linux counts neither waiting nor stolen time


def _own_seconds() -> float:
    """Return the seconds that this process and those it has waited for have worked."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _read(terminal: int) -> str:
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError as error:  # Linux's way to say that nobody writes any more
            if error.errno != errno.EIO:
                raise
            part = b""
        if not part:
            return b"".join(parts).decode(errors="replace").replace("\r\n", "\n")
        parts.append(part)
