"""What came of a training, and why it ended: the same for whatever learns, known without TensorFlow."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from zoo.config import BadInput, Config

Outcome = Literal["completed", "early_stopped", "target_reached", "pruned", "diverged", "interrupted", "error"]
Judge = Callable[[int, float], str]
"""Told the epoch, counted from 1, and the monitored metric; returns why the run has no hope, or nothing."""


class ProcessLost(Exception):
    """A process that shares the steps of the training is gone; the message says which."""


@dataclass
class Training:
    """What came of a training.

    Attributes:
        outcome: Why it ended, as a word.
        reason: Why it ended, as a sentence.
        monitor: The metric that picks the best weights.
        history: The logs, metric by metric, epoch by epoch.
        best: The logs of the best epoch.
        best_weights: As `model.get_weights()` gave them; None if no epoch was finished.
        norms: Mean gradient norm, float32 [epochs, layers].
        layers: Their names.
        target_epoch: In which `stop.metric` reached its value.
        seconds: Spent between the first and the last step, compilation and validation included.
        seconds_before: Those of them that another process spent, which this one went on from.
        signal: That interrupted it.
    """

    outcome: Outcome
    reason: str
    monitor: str
    history: dict[str, list[float]] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    best_weights: list[np.ndarray] | None = None
    norms: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    layers: list[str] = field(default_factory=list)
    target_epoch: int | None = None
    seconds: float = 0.0
    seconds_before: float = 0.0
    signal: int | None = None


def reason(outcome: Outcome, config: Config, epoch: int = 0) -> str:
    """Return in a sentence why a training ended that came to a regular end.

    Args:
        outcome: As a word.
        config: The run's.
        epoch: The last one, counted from 1; where it is left out, all that the config says were trained.
    """
    if outcome == "target_reached":
        return f"{config.stop.metric} reached {config.stop.value:g} in epoch {epoch:,}."
    if outcome == "early_stopped":
        metric = config.early_stopping.metric or config.monitored
        return f"{metric} had not improved for {config.early_stopping.patience} epochs."
    epochs = epoch or config.epochs
    return "The only epoch was trained." if epochs == 1 else f"All {epochs:,} epochs were trained."


def said(error: Exception, config: Config) -> str:
    """Return in a sentence what ended a training, of an error that it did not foresee."""
    if is_out_of_memory(error):
        return out_of_memory(config)
    kind = "" if isinstance(error, BadInput | ProcessLost) else f"{type(error).__name__}: "
    return f"{kind}{str(error).strip().partition(chr(10))[0]}"


def is_out_of_memory(error: Exception) -> bool:
    """Tell whether an error says that there was no memory left: Python's, NumPy's, TensorFlow's or XLA's."""
    return isinstance(error, MemoryError) or any(
        one in f"{type(error).__name__} {error}" for one in ("ResourceExhausted", "RESOURCE_EXHAUSTED", "OOM when")
    )


def out_of_memory(config: Config) -> str:
    """Return in a sentence what did not fit into memory, and what to try.

    Args:
        config: The run's.
    """
    size = config.batch_size
    tries = [f"batch_size={size // 2}"] if isinstance(size, int) and size > 1 else []
    tries += ["a batch_size of some hundreds"] if size == "full" else []
    if tries and config.optimizer.gradient_accumulation_steps is None and isinstance(size, int):
        tries[0] += " (with optimizer.gradient_accumulation_steps=2 the updates stay the same)"
    tries += ["a smaller model", "precision=mixed_bfloat16"] if config.precision == "float32" else ["a smaller model"]
    return f"Out of memory: {config.model.name} with batch_size={size} does not fit. Try {', or '.join(tries)}."
