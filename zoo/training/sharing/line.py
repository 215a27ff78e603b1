"""A connection between two processes, over which they say a JSON object a line."""

import contextlib
import errno
import json
import socket
from collections.abc import Iterator
from typing import Any

from zoo.config import BadInput
from zoo.training.sharing.workers import VARIABLE, host_and_port

_LONGEST = 2**20  # bytes of what is said at a time
_INTRODUCTION = 5.0  # seconds for a caller to say who it is


class Gone(Exception):
    """The other end is closed, or says what nobody of ours would."""


class Line:
    """One end of a connection.

    Args:
        connection: A connected socket.
    """

    def __init__(self, connection: socket.socket):
        self.connection = connection
        self._heard = b""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        # A machine that is gone says nothing: ask it after ten seconds of silence, and give it up after another 20.
        for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4)):
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def say(self, **what: Any) -> None:
        """Send an object, if there is still somebody."""
        with contextlib.suppress(OSError):
            self.connection.sendall(json.dumps(what).encode() + b"\n")

    def hear(self) -> dict[str, Any]:
        """Return the next object.

        Raises:
            Gone: There is none.
        """
        try:
            while b"\n" not in self._heard:
                part = self.connection.recv(2**16)
                if not part or len(self._heard) > _LONGEST:
                    raise Gone
                self._heard += part
            line, _, self._heard = self._heard.partition(b"\n")
            return dict(json.loads(line))
        except (OSError, ValueError, TypeError):
            raise Gone from None

    def introduced(self) -> tuple[int, dict[str, str]] | None:
        """Return which process this is and what it says of itself, or None where somebody else calls."""
        self.connection.settimeout(_INTRODUCTION)
        with contextlib.suppress(Gone, ValueError, KeyError, TypeError):
            said = self.hear()
            self.connection.settimeout(None)
            return int(said["index"]), dict(said["facts"])
        return None

    def is_open(self) -> bool:
        """Tell whether there is still somebody."""
        try:
            return bool(self.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self) -> None:
        """Close it."""
        self.connection.close()


def call(address: str, seconds: float) -> Line:
    """Return a connection to an address.

    Raises:
        BadInput: There is no such host.
        OSError: Nobody answers there.
    """
    try:
        return Line(socket.create_connection(host_and_port(address), timeout=seconds))
    except (socket.gaierror, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno != socket.EAI_NONAME:
            raise  # perhaps it is known later
        raise BadInput(f"{VARIABLE} names the address {address}, whose host nobody knows ({error}).") from None


@contextlib.contextmanager
def listening(address: str) -> Iterator[socket.socket]:
    """Listen at an own address, which TensorFlow will do later: that it is free is known now.

    Where the address is another machine's, as it is behind a router or a container's port mapping, listen at its port
    on all of this machine's own, as TensorFlow does.

    Raises:
        BadInput: It is not free.
    """
    host, port = host_and_port(address)
    try:
        listener = _server(host, port)
    except OSError as error:
        raise BadInput(
            f"{VARIABLE} gives this process the address {address}, where it cannot listen: {error.strerror or error}. "
            "Each process needs a port of its own; one that has trained with others before has to be started anew."
        ) from None
    with listener:
        yield listener


def _server(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        if isinstance(error, OSError) and error.errno != errno.EADDRNOTAVAIL and not isinstance(error, socket.gaierror):
            raise
        return socket.create_server(("", port), family=family)
