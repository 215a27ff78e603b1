"""The sections that say how weights change: optimizer, initialization, schedule of the learning rate."""

from typing import Literal, Self

from pydantic import Field, model_validator

from zoo.config.sections import Option
from zoo.config.types import (
    AboveOne,
    AtLeastOne,
    Count,
    Fraction,
    Inside,
    Negative,
    NonNegative,
    Number,
    Pattern,
    Positive,
    Several,
    Share,
    Size,
)


class Optimizer(Option):
    """Keras's own optimizer arguments; `class_name` is the Keras class, or an import path."""

    class_name: str
    learning_rate: Positive
    full_batch: bool = False
    # What every optimizer of Keras takes
    clipnorm: Positive | None = None
    global_clipnorm: Positive | None = None
    clipvalue: Positive | None = None
    weight_decay: NonNegative | None = None
    gradient_accumulation_steps: Several | None = None
    use_ema: bool = False
    ema_momentum: Fraction = 0.99
    # What some of them take
    momentum: Fraction = 0.0
    nesterov: bool = False
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    rho: Fraction = 0.9
    epsilon: Positive = 1e-7
    amsgrad: bool = False
    centered: bool = False
    initial_accumulator_value: NonNegative = 0.1
    # Adafactor
    beta_2_decay: Negative = -0.8
    epsilon_1: Positive = 1e-16
    epsilon_2: Positive = 1e-3
    clip_threshold: Positive = 1.0
    relative_step: bool = True
    # Muon
    exclude_layers: list[Pattern] = Field(default=[])
    exclude_embeddings: bool = True
    adam_weight_decay: NonNegative | None = None
    adam_lr_ratio: Positive = 1.0
    adam_beta_1: Fraction = 0.9
    adam_beta_2: Fraction = 0.999
    ns_steps: Size = 5
    muon_a: Number = 3.4445
    muon_b: Number = -4.775
    muon_c: Number = 2.0315
    rms_rate: Positive | None = 0.2
    # Rprop
    eta_plus: AboveOne = 1.2
    eta_minus: Inside = 0.5
    step_min: NonNegative = 1e-6
    step_max: Positive = 50.0

    @property
    def adapts_by_itself(self) -> bool:
        """Whether `learning_rate` is only where the steps of each weight start from."""
        return self.class_name.rpartition(".")[2] == "Rprop"

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        given = [key for key in ("clipnorm", "global_clipnorm", "clipvalue") if getattr(self, key) is not None]
        if len(given) > 1:
            names = " and ".join(f"optimizer.{key}" for key in given)
            raise ValueError(f"There is one kind of gradient clipping in a run. Received: {names}. Keep one of them.")
        if {"step_min", "step_max"} <= self.model_fields_set and self.step_min >= self.step_max:
            raise ValueError(
                "optimizer.step_min should be below optimizer.step_max. "
                f"Received: {self.step_min:g} and {self.step_max:g}."
            )
        return self


class Init(Option):
    """Initial weights: a Keras initializer identifier, and the kinds of weight that it sets."""

    class_name: str | None = None
    apply_to: list[Literal["kernel", "recurrent_kernel", "embeddings"]] = Field(default=["kernel"])
    bias: Number | None = None
    mean: Number = 0.0
    stddev: Positive = 0.05
    minval: Number = -0.05
    maxval: Number = 0.05
    scale: Positive = 1.0
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in"
    distribution: Literal["normal", "truncated_normal", "untruncated_normal", "uniform"] = "truncated_normal"
    gain: Number = 1.0

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if {"minval", "maxval"} <= self.model_fields_set and self.minval >= self.maxval:
            raise ValueError(f"init.minval should be below init.maxval. Received: {self.minval:g} and {self.maxval:g}.")
        return self


class Schedule(Option):
    """The learning rate over time."""

    final: Share = 0.0
    every: Size = 1
    gamma: Positive = 1.0
    decay: Positive = 1.0
    power: Positive = 1.0
    full_epochs: Count = 1
    factor: Positive = 1.0
    warmup: NonNegative = 0.0
    period: Positive = 1.0
    period_multiplier: AtLeastOne = 1.0
    peak_multiplier: Positive = 1.0
    metric: str | None = None
    patience: Count = 1
    min_delta: NonNegative = 0.0
    cooldown: Count = 0
    min_lr: NonNegative = 0.0

    @model_validator(mode="after")
    def _reduces(self) -> Self:
        if self.name == "plateau" and self.factor >= 1:
            raise ValueError(f"schedule.factor should be a number between 0 and 1. Received: {self.factor:g}.")
        return self
