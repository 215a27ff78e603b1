"""The processes that train one model together: who they are, as TF_CONFIG says."""

import json
import os
from dataclasses import dataclass
from typing import Self

from zoo.config import BadInput, Config

VARIABLE = "TF_CONFIG"
_EXAMPLE = '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": "worker", "index": 0}}'


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


def _bad(what: str) -> BadInput:
    return BadInput(
        f"strategy=multiworker reads the environment variable {VARIABLE}, and {what}. In each process it says who all "
        f"are and which of them this one is, such as {VARIABLE}='{_EXAMPLE}'."
    )


def _address(text: str) -> str:
    host_and_port(text)
    return text


def host_and_port(address: str) -> tuple[str, int]:
    """Return the two parts of an address, such as `10.0.0.1:2222` or `[::1]:2222`.

    Raises:
        ValueError: It is no such address.
    """
    host, _, port = address.rpartition(":")
    if not host or not 0 < int(port) < 2**16:
        raise ValueError(f"{address} is not host:port")
    return host.strip("[]"), int(port)
