"""The meeting of the processes that train one model together, from before their data is loaded to their end.

TensorFlow waits for absent processes for an hour, and says nothing. So they meet here first: each of the others calls
the chief at its address, and stays connected. In rounds all say what should be the same; one that ends closes its
connection, of which the others hear while they wait. TensorFlow then connects them at the same addresses.
"""

import contextlib
import logging
import os
import selectors
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Self

from zoo.config import BadInput
from zoo.training.sharing.line import Gone, Line, call, listening
from zoo.training.sharing.workers import Workers

log = logging.getLogger(__name__)

Facts = Mapping[str, str]
_PAUSE = 0.1  # seconds between two attempts, or two looks
_SILENT = 5.0  # seconds before the user is told for whom they wait

_of_process: dict[Workers, "Meeting"] = {}


class Meeting:
    """The connections of one process: the chief's to all others, or another one's to the chief.

    Args:
        workers: All processes.
        lines: By the index of the process at their other end.
    """

    def __init__(self, workers: Workers, lines: Mapping[int, Line]):
        self.workers = workers
        self._lines = dict(lines)

    @classmethod
    def begin(cls, workers: Workers, facts: Facts, seconds: float) -> Self:
        """Return when all are there and were asked to do the same.

        Args:
            workers: Who.
            facts: What has to be the same in all processes, such as versions and choices.
            seconds: How long to wait for the others.

        Raises:
            BadInput: Some did not come in time, or have other facts; this process's address is not free.
        """
        limit = time.monotonic() + seconds
        with listening(workers.addresses[workers.index]) as listener:
            if workers.is_chief:
                return cls(workers, _gathered(workers, listener, facts, limit, seconds))
        return cls(workers, {0: _called(workers, facts, limit, seconds)})

    def agree(self, facts: Facts) -> None:
        """Return when all have said the same; however long that takes, as long as all are there.

        Raises:
            BadInput: Another one has other facts, could not begin, or is gone.
        """
        if not self.workers.is_chief:
            self._lines[0].say(facts=dict(facts))
            self._hear(0, "go")
            return
        waiting, began = set(self._lines), time.monotonic()
        while waiting:
            for index in self._ready(waiting):
                with self._refusing():
                    compare(self.workers, index, self._hear(index, "facts"), facts)
                waiting.remove(index)
            if waiting and time.monotonic() - began > _SILENT:
                log.info(f"Waiting for {_names(self.workers, sorted(waiting))}, whose data is not ready yet.")
                began = float("inf")
        for line in self._lines.values():
            line.say(go=True)

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """While entered, end this process where another one is gone: TensorFlow would wait for it, deaf to signals."""
        over = threading.Event()

        def watch() -> None:
            while not over.is_set():
                for index in self._ready(set(self._lines)):
                    try:
                        self._hear(index, "nothing")
                    except BadInput as error:
                        log.error(str(error))
                        sys.stdout.flush()
                        sys.stderr.flush()
                        os._exit(1)

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def part(self) -> None:
        """Return when the chief is at its end: who leaves before, is taken for lost."""
        if self.workers.is_chief:
            for line in self._lines.values():
                line.say(end=True)
            return
        with contextlib.suppress(BadInput):
            self._hear(0, "end")

    def leave(self, reason: str) -> None:
        """Tell the others why this process can't go on, and close the connections."""
        _of_process.pop(self.workers, None)
        for line in self._lines.values():
            line.say(failed=reason)
            line.close()

    def _ready(self, indices: set[int]) -> list[int]:
        """Return who has said something or is gone; wait a moment for it."""
        with selectors.DefaultSelector() as selector:
            for index in indices:
                selector.register(self._lines[index].connection, selectors.EVENT_READ, index)
            return [key.data for key, _ in selector.select(_PAUSE)]

    def _hear(self, index: int, expected: str) -> Facts:
        """Return what another process says under a name.

        Raises:
            BadInput: It could not begin, refuses this one, or is gone.
        """
        name = self.workers.named(index)
        try:
            said = self._lines[index].hear()
        except Gone:
            raise BadInput(
                f"{name[0].upper()}{name[1:]} is gone, without which the others cannot go on. It says why itself, if "
                "it had the time."
            ) from None
        if "refused" in said:
            raise BadInput(said["refused"])
        if "failed" in said:
            raise BadInput(f"{name[0].upper()}{name[1:]} cannot go on: {said['failed']}")
        found: Facts = said.get(expected, {})
        return found

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """Tell all others what is wrong, too."""
        try:
            yield
        except BadInput as error:
            for line in self._lines.values():
                line.say(refused=str(error))
            raise


def meet(workers: Workers, facts: Facts, seconds: float) -> Meeting:
    """Return the meeting of this process with the others, who were asked to do the same; see `Meeting.begin`."""
    if (known := _of_process.get(workers)) is not None:
        known.agree(facts)
        return known
    _of_process[workers] = meeting = Meeting.begin(workers, facts, seconds)
    return meeting


def of_process(workers: Workers) -> Meeting:
    """Return the meeting that this process has joined."""
    return _of_process[workers]


def compare(workers: Workers, index: int, theirs: Facts, facts: Facts) -> None:
    """Refuse a process that has other facts than the chief.

    Raises:
        BadInput: It has.
    """
    if keys := [key for key in {**facts, **theirs} if facts.get(key) != theirs.get(key)]:
        differ = [f"{key}={theirs.get(key)} where the chief has {facts.get(key)}" for key in keys[:3]]
        raise BadInput(f"All processes should do the same, but {workers.named(index)} has {' and '.join(differ)}.")


def _gathered(workers: Workers, listener: socket.socket, facts: Facts, limit: float, seconds: float) -> dict[int, Line]:
    """As the chief, hear all others, and tell them to go or why not."""
    came: dict[int, Line] = {}
    log.info(f"Waiting for {_names(workers, range(1, workers.count))}.")
    try:
        while len(came := {index: line for index, line in came.items() if line.is_open()}) < workers.count - 1:
            listener.settimeout(max(0.0, limit - time.monotonic()) or 1e-3)
            try:
                caller = Line(listener.accept()[0])
            except TimeoutError:
                missing = [index for index in range(1, workers.count) if index not in came]
                raise BadInput(
                    f"{_names(workers, missing)} did not come within {seconds:g} s. Start every process with the same "
                    "words and a TF_CONFIG of its own; strategy.wait says how long they wait for each other."
                ) from None
            said = caller.introduced()
            if said is None or not 0 < said[0] < workers.count:
                caller.close()
                continue
            came[said[0]] = caller
            compare(workers, *said, facts)
    except BaseException as error:
        for line in came.values():
            if isinstance(error, BadInput):
                line.say(refused=str(error))
            line.close()
        raise
    for line in came.values():
        line.say(go=True)
    log.info(f"All {workers.count} processes have come.")
    return came


def _called(workers: Workers, facts: Facts, limit: float, seconds: float) -> Line:
    """As one of the others, call the chief until it says to go."""
    log.info(f"Waiting for {workers.named(0)}.")
    why = ""
    while (left := limit - time.monotonic()) > 0:
        try:
            line = call(workers.addresses[0], left)
        except OSError as error:
            why = f" ({error.strerror or error})"
        else:
            line.say(index=workers.index, facts=dict(facts))
            with contextlib.suppress(Gone):
                said = line.hear()
                if "refused" in said:
                    raise BadInput(said["refused"])
                line.connection.settimeout(None)
                return line
            line.close()
            why = ", or others did not come"
        time.sleep(_PAUSE)
    raise BadInput(
        f"{workers.named(0)[0].upper()}{workers.named(0)[1:]} did not answer within {seconds:g} s{why}. strategy.wait "
        "says how long the processes wait for each other."
    )


def _names(workers: Workers, indices: Iterator[int] | range | list[int]) -> str:
    return " and ".join(map(workers.named, indices))
