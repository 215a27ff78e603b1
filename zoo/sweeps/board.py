"""What the terminal shows while a sweep goes on: done of total, failures, the best so far, the time that is left."""

import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from zoo.outcome import Result
from zoo.results.trials import is_better

LINES = 20  # where nobody watches a bar


class Board:
    """The state of a sweep, told as it changes.

    Args:
        total: Runs that are to be made, beside those that have ended before.
        console: Shows it; as a bar if it is a terminal, else as about twenty lines.
        before: How many runs have ended before, of a sweep that goes on, by what came of them.
    """

    def __init__(self, total: int, console: Console, before: Mapping[str, int] | None = None):
        self.counts: dict[str, int] = dict(before or {})
        self._before = self.done = sum(self.counts.values())
        self.total, self.console = total + self._before, console
        self._best: dict[str, tuple[float, str]] = {}  # by metric: runs of two models may watch different ones
        self._began, self._shown = time.monotonic(), self.done * LINES // max(1, self.total)
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        if self.console.is_terminal and not self.console.is_dumb_terminal:
            self._bar = Progress(
                TextColumn("sweep"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn("{task.fields[text]}"),
                TimeRemainingColumn(compact=True),
                console=self.console,
                refresh_per_second=8,
                transient=True,
            )
            self._task = self._bar.add_task("sweep", total=self.total, completed=self.done, text="")
            self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._bar:
            self._bar.stop()

    def working(self, on: str, share: float = 0.0) -> None:
        """Show what goes on.

        Args:
            on: In a few words.
            share: Of the runs that train at the moment, how much is done: their number times the part of the epochs.
        """
        if self._bar:
            self._bar.update(self._task, completed=self.done + share, text=f"{self._standing()}  {on}")

    def take(self, ended: Iterable[tuple[Result, str]]) -> None:
        """Count runs that have ended: what came of each, and the metric of its `target`."""
        for result, monitored in ended:
            self.done += 1
            self.counts[result.outcome] = self.counts.get(result.outcome, 0) + 1
            best = self._best.get(monitored)
            if result.exit_code == 0 and (best is None or is_better(monitored, result.target, best[0])):
                self._best[monitored] = result.target, result.name
        if self._bar:
            self._bar.update(self._task, completed=self.done, text=self._standing())
        elif self.done * LINES // self.total > self._shown:
            self._shown = self.done * LINES // self.total
            left = (time.monotonic() - self._began) / (self.done - self._before) * (self.total - self.done)
            line = f"{self.done:,}/{self.total:,}  {self._standing()}"
            self.console.print(line + (f"  about {left:,.0f} s left" if left >= 1 else ""), markup=False)

    def summary(self) -> str:
        """Return how many runs ended how."""
        if self.total == self._before:
            return "All runs have ended before."
        counts = ", ".join(f"{count:,} {outcome.replace('_', ' ')}" for outcome, count in self.counts.items())
        return f"{self.done:,} of {self.total:,} runs: {counts or 'none'}."

    def _standing(self) -> str:
        bad = [
            f"{self.counts[word]:,} {word}" for word in ("diverged", "error", "interrupted") if self.counts.get(word)
        ]
        best = [f"best {metric} {value:.4g} ({name})" for metric, (value, name) in self._best.items()]
        return "  ".join([", ".join(bad), *best]).strip()
