"""What a kept model reads and what its outputs mean, as a file beside it: whoever uses the model needs no data set."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from zoo.config import BadInput
from zoo.data.scaling import Scaling
from zoo.data.spec import Spec, Splits

FILE = "inputs.json"
EXAMPLES = 3
_TOKENS = 12
_DIGITS = 9  # that tell any two float32 apart


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a model reads and what its outputs mean.

    Attributes:
        data: The name of the data set that it was trained on.
        spec: Kind, shape, target, classes and their labels, and how values of the data set become those that are read.
        output: What the model puts out: logits, probabilities or values.
        example: That the model reads: float32 [n, ...], or int32 [n] of token ids.
    """

    data: str
    spec: Spec
    output: Literal["logits", "probabilities", "values"]
    example: np.ndarray

    @classmethod
    def of(cls, splits: Splits, output: Literal["logits", "probabilities", "values"]) -> Self:
        """Return those of a model with an output and a data set, with the first examples of its test split."""
        is_text = splits.spec.kind == "tokens"
        example = splits.test.x[: _TOKENS if is_text else EXAMPLES]
        return cls(splits.name, splits.spec, output, example)

    def save(self, folder: Path) -> None:
        """Write them as JSON."""
        plain = {
            "data": self.data,
            **{
                name: getattr(self.spec, name)
                for name in ("kind", "shape", "target", "classes", "labels", "image_shape")
            },
            "output": self.output,
            "scaling": self.spec.scaling.to_dict(),
            "example": _short(self.example),
        }
        (folder / FILE).write_text(json.dumps(plain, ensure_ascii=False) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            BadInput: The file is not there, or is none.
        """
        try:
            if path.exists() and not path.is_file():  # reading a pipe would never end
                raise ValueError("it is no file")
            return cls._read(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise BadInput(f"{path} should say what a model reads, but can't be read: {error}.") from None

    @classmethod
    def _read(cls, plain: dict[str, Any]) -> Self:
        image = plain["image_shape"]
        spec = Spec(
            plain["kind"],
            tuple(int(size) for size in plain["shape"]),
            plain["target"],
            int(plain["classes"]),
            tuple(str(label) for label in plain["labels"]),
            (int(image[0]), int(image[1])) if image else None,
            scaling=Scaling.from_dict(plain["scaling"]),
        )
        if spec.kind not in ("vectors", "sequences", "tokens"):
            raise ValueError(f"its kind should be vectors, sequences or tokens, and is {spec.kind}")
        if spec.target not in ("binary", "classes", "value", "tokens"):
            raise ValueError(f"its target should be binary, classes, value or tokens, and is {spec.target}")
        if plain["output"] not in ("logits", "probabilities", "values"):
            raise ValueError(f"its output should be logits, probabilities or values, and is {plain['output']}")
        if min((*spec.shape, spec.classes)) < 1 or len(spec.labels) not in (0, spec.classes):
            raise ValueError("its shape, classes and labels do not go together")
        example = np.asarray(plain["example"], np.int32 if spec.kind == "tokens" else np.float32)
        axes = 1 if spec.kind == "tokens" else len(spec.shape) + 1
        if example.ndim != axes or not example.size:
            raise ValueError("its example has another shape")
        return cls(str(plain["data"]), spec, plain["output"], example)


def _short(array: np.ndarray) -> Any:
    """Return an array as nested lists, each number with no more digits than float32 needs."""
    if array.dtype.kind != "f":
        return array.tolist()
    flat = [float(f"{value:.{_DIGITS}g}") for value in array.ravel().tolist()]
    return np.array(flat).reshape(array.shape).tolist()
