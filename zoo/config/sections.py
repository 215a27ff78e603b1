"""The sections of a run's config, one a group of conf/, with the type and range of every key that the zoo's files have.

A model, data set, optimizer, initialization or schedule of the user's may have keys of its own. The last three are in
`zoo.config.learning`.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from zoo.config.types import (
    TOO_LARGE,
    Activation,
    Address,
    Count,
    Fraction,
    Held,
    ImportPath,
    Inside,
    Means,
    NonNegative,
    Number,
    Positive,
    Several,
    Size,
    Text,
    Whole,
)
from zoo.config.words import either, shown

Kind = Literal["vectors", "sequences", "tokens"]
Kinds = Annotated[list[Kind], Field(min_length=1)]


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
    """What to build: `build(spec, **options)` returns a `keras.Model`.

    Where it learns by counting, `build(tokens, words, **options)` returns a `zoo.models.ngram.Trigram`.
    """

    build: ImportPath
    learns: Literal["training", "counting"] = "training"
    reads: Annotated[Kind | Kinds, Means("vectors, sequences or tokens, or a list of them")]
    output: Literal["logits", "probabilities", "values"] = "logits"
    hidden: list[Size] = []
    activation: Activation = "linear"
    dropout: Fraction = 0.0
    input_dropout: Fraction = 0.0
    batch_normalization: bool = False
    max_norm: Positive | None = None
    l2: NonNegative = 0.0
    iterations: Size = 1
    feedback_from: str = "output"
    feedback_to: str = "hidden_1"
    cell: Literal["rnn", "gru", "lstm"] = "rnn"
    units: Size = 1
    layers: Size = 1
    embedding: Size = 1
    vocab_size: Size | None = None
    predict: Literal["every", "last"] = "every"
    carry_state: bool | None = None
    tied_weights: bool = False
    unit_forget_bias: bool = True
    discount: Inside = 0.75

    @property
    def kinds(self) -> list[Kind]:
        """The kinds of data that the model reads."""
        return [self.reads] if isinstance(self.reads, str) else self.reads

    @property
    def carries_state(self) -> bool:
        """Whether recurrent state goes on from one batch to the next."""
        if "carry_state" not in self.model_fields_set:
            return False
        return self.predict == "every" if self.carry_state is None else self.carry_state

    @model_validator(mode="after")
    def _counts_tokens(self) -> Self:
        if self.learns == "counting" and self.kinds != ["tokens"]:
            raise ValueError(
                "model.learns=counting is for a model that reads tokens. "
                f"Received: model.reads={shown(self.reads)}. Add model.reads=tokens, or use model.learns=training."
            )
        return self

    @model_validator(mode="after")
    def _feedback_leads_back(self) -> Self:
        if "feedback_from" not in self.model_fields_set:
            return self
        names = [f"hidden_{depth}" for depth in range(1, len(self.hidden) + 1)]
        if not names:
            raise ValueError("model.hidden should name at least one layer, such as [2]. Received: model.hidden=[].")
        if self.feedback_to not in names:
            raise ValueError(_one_of("model.feedback_to", self.feedback_to, names))
        sources = [*names[names.index(self.feedback_to) :], "output"]
        if self.feedback_from not in sources:
            raise ValueError(_one_of("model.feedback_from", self.feedback_from, sources))
        return self


class Data(Option):
    """What to train on: `load` is the import path of the function that reads it."""

    load: ImportPath
    gives: Kind
    target: Literal["binary", "classes", "value", "tokens"] = "classes"
    limit: Size | None = None
    streaming: bool = False
    # Vectors
    scale: Literal["unit", "standardize", "none"] = "none"
    classes: list[Count] | None = None
    validation: Held | None = None
    folds: Several | None = None
    fold: Count | None = None
    augment: list[Literal["shift", "rotate"]] = []
    samples: Annotated[Whole, Field(ge=10, lt=TOO_LARGE), Means("a whole number of at least 10")] = 10
    features: Size = 1
    n_classes: Several = 2
    spread: NonNegative = 1.0
    # Sequences
    length: Annotated[Whole, Field(ge=10, le=200), Means("a whole number from 10 to 200")] = 50
    # Tokens
    part: Literal["all", "old", "new"] = "all"
    level: Literal["word", "char"] = "word"
    sequence_length: Size = 1
    stride: Size | None = None
    train: Text | None = None
    valid: Text | None = None
    test: Text | None = None
    split: Inside = 0.1

    @model_validator(mode="after")
    def _a_value_for_each_sequence(self) -> Self:
        if (self.gives == "sequences") != (self.target == "value"):
            raise ValueError(
                "data.gives=sequences and data.target=value go together. "
                f"Received: data.gives={self.gives} with data.target={self.target}."
            )
        return self

    @model_validator(mode="after")
    def _one_of_the_folds(self) -> Self:
        folds, fold = self.folds, self.fold
        if folds is None and fold is None:
            return self
        if folds is None:
            raise ValueError(f"data.fold={fold} needs data.folds beside it, the number of parts, such as data.folds=5.")
        if fold is None:
            raise ValueError(
                f"data.folds={folds} needs data.fold beside it, the part to validate on: data.fold=0, "
                f"or -m data.fold='range({folds})' for one run with each."
            )
        if fold >= folds:
            raise ValueError(
                f"data.fold should be a whole number from 0 to {folds - 1}, since data.folds={folds}. "
                f"Received: data.fold={fold}."
            )
        return self


class Loop(Section):
    """Who drives the training."""

    name: Literal["fit", "tape", "by_hand"]
    jit: bool | None = None
    steps_per_execution: Size | None = None


class Strategy(Section):
    """Who shares the work of a step: one device, several of this process, or several processes."""

    name: Literal["none", "mirrored", "multiworker"] = "none"
    devices: Several | None = None
    wait: Positive = 120.0


class Tracking(Section):
    """Where runs are recorded."""

    name: Literal["mlflow", "off"]
    uri: Address | None = None
    experiment: Text | None = None
    every: Size | None = None
    offline: Literal["fail", "spool"] = "fail"


class Checkpoints(Section):
    """How often the state of a training is saved, and whether it stays when the run has ended."""

    seconds: Positive | None = 30.0
    keep: bool = True


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
            given, missing = ("metric", "value") if self.value is None else ("value", "metric")
            raise ValueError(f"stop.{given} needs stop.{missing} beside it. Give both, or neither.")
        return self


def _one_of(key: str, value: str, names: list[str]) -> str:
    return f"{key} should be {either(names)}. Received: {key}={value}."
