"""One run's whole config: typed, and with choices that go together."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr, ValidationError, ValidationInfo, model_validator

from zoo.config.faults import sentences
from zoo.config.learning import Init, Optimizer, Schedule
from zoo.config.sections import Checkpoints, Data, EarlyStopping, Loop, Model, Section, Stop, Strategy, Tracking
from zoo.config.settled import is_said, settle
from zoo.config.together import conflicts
from zoo.config.types import Fraction, ImportPath, Line, Positive, Seed, Size, Text
from zoo.config.words import BadInput


class Config(Section):
    """Everything one run was asked to do."""

    model: Model
    data: Data
    optimizer: Optimizer
    init: Init
    schedule: Schedule
    loop: Loop
    strategy: Strategy = Strategy()
    tracking: Tracking
    epochs: Size
    batch_size: Size | Literal["full"]
    seed: Seed = 0
    name: Line | None = None
    loss: Literal["auto", "mse", "binary_crossentropy", "categorical_crossentropy", "probabilities_as_logits"] = "auto"
    label_smoothing: Fraction = 0.0
    class_weight: Literal["balanced"] | list[Positive] | None = None
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    deterministic: bool = False
    callbacks: list[ImportPath] = Field(default=[])
    dry_run: bool = False
    monitor: str = "auto"
    early_stopping: EarlyStopping = EarlyStopping()
    stop: Stop = Stop()
    checkpoint: Checkpoints = Checkpoints()
    data_dir: Text | None = None
    init_from: Text | None = None
    freeze: list[Text] = Field(default=[])
    resume: Text | None = None
    rerun: Text | None = None

    _overrides: tuple[str, ...] = PrivateAttr(default=())

    @classmethod
    def check(cls, tree: Mapping[str, Any], overrides: Sequence[str] = ()) -> Self:
        """Return the typed config of a composed tree.

        Args:
            tree: What Hydra composed, as plain dicts and lists.
            overrides: The user's own words, such as `["model=lstm", "optimizer.learning_rate=0.01"]`; they name the
                run, tell a chosen value from a default, and are kept in its record.

        Raises:
            BadInput: A key is unknown, a value is of the wrong type or out of range, or two choices do not go together.
        """
        try:
            return cls.model_validate(dict(tree), context=tuple(overrides))
        except ValidationError as error:
            raise BadInput(" ".join(sentences(error, cls, tree).values())) from None

    @classmethod
    def faults(cls, tree: Mapping[str, Any]) -> dict[str, str]:
        """Return what `check` would refuse, one sentence for each key; conflicts between choices stand under ""."""
        try:
            cls.model_validate(dict(tree))
        except ValidationError as error:
            return sentences(error, cls, tree)
        return {}

    @property
    def overrides(self) -> tuple[str, ...]:
        """The user's own words."""
        return self._overrides

    def is_explicit(self, key: str) -> bool:
        """Tell whether the user set `key`, such as `model.vocab_size`, rather than a default."""
        return is_said(key, self._overrides)

    @property
    def monitored(self) -> str:
        """The metric that picks the best weights."""
        if self.monitor != "auto":
            return self.monitor
        return "val_accuracy" if self.data.target == "classes" and self.model.output != "values" else "val_loss"

    @property
    def metric_names(self) -> list[str]:
        """The metrics of an epoch that are known before a model is built."""
        names = ["loss"]
        if self.data.target == "tokens":
            names += ["perplexity", *(["bits_per_character"] if self.data.level == "char" else [])]
        elif self.model.output != "values":
            names.append("accuracy")
        return [*names, *(f"val_{name}" for name in names)]

    def tree(self) -> dict[str, Any]:
        """Return the config as plain dicts and lists, with the keys that the chosen options have.

        That a run goes on, or repeats another, is left out: it is not what the run is. Fine-tuning is there where it is
        asked for.
        """
        unused = {key for key in ("init_from", "freeze") if not getattr(self, key)}
        plain = self.model_dump(exclude={"resume", "rerun", *unused})
        for group in ("model", "data", "optimizer", "init", "schedule"):
            plain[group] = getattr(self, group).options()
        return plain

    @model_validator(mode="before")
    @classmethod
    def _follows_from_the_data(cls, tree: Any, info: ValidationInfo) -> Any:
        return settle(tree, info.context or ()) if isinstance(tree, Mapping) else tree

    @model_validator(mode="after")
    def _goes_together(self, info: ValidationInfo) -> Self:
        # Whether the user set a value decides about some conflicts.
        self._overrides = info.context or ()
        if found := list(conflicts(self)):
            raise ValueError(" ".join(found))
        return self
