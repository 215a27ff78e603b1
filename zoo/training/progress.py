"""What the terminal shows while a model trains: a live bar per epoch, or plain lines where nobody watches."""

import logging
import time

import keras
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from zoo.training.batches import Batches
from zoo.training.callbacks import Logs

log = logging.getLogger(__name__)

MANY_EPOCHS = 30  # from here on one bar counts epochs, and about this many lines are kept


class ProgressBar(keras.callbacks.Callback):
    """Show loss, metrics, speed and remaining time.

    Args:
        batches: The training batches.
        epochs: How many there will be at most.
        console: Where to; a live bar if it is a terminal.
    """

    def __init__(self, batches: Batches, epochs: int, console: Console):
        super().__init__()
        self._batches, self._epochs, self._console = batches, epochs, console
        self._many = epochs > MANY_EPOCHS
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._began = 0.0

    def on_train_begin(self, logs: Logs | None = None) -> None:  # noqa: D102
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            columns = (
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
                TextColumn("{task.fields[text]}"),
                TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            )
            self._bar = Progress(*columns, console=self._console, refresh_per_second=4)
            self._bar.start()
            if self._many:
                self._task = self._bar.add_task("epoch", total=self._epochs, text="")

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: D102
        self._began = time.perf_counter()
        if self._bar and not self._many:
            name = f"epoch {epoch + 1:>{len(str(self._epochs))}}/{self._epochs}"
            self._task = self._bar.add_task(name, total=self._batches.steps, text="")

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:  # noqa: D102
        if self._bar and not self._many:
            done = min(batch + 1, self._batches.steps)
            units = min(done * self._batches.batch_size, self._batches.rows) * self._batches.units
            speed = units / max(time.perf_counter() - self._began, 1e-9)
            text = describe({**(logs or {}), f"{self._batches.unit}_per_second": speed})
            self._bar.update(self._task, completed=done, text=text)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: D102
        text = describe(logs or {})
        if self._bar:
            if self._many:
                self._bar.update(self._task, completed=epoch + 1, text=text)
            else:
                self._bar.update(self._task, completed=self._batches.steps, text=text)
                self._bar.stop_task(self._task)
        kept = not self._many or (epoch + 1) % max(1, self._epochs // MANY_EPOCHS) == 0 or epoch == 0
        # The log file keeps the line in any case; the console has the bar instead, where there is one.
        log.log(
            logging.INFO if kept and not self._bar else logging.DEBUG, "epoch %d/%d  %s", epoch + 1, self._epochs, text
        )

    def on_train_end(self, logs: Logs | None = None) -> None:  # noqa: D102
        self.close()

    def close(self) -> None:
        """Leave the terminal as it was; also after an exception."""
        if self._bar:
            self._bar.stop()
            self._bar = None


def describe(logs: Logs) -> str:
    """Return the metrics of an epoch in one line, such as `loss 0.093  accuracy 0.972  41,000 examples/s`."""
    hidden = {"epoch", "epoch_seconds", "learning_rate"}
    parts = []
    for name, value in sorted(logs.items(), key=lambda item: _place(item[0])):
        if name in hidden:
            continue
        if name.endswith("_per_second"):
            parts.append(f"{value:,.0f} {name.removesuffix('_per_second')}/s")
        else:
            parts.append(f"{name} {value:.4g}")
    return "  ".join(parts)


def _place(name: str) -> tuple[int, int, str]:
    last = name.endswith("_per_second")
    order = {"loss": 0, "accuracy": 1, "perplexity": 2, "bits_per_character": 3}
    return (2 if last else int(name.startswith("val_")), order.get(name.removeprefix("val_"), 9), name)
