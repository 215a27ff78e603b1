"""What goes in and what comes out: a loader returns `Examples` or `Texts`, `load` turns them into `Splits`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from zoo.data.scaling import Scaling
from zoo.data.text_files import TextFile
from zoo.data.vocabulary import Vocabulary

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Spec:
    """What a model has to know about the data.

    Attributes:
        kind: `vectors` (float32 rows), `sequences` (float32 rows, one a time step) or `tokens` (int32 ids).
        shape: One input without the batch axis: `(784,)`; for sequences `(time, features)`, for tokens
            `(sequence_length,)`.
        target: `binary` (one 0/1 value), `classes` (an integer label), `value` (a real number) or `tokens` (the next
            token's id).
        classes: Number of classes; 2 for `binary`, 1 for `value`, the vocabulary's size for `tokens`.
        labels: Names of the classes, for reports.
        image_shape: Height and width where a vector is a flattened picture.
        batch_size: Fixed only where recurrent state is carried across batches.
        scaling: What was done to the values of the examples; no business of a model's.
    """

    kind: Literal["vectors", "sequences", "tokens"]
    shape: tuple[int, ...]
    target: Literal["binary", "classes", "value", "tokens"]
    classes: int
    labels: tuple[str, ...] = ()
    image_shape: tuple[int, int] | None = None
    batch_size: int | None = None
    scaling: Scaling = field(default_factory=Scaling, compare=False, repr=False)


@dataclass(frozen=True)
class Split:
    """One split of a data set.

    Attributes:
        x: float32 [n, features], float32 [n, time, features], or a stream of tokens, int32 [n]: a NumPy array, or a
            `zoo.data.shards.Stored`, whose rows lie in files.
        y: Labels int32 [n], values float32 [n], or None beside tokens.
    """

    x: Any
    y: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.x)


@dataclass(frozen=True)
class Splits:
    """A data set, ready to train on.

    Attributes:
        digest: SHA-256 over all arrays as used; equal digests mean equal data.
        source: Where the bytes came from, in words.
        notes: Sentences that the run's log must show.
    """

    name: str
    spec: Spec
    train: Split
    valid: Split
    test: Split
    vocabulary: Vocabulary | None
    digest: str
    source: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Examples:
    """What a loader of examples returns; each split is a pair (x, y).

    Attributes:
        train: x [n, ...] of any numeric type, flattened to rows; y [n], whole numbers from 0. Of sequences: x [n, time,
            features]; y [n], any numbers.
        valid: None: `data.validation` examples are taken from the training split.
        test: None: a fifth of `train` is held out, stratified where there are classes.
        labels: Names of the classes; numbers where left out.
        image_shape: Height and width where a row is a flattened picture.
        value_range: What `scale: unit` maps to [0, 1]; None: each feature's range in the training split.
        source: Where the bytes came from, in words.
        notes: Sentences that the run's log must show.
    """

    train: Pair
    valid: Pair | None = None
    test: Pair | None = None
    labels: Sequence[str] = ()
    image_shape: tuple[int, int] | None = None
    value_range: tuple[float, float] | None = None
    source: str = "the loader"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Texts:
    """What a loader of text returns.

    Attributes:
        train: The training text, lines separated by a newline; a file where it is to be streamed.
        valid: Validation text; None, together with `test`: both are cut from the end of `train`.
        test: Test text.
        held_out: Share of the tokens at the end of `train` that is held out, half to validate and half to test.
        source: Where the text came from, in words.
        notes: Sentences that the run's log must show.
    """

    train: str | TextFile
    valid: str | TextFile | None = None
    test: str | TextFile | None = None
    held_out: float = 0.1
    source: str = "the loader"
    notes: tuple[str, ...] = ()
