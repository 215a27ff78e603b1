"""The processes that train one model together: who they are, as TF_CONFIG says, and their meeting before they begin.

TensorFlow waits for absent processes for an hour, and says nothing. So they meet here first: each of the others calls
the chief at its address and says what it was asked to do and with what versions. Where all have come and agree, they
let TensorFlow connect them at the same addresses.
"""

import contextlib
import json
import logging
import os
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from zoo.config import BadInput, Config

log = logging.getLogger(__name__)

Facts = Mapping[str, str]
VARIABLE = "TF_CONFIG"
_EXAMPLE = '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}'
_LONGEST = 2**20  # bytes of what a worker says
_PAUSE = 0.1  # seconds between two attempts


@dataclass(frozen=True)
class Workers:
    """The processes of one training.

    Attributes:
        addresses: Of all of them, `host:port`; the chief is the first.
        index: Which of them this one is.
        has_chief: Whether TensorFlow calls the first one `chief` and numbers the workers behind it from 0.
    """

    addresses: tuple[str, ...]
    index: int
    has_chief: bool = False

    @classmethod
    def of(cls, config: Config) -> Self | None:
        """Return those that TF_CONFIG names, or None where a config asks for one process.

        Raises:
            BadInput: TF_CONFIG is missing, or does not say what it should.
        """
        return cls.parse(os.environ.get(VARIABLE)) if config.strategy.name == "multiworker" else None

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Return the processes that a text names, as TensorFlow reads TF_CONFIG: a cluster, and a task in it."""
        if not text:
            raise _bad("it is not set")
        try:
            said = json.loads(text)
            cluster, task = said["cluster"], said["task"]
            kind, index = task["type"], int(task["index"])
            known = {name: [_address(one) for one in cluster.get(name, [])] for name in ("chief", "worker")}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise _bad(f"it does not hold a cluster and a task ({type(error).__name__}: {error})") from None
        if others := sorted(set(cluster) - set(known)):
            raise _bad(f"its cluster has {' and '.join(others)}, where there is room for a chief and workers alone")
        if kind not in known or not 0 <= index < len(known[kind]):
            raise _bad(f"its task, {kind} {index}, is not in its cluster")
        addresses = (*known["chief"], *known["worker"])
        if len(known["chief"]) > 1 or len(set(addresses)) < max(2, len(addresses)):
            raise _bad(f"its cluster should have at least two processes and one chief, and has {', '.join(addresses)}")
        has_chief = bool(known["chief"])
        return cls(addresses, index + (has_chief and kind == "worker"), has_chief)

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.addresses)

    @property
    def is_chief(self) -> bool:
        """Whether this process is the one that tracks and saves."""
        return self.index == 0

    def named(self, index: int) -> str:
        """Return what a process is called, such as `worker 1 (10.0.0.2:2222)`."""
        return f"{'worker ' + str(index) if index else 'the chief'} ({self.addresses[index]})"

    def index_of(self, job: str, task: int) -> int:
        """Return the index of a process that TensorFlow names."""
        return task + (self.has_chief and job == "worker")

    def meet(self, facts: Facts, seconds: float) -> None:
        """Return when all are there and were asked to do the same.

        Args:
            facts: What has to be the same in all processes, such as versions and choices.
            seconds: How long to wait for the others.

        Raises:
            BadInput: Some did not come in time, or have other facts; this process's address is not free.
        """
        limit = time.monotonic() + seconds
        with _listening(self.addresses[self.index]) as listener:
            if self.is_chief:
                self._gather(listener, facts, limit, seconds)
        if not self.is_chief:
            self._call(facts, limit, seconds)

    def _gather(self, listener: socket.socket, facts: Facts, limit: float, seconds: float) -> None:
        """As the chief, hear all others, and tell them to go or why not."""
        came: dict[int, socket.socket] = {}
        with contextlib.ExitStack() as opened:
            log.info(f"Waiting for {' and '.join(map(self.named, range(1, self.count)))}.")
            while len(came := {index: one for index, one in came.items() if _waits(one)}) < self.count - 1:
                listener.settimeout(max(0.0, limit - time.monotonic()) or 1e-3)
                try:
                    caller = opened.enter_context(listener.accept()[0])
                except TimeoutError:
                    missing = [self.named(index) for index in range(1, self.count) if index not in came]
                    raise BadInput(
                        f"{' and '.join(missing)} did not come within {seconds:g} s. Start every process with the same "
                        f"words and a {VARIABLE} of its own; strategy.wait says how long they wait for each other."
                    ) from None
                said = _heard(caller)
                if said is not None and 0 < said["index"] < self.count:
                    self._compare(said, facts, [*came.values(), caller])
                    came[said["index"]] = caller
            _tell(came.values(), {"go": True})

    def _compare(self, said: Mapping[str, Any], facts: Facts, callers: list[socket.socket]) -> None:
        theirs = said["facts"]
        keys = [key for key in {**facts, **theirs} if facts.get(key) != theirs.get(key)]
        if keys:
            differ = [f"{key}={theirs.get(key)} where the chief has {facts.get(key)}" for key in keys[:3]]
            sentence = f"All processes should do the same, but {self.named(said['index'])} has {' and '.join(differ)}."
            _tell(callers, {"refused": sentence})
            raise BadInput(sentence)

    def _call(self, facts: Facts, limit: float, seconds: float) -> None:
        """As one of the others, call the chief until it says to go."""
        log.info(f"Waiting for {self.named(0)}.")
        own = {"index": self.index, "facts": dict(facts)}
        said: dict[str, Any] = {}
        while not said and time.monotonic() < limit:
            with contextlib.suppress(OSError, ValueError):
                host, port = _parts(self.addresses[0])
                with socket.create_connection((host, port), timeout=max(_PAUSE, limit - time.monotonic())) as chief:
                    chief.sendall(json.dumps(own).encode() + b"\n")
                    with chief.makefile("rb") as answer:
                        said = json.loads(answer.readline(_LONGEST))
            time.sleep(0 if said else _PAUSE)
        if "refused" in said:
            raise BadInput(said["refused"])
        if not said:
            raise BadInput(
                f"{self.named(0)[0].upper()}{self.named(0)[1:]} did not answer within {seconds:g} s, or others did not "
                f"come. strategy.wait says how long the processes wait for each other."
            )


def _bad(what: str) -> BadInput:
    return BadInput(
        f"strategy=multiworker reads the environment variable {VARIABLE}, and {what}. In each process it says who all "
        f"are and which of them this one is, such as {VARIABLE}='{_EXAMPLE}'."
    )


def _address(text: str) -> str:
    _parts(text)
    return text


def _parts(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not 0 < int(port) < 2**16:
        raise ValueError(f"{address} is not host:port")
    return host.strip("[]"), int(port)


@contextlib.contextmanager
def _listening(address: str) -> Iterator[socket.socket]:
    """Listen at an own address, which TensorFlow will do later: that it is free is known now."""
    host, port = _parts(address)
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise BadInput(
            f"{VARIABLE} gives this process the address {address}, where it cannot listen: {error.strerror or error}."
        ) from None
    with listener:
        yield listener


def _heard(caller: socket.socket) -> dict[str, Any] | None:
    """Return what a worker says, or None where somebody else calls."""
    caller.settimeout(5)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        with caller.makefile("rb") as stream:
            said = json.loads(stream.readline(_LONGEST))
        return {"index": int(said["index"]), "facts": dict(said["facts"])}
    return None


def _waits(caller: socket.socket) -> bool:
    """Tell whether a worker is still there."""
    caller.setblocking(False)
    try:
        return bool(caller.recv(1, socket.MSG_PEEK))
    except BlockingIOError:
        return True
    except OSError:
        return False


def _tell(callers: Any, what: dict[str, Any]) -> None:
    for caller in callers:
        with contextlib.suppress(OSError):
            caller.sendall(json.dumps(what).encode() + b"\n")
