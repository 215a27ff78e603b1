"""What a contest consists of: peers that do the same work, goals that compare them, and when their losses agree."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

KERAS, TORCH, TAPE = "Keras", "PyTorch", "zoo tape"
# How a measure is called and shown, and whether more of it is better.
MEASURES: dict[str, tuple[str, str]] = {
    "units_per_second": ("{unit}/s", "{:,.0f}"),
    "epochs_per_second": ("epochs/s", "{:,.0f}"),
    "words_per_second": ("words/s", "{:,.0f}"),
    "seconds_per_epoch": ("ms an epoch, all in", "{:,.2f}"),
    "recorded_seconds_per_epoch": ("ms an epoch, all in and written", "{:,.2f}"),
    "first_step_seconds": ("s to the first step", "{:,.1f}"),
    "compile_seconds": ("s to trace and compile", "{:,.2f}"),
    "command_seconds": ("s, the whole command", "{:,.1f}"),
    "peak_mb": ("MB at the peak", "{:,.0f}"),
    "growth_mb": ("MB grown", "{:,.1f}"),
    "runs_per_second": ("runs/s", "{:,.1f}"),
    "wait_seconds": ("s, the longest wait", "{:,.1f}"),
    "milliseconds_per_run": ("ms a run", "{:,.1f}"),
    "list_seconds": ("s to list", "{:,.1f}"),
    "report_seconds": ("s to report", "{:,.1f}"),
    "best_seconds": ("s to find the best", "{:,.1f}"),
}
IN_MILLISECONDS = ("seconds_per_epoch", "recorded_seconds_per_epoch")


@dataclass(frozen=True)
class Peer:
    """One way to do the work of a contest.

    Attributes:
        name: As the report calls it.
        module: Of benchmarks/peers; or `command`.
        words: For `zoo.compose`, after the contest's own; for a command, the whole of it after `python`.
        spec: What else the module is given.
        needs: What has to be there, or it is left out: `torch`, `bfloat16`, `postgresql`.
        tolerance: Its own, in place of the contest's.
    """

    name: str
    module: str
    words: tuple[str, ...] = ()
    spec: Mapping[str, Any] = field(default_factory=dict)
    needs: Literal["", "torch", "bfloat16", "postgresql"] = ""
    tolerance: float | None = None

    @property
    def reads_prepared(self) -> bool:
        """Whether it gets the zoo's rows and initial weights in a file, rather than loading and building them."""
        return self.module in ("keras_fit", "torch_loop", "keras_predict")


@dataclass(frozen=True)
class Goal:
    """A bound on what one peer measures, as a ratio to another's, as a difference, or by itself.

    Attributes:
        over: The peer that it is set for.
        against: The peer that it is compared with; None: with nothing.
        measure: Of both.
        at_least: The lower bound, or None.
        at_most: The upper bound, or None.
        per: Compare by difference, divided by this measure of `over`, rather than by ratio.
        scale: The difference is multiplied by it, such as 1000 for milliseconds.
        unit: Of the bound, where it is no ratio.
    """

    over: str
    against: str | None
    measure: str
    at_least: float | None = None
    at_most: float | None = None
    per: str | None = None
    scale: float = 1.0
    unit: str = ""

    @property
    def text(self) -> str:
        """The bound in signs."""
        bound = f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"
        return f"{bound} {self.unit}".strip()

    def is_met(self, value: float) -> bool:
        """Tell whether a value keeps within the bounds."""
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


@dataclass(frozen=True)
class Contest:
    """The same work, done by several peers.

    Attributes:
        name: On the command line; a dot leads to a part, such as `lstm.adam`.
        about: What is measured, in a line.
        words: The zoo's choices, from which all peers' shapes follow.
        peers: In the order of their turns; losses are compared with those of the first.
        shown: The measure of the report's main row; None: the goals' own only.
        goals: What is to be reached.
        unit: What `units_per_second` counts.
        epochs: Of the peers that read prepared files.
        tolerance: Largest relative difference of the first epoch's losses.
        later: The same for the epochs after it, where the order of the rows differs.
        perplexity: Compare exp(loss) in place of the loss.
        weights: Whether all peers start from the same weights.
        repeats: Rounds at most, where one takes long; None: as many as are asked for.
        agree: What has to be the same: the losses, the words written, or nothing.
    """

    name: str
    about: str
    words: tuple[str, ...]
    peers: tuple[Peer, ...]
    shown: str | None = "units_per_second"
    goals: tuple[Goal, ...] = ()
    unit: str = "examples"
    epochs: int = 3
    tolerance: float = 1e-3
    later: float = 0.05
    perplexity: bool = False
    weights: bool = True
    repeats: int | None = None
    agree: Literal["losses", "ids", "nothing"] = "losses"
