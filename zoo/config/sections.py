"""The sections of a run's config, one a group of conf/, with the type and range of every key that the zoo knows."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _import_path(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", value):
        raise ValueError("should be an import path such as my_package.my_module.build")
    return value


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("should be a number")
    return value


ImportPath = Annotated[str, AfterValidator(_import_path)]
Number = Annotated[float, BeforeValidator(_number), Field(allow_inf_nan=False)]
Positive = Annotated[Number, Field(gt=0)]
NonNegative = Annotated[Number, Field(ge=0)]
Fraction = Annotated[Number, Field(ge=0, lt=1)]
Size = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Activation = Literal[
    "linear", "sigmoid", "hard_sigmoid", "tanh", "relu", "relu6", "leaky_relu", "elu", "selu", "celu", "gelu", "silu",
    "swish", "mish", "softplus", "softsign", "exponential",
]  # fmt: skip


class Section(BaseModel):
    """A part of the config whose keys are all known."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Option(BaseModel):
    """A part of the config whose keys the chosen option's file declares; those named here are checked."""

    model_config = ConfigDict(extra="allow", strict=True, frozen=True)

    name: str

    def options(self, *without: str) -> dict[str, Any]:
        """Return the keys that the option's file declares, but for those named."""
        return {key: value for key, value in self.model_dump(exclude_unset=True).items() if key not in without}


class Model(Option):
    """What to build: `build(spec, **options)` returns a `keras.Model`."""

    build: ImportPath
    reads: Literal["vectors", "tokens"]
    output: Literal["logits", "probabilities", "values"] = "logits"
    hidden: list[Size] = []
    activation: Activation = "linear"
    dropout: Fraction = 0.0
    batch_normalization: bool = False
    max_norm: Positive | None = None
    l2: NonNegative = 0.0
    iterations: Size = 1
    feedback_from: str = "output"
    feedback_to: str = "hidden_1"
    units: Size = 1
    layers: Size = 1
    embedding: Size = 1
    vocab_size: Size | None = None
    predict: Literal["every", "last"] = "every"
    carry_state: bool | None = None
    tied_weights: bool = False
    unit_forget_bias: bool = True

    @property
    def carries_state(self) -> bool:
        """Whether recurrent state goes on from one batch to the next."""
        if "carry_state" not in self.model_fields_set:
            return False
        return self.predict == "every" if self.carry_state is None else self.carry_state

    @model_validator(mode="after")
    def _feedback_leads_back(self) -> Self:
        if "feedback_from" not in self.model_fields_set:
            return self
        names = [f"hidden_{depth}" for depth in range(1, len(self.hidden) + 1)]
        if not names:
            raise ValueError("hidden should name at least one layer of a feedback network, such as [2]. Received: [].")
        if self.feedback_to not in names:
            raise ValueError(f"feedback_to should be one of {', '.join(names)}. Received: {self.feedback_to}.")
        sources = [*names[names.index(self.feedback_to) :], "output"]
        if self.feedback_from not in sources:
            raise ValueError(f"feedback_from should be one of {', '.join(sources)}. Received: {self.feedback_from}.")
        return self


class Data(Option):
    """What to train on: `load` is the import path of the function that reads it."""

    load: ImportPath
    gives: Literal["vectors", "tokens"]
    target: Literal["binary", "classes", "tokens"] = "classes"
    limit: Size | None = None
    classes: list[Count] | None = None
    validation: Positive | None = None
    augment: list[Literal["shift", "rotate"]] = []
    level: Literal["word", "char"] = "word"
    sequence_length: Size = 1
    stride: Size | None = None
    train: str | None = None
    valid: str | None = None
    test: str | None = None


class Optimizer(Option):
    """Keras's own optimizer arguments; `class_name` is the Keras class, or an import path."""

    class_name: str
    learning_rate: Positive
    full_batch: bool = False
    momentum: Fraction = 0.0
    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    rho: Fraction = 0.9
    epsilon: Positive | None = None
    weight_decay: NonNegative | None = None
    clipnorm: Positive | None = None
    global_clipnorm: Positive | None = None
    clipvalue: Positive | None = None
    gradient_accumulation_steps: Annotated[int, Field(ge=2)] | None = None
    use_ema: bool = False
    ema_momentum: Fraction = 0.99

    @model_validator(mode="after")
    def _one_kind_of_clipping(self) -> Self:
        given = [key for key in ("clipnorm", "global_clipnorm", "clipvalue") if getattr(self, key) is not None]
        if len(given) > 1:
            raise ValueError(f"takes one kind of gradient clipping, not {' and '.join(given)}")
        return self


class Init(Option):
    """Initial weights: a Keras initializer identifier, and the kinds of weight that it sets."""

    class_name: str | None = None
    apply_to: list[Literal["kernel", "recurrent_kernel", "embeddings"]] = ["kernel"]
    bias: Number | None = None
    stddev: Positive = 0.05
    scale: Positive = 1.0
    gain: Number = 1.0


class Schedule(Option):
    """The learning rate over time."""

    every: Size = 1
    gamma: Positive = 1.0
    decay: Positive = 1.0
    factor: Positive = 1.0
    final: NonNegative = 0.0
    warmup: NonNegative = 0.0
    patience: Size = 1


class Loop(Section):
    """Who drives the training."""

    name: Literal["fit", "tape"]
    jit: bool | None = None
    steps_per_execution: Size | None = None


class Tracking(Section):
    """Where runs are recorded."""

    name: Literal["mlflow", "off"]
    uri: str | None = None
    experiment: str | None = None


class EarlyStopping(Section):
    """Stop when a metric no longer improves; off while `patience` is null."""

    patience: Count | None = None
    metric: str | None = None
    min_delta: NonNegative = 0.0


class Stop(Section):
    """Stop as soon as `metric` has reached `value`."""

    metric: str | None = None
    value: Number | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> Self:
        if (self.metric is None) != (self.value is None):
            raise ValueError("needs both stop.metric and stop.value")
        return self
