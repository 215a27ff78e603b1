"""What the user reads: messages while a run goes on, and its result."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from zoo.tracking.address import mask

if TYPE_CHECKING:
    from zoo.outcome import Result

LOGGER = logging.getLogger("zoo")


def console() -> Console:
    """Return a console on standard output; a terminal that was closed loses words, never the run."""
    return Console(file=_StandardOutput(), soft_wrap=True, highlight=False)  # type: ignore[arg-type]


def width() -> int | None:
    """Return how many characters a line of a table has room for; None where it goes to no terminal, but to a program.

    `COLUMNS` says it for either.
    """
    said = os.environ.get("COLUMNS", "")
    return console().width if sys.stdout.isatty() or (said.isdigit() and int(said)) else None


class _StandardOutput:
    """Standard output, whatever it is by then, without an end to the program where nobody reads any more."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stdout, name)

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            return sys.stdout.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            sys.stdout.flush()


class _WithoutSecrets(logging.Formatter):
    """What a user's code raises may repeat the address of the tracking server, and the password in it."""

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


class _Messages(logging.Handler):
    def __init__(self, to: Console):
        super().__init__(logging.INFO)
        self.setFormatter(_WithoutSecrets())
        self._console = to

    def emit(self, record: logging.LogRecord) -> None:
        style = "red" if record.levelno >= logging.ERROR else "yellow" if record.levelno >= logging.WARNING else None
        self._console.print(self.format(record), style=style, markup=False, highlight=False)


@contextmanager
def messages(to: Console) -> Iterator[None]:
    """Show what the zoo logs on a console."""
    with _handled(_Messages(to)):
        yield


@contextmanager
def log_file(path: Path) -> Iterator[None]:
    """Write what the zoo logs to a file, with times, and more of it than the console shows."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_WithoutSecrets("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    with _handled(handler):
        yield


@contextmanager
def _handled(handler: logging.Handler) -> Iterator[None]:
    before = LOGGER.level, LOGGER.propagate
    LOGGER.setLevel(logging.DEBUG)
    LOGGER.propagate = False
    LOGGER.addHandler(handler)
    try:
        yield
    finally:
        LOGGER.removeHandler(handler)
        handler.close()
        LOGGER.level, LOGGER.propagate = before


def flush_log() -> None:
    """Write what waits in the log's handlers."""
    for handler in LOGGER.handlers:
        handler.flush()


def show_result(result: "Result", ui_command: str, again: str, to: Console) -> None:
    """Print how a run ended, what it reached, where to look, and what to type for it to go on."""
    seconds = result.metrics.get("train_seconds")
    after = "" if seconds is None else f" after {seconds:,.1f} s of training"
    lines = [f"{result.name}: {result.outcome}{after}. {result.reason}"]
    for kind in ("best", "test"):
        if values := of_kind(f"{kind}_", result.metrics):
            shown = "  ".join(f"{name} {value:,.5g}" for name, value in sorted(values.items()))
            lines.append(f"  {kind:<8} {shown}")
    if values := of_kind("source_test_", result.metrics):
        shown = "  ".join(
            f"{name} {values[f'{name}_before']:,.5g} → {value:,.5g}"
            for name, value in sorted(values.items())
            if f"{name}_before" in values
        )
        lines.append(f"  source   {shown}: its own test, with its weights and with these")
    if "solved" in result.metrics:
        lines.append(
            f"  solved   {'yes' if result.metrics['solved'] else 'no'}: every pattern on the right side of 0.5"
        )
    if result.run_id:
        lines.append(f"  run      {result.run_id}")
    lines.append(f"  files    {result.folder}")
    if again:
        lines.append(f"  go on    {again}")
    if ui_command:
        lines.append(f"  compare  {ui_command}")
    to.print("\n" + "\n".join(lines), markup=False, highlight=False)


def of_kind(prefix: str, metrics: Mapping[str, float]) -> dict[str, float]:
    """Return the metrics that begin with a prefix, without it and without times."""
    return {
        name.removeprefix(prefix): value
        for name, value in metrics.items()
        if name.startswith(prefix) and not name.endswith(("_seconds", "_per_second", "learning_rate"))
    }
