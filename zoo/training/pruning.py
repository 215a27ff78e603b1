"""Ending a run that has no hope: after each epoch it asks whoever compares it with others whether it should go on."""

import keras

from zoo.config import BadInput
from zoo.training.callbacks import Logs
from zoo.training.ending import Judge


class Prune(keras.callbacks.Callback):
    """End the training as soon as a judge says so, in either loop.

    Args:
        metric: Such as `val_loss`.
        judge: Decides.

    Attributes:
        reason: Why the training was ended, in a sentence; empty if it was not.
    """

    def __init__(self, metric: str, judge: Judge):
        super().__init__()
        self._metric, self._judge = metric, judge
        self.reason = ""

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:  # noqa: D102
        value = (logs or {}).get(self._metric)
        if value is None:
            raise BadInput(f"monitor={self._metric} is not among the metrics: {', '.join(sorted(logs or {}))}.")
        if reason := self._judge(epoch + 1, value):
            self.reason = reason
            self.model.stop_training = True
