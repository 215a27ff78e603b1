"""What is to be recorded on a server, on its way there: training never waits for it, and nothing of it is lost.

A thread sends the operations of a run in their order. While the server refuses, hangs or answers with errors, they are
written to a file, and sent again until they arrive; what has not arrived when the run ends, `python -m zoo sync` sends.
"""

import contextlib
import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.tracking.address import mask, root
from zoo.tracking.operations import Operation

log = logging.getLogger(__name__)

_FIRST_WAIT = 0.25
LONGEST_WAIT = 5.0  # between two attempts, in seconds
DRAIN_SECONDS = 10.0  # at the end of a run, while the server answers nothing


def spool_folder() -> Path:
    """Return the folder of what waits to be sent: ZOO_SPOOL_DIR, or `spool` beside the default database."""
    return Path(os.environ.get("ZOO_SPOOL_DIR") or root() / "spool")


def is_passing(error: Exception) -> bool:
    """Tell whether an error is of the kind that goes away: no connection, no answer, a server's own trouble."""
    from mlflow.exceptions import MlflowException

    if isinstance(error, MlflowException):
        status = int(error.get_http_status_code())
        return status >= 500 or status in (408, 429)
    return isinstance(error, OSError) and not isinstance(error, FileNotFoundError)


class Outbox:
    """The operations of one run on their way to a server.

    Args:
        send: Does one operation; raises what MLflow raises.
        file: Where they wait while the server is away. It is there only as long as something waits.
        header: The first line of the file: whose operations these are, and where they are to go.
    """

    def __init__(self, send: Callable[[Operation], None], file: Path, header: Mapping[str, Any]):
        self._send, self.file, self._header = send, file, header
        self._waiting: deque[Operation] = deque()
        self._changed = threading.Condition()
        self._is_away = self._hurries = self._is_closing = False
        self.refused: list[str] = []
        self._thread = threading.Thread(target=self._work, name="zoo-outbox", daemon=True)
        self._thread.start()

    def put(self, operation: Operation) -> None:
        """Take over an operation, and return at once."""
        with self._changed:
            self._waiting.append(operation)
            if self._is_away:
                self._append([operation])
            self._changed.notify_all()

    def drain(self, seconds: float) -> bool:
        """Wait until all is sent, and tell whether it is; while the server is away, no longer than so many seconds."""
        last = time.monotonic()
        with self._changed:
            self._hurries = True
            self._changed.notify_all()
            while self._waiting and self._thread.is_alive():
                if not self._is_away:
                    last = time.monotonic()
                elif time.monotonic() - last > seconds:
                    break
                self._changed.wait(0.2)
            return not self._waiting

    def close(self) -> int:
        """Stop sending, and return how many operations are left in the file."""
        with self._changed:
            self._is_closing = True
            if self._waiting and not self._is_away:
                self._go_away()
            self._changed.notify_all()
            return len(self._waiting)

    def _work(self) -> None:
        wait = _FIRST_WAIT
        while True:
            with self._changed:
                while not self._waiting and not self._is_closing:
                    self._changed.wait()
                if self._is_closing:
                    return
                operation = self._waiting[0]
            try:
                self._send(operation)
            except Exception as error:
                if is_passing(error):
                    self._note_away(error)
                    with self._changed:
                        if not self._hurries:
                            self._changed.wait_for(lambda: self._is_closing or self._hurries, wait)
                        else:
                            self._changed.wait(_FIRST_WAIT)
                    wait = min(2 * wait, LONGEST_WAIT)
                    continue
                self.refused.append(mask(str(error)).strip().partition("\n")[0])
            wait = _FIRST_WAIT
            with self._changed:
                self._waiting.popleft()
                if self._is_away and not self._waiting:
                    self._come_back()
                self._changed.notify_all()

    def _note_away(self, error: Exception) -> None:
        with self._changed:
            if not self._is_away and not self._is_closing:
                self._go_away()
                reason = mask(str(error)).strip().partition("\n")[0][:160]
                log.warning(f"The tracking server does not answer ({reason}): its record waits in {self.file}.")

    def _go_away(self) -> None:
        self._is_away = True
        with contextlib.suppress(OSError):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self.file.write_text(json.dumps(self._header) + "\n", encoding="utf-8")
        self._append(list(self._waiting))

    def _come_back(self) -> None:
        self._is_away = False
        self.file.unlink(missing_ok=True)
        log.warning("The tracking server answers again: all that waited was sent.")

    def _append(self, operations: list[Operation]) -> None:
        try:
            with self.file.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(operation) + "\n" for operation in operations)
        except OSError as error:  # they wait in memory all the same
            log.warning(f"What is to be recorded can't be written to {self.file}: {error}.")


def read(file: Path) -> tuple[dict[str, Any], list[Operation]]:
    """Return the header and the operations of a file; a last line that was cut off by a crash is left out.

    Raises:
        ValueError: It is not such a file.
    """
    if file.exists() and not file.is_file():  # reading a pipe would never end
        raise ValueError(f"{file} is no file.")
    lines = file.read_text(encoding="utf-8").splitlines()
    try:
        found = list(_parsed(lines))
    except RecursionError:
        found = []
    if not all(isinstance(one, dict) for one in found) or not found or "run_id" not in found[0]:
        raise ValueError(f"{file} holds no record that waits to be sent.")
    return found[0], found[1:]


def _parsed(lines: list[str]) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines):
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            if number < len(lines) - 1:
                raise
