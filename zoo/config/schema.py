"""One run's whole config: typed, and with choices that go together."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from zoo.config.sections import (
    Count,
    Data,
    EarlyStopping,
    Fraction,
    ImportPath,
    Init,
    Loop,
    Model,
    Optimizer,
    Positive,
    Schedule,
    Section,
    Size,
    Stop,
    Tracking,
)
from zoo.config.words import BadInput, flatten, nearest, paragraph


class Config(Section):
    """Everything one run was asked to do."""

    model: Model
    data: Data
    optimizer: Optimizer
    init: Init
    schedule: Schedule
    loop: Loop
    tracking: Tracking
    epochs: Size
    batch_size: Size | Literal["full"]
    seed: Count = 0
    name: str | None = None
    loss: Literal["auto", "mse", "binary_crossentropy", "categorical_crossentropy"] = "auto"
    label_smoothing: Fraction = 0.0
    class_weight: Literal["balanced"] | list[Positive] | None = None
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    deterministic: bool = False
    monitor: str = "auto"
    early_stopping: EarlyStopping = EarlyStopping()
    stop: Stop = Stop()
    callbacks: list[ImportPath] = Field(default=[])
    data_dir: str | None = None
    dry_run: bool = False

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
            config = cls.model_validate(dict(tree))
        except ValidationError as error:
            raise BadInput(paragraph(error, [*flatten(tree), *cls.model_fields])) from None
        config._overrides = tuple(overrides)
        return config

    @property
    def overrides(self) -> tuple[str, ...]:
        """The user's own words."""
        return self._overrides

    def is_explicit(self, key: str) -> bool:
        """Tell whether the user set `key`, such as `model.vocab_size`, rather than a default."""
        return any(re.match(rf"\+*{re.escape(key)}=", override) for override in self._overrides)

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
            names.append("perplexity")
        elif self.model.output != "values":
            names.append("accuracy")
        return [*names, *(f"val_{name}" for name in names)]

    def tree(self) -> dict[str, Any]:
        """Return the config as plain dicts and lists, with the keys that the chosen options have."""
        plain = self.model_dump()
        for group in ("model", "data", "optimizer", "init", "schedule"):
            plain[group] = getattr(self, group).options()
        return plain

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        model, data = self.model, self.data
        if model.reads != data.gives:
            raise ValueError(
                f"model={model.name} reads {model.reads}, but data={data.name} gives {data.gives}. "
                f"Choose data that gives {model.reads}, or a model that reads {data.gives}."
            )
        two_valued = data.target == "binary" or (data.classes is not None and len(data.classes) == 2)
        if model.output == "values" and not two_valued:
            raise ValueError(
                f"model={model.name} puts out one value, but data={data.name} has more than two classes. "
                "Keep two of them: data.classes=[0,1]."
            )
        if self.optimizer.full_batch and self.batch_size != "full":
            raise ValueError(
                f"optimizer={self.optimizer.name} works on whole-data gradients only: add batch_size=full."
            )
        if self.batch_size == "full" and model.carries_state:
            raise ValueError(
                "batch_size=full does not go with recurrent state carried across batches: batch_size is the number of "
                "parallel streams there. Give a number, or model.carry_state=false."
            )
        if data.classes is not None and len(set(data.classes)) < max(2, len(data.classes)):
            raise ValueError(f"data.classes should name at least two different classes. Received: {data.classes}.")
        for key, metric in (
            ("monitor", self.monitored),
            ("stop.metric", self.stop.metric),
            ("early_stopping.metric", self.early_stopping.metric),
        ):
            if metric is not None and metric not in self.metric_names and not self.callbacks:
                raise ValueError(f"{key} names an unknown metric '{metric}'. {nearest(metric, self.metric_names)}")
        self._check_loss()
        if self.class_weight is not None and data.target == "tokens":
            raise ValueError("class_weight does not apply to text.")
        return self

    def _check_loss(self) -> None:
        loss, output = self.loss, self.model.output
        if loss == "mse" and output == "logits":
            raise ValueError(
                f"loss=mse compares values, but model={self.model.name} puts out logits. "
                "Use model.output=probabilities."
            )
        if loss.endswith("crossentropy") and output == "values":
            raise ValueError(
                f"loss={loss} needs logits or probabilities, but model={self.model.name} puts out unbounded values. "
                "Use loss=mse."
            )
        binary = self.data.target == "binary"
        if (loss == "binary_crossentropy" and not binary) or (loss == "categorical_crossentropy" and binary):
            right = "binary_crossentropy" if binary else "categorical_crossentropy"
            raise ValueError(
                f"loss={loss} does not fit data={self.data.name}, whose target is {self.data.target}. Use loss={right}."
            )
        if self.label_smoothing and (loss == "mse" or output == "values"):
            raise ValueError("label_smoothing goes with a cross-entropy, not with mean squared error.")
