"""A signal to end as a request: training stops at the next step boundary, and the run is closed truthfully."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Interrupted(Exception):
    """The user or the system asked for an end.

    Args:
        number: Of the signal.
    """

    def __init__(self, number: int):
        super().__init__(f"Interrupted by {signal.Signals(number).name}.")
        self.number = number


class Interruption:
    """While entered, turn the first SIGINT, SIGTERM or SIGHUP into a request; a second one stops at once.

    What is ignored stays ignored, as SIGHUP is under `nohup`. A request that nobody has taken up by the end goes to
    whoever had asked for the signal before: a sweep hears of it, where the run was already at its end.
    Signals can be handled in the main thread only; elsewhere nothing is changed.
    """

    def __init__(self) -> None:
        self._number: int | None = None
        self._told = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                if signal.getsignal(number) is not signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._request)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        before = self._before.get(self._number) if self._number is not None and not self._told else None
        if isinstance(owner := getattr(before, "__self__", None), Interruption):
            owner._number = self._number

    def _request(self, number: int, frame: FrameType | None) -> None:
        if self._number is not None:
            raise KeyboardInterrupt
        self._number = number

    def check(self) -> None:
        """Raise `Interrupted` if an end has been asked for."""
        if self._number is not None:
            self._told = True
            raise Interrupted(self._number)
