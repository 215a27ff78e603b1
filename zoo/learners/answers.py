"""What a kept model says of inputs that nobody has labelled: classes, values, the next token."""

from dataclasses import dataclass

import numpy as np

from zoo import writing
from zoo.config import BadInput, Config
from zoo.data import Spec
from zoo.kept import Loaded
from zoo.models.ngram import Trigram

LONGEST = 1_000
"""Tokens that a model which carries its state reads of a prompt: what lies further back no longer tells."""


@dataclass(frozen=True)
class Answers:
    """What a model says of some inputs.

    Attributes:
        values: float [n], of a model that puts out values; None of one that tells classes.
        probabilities: float [n, classes]; None of a model that puts out values.
    """

    values: np.ndarray | None = None
    probabilities: np.ndarray | None = None


def of(loaded: Loaded, x: np.ndarray, spec: Spec) -> Answers:
    """Return what a network says of some rows.

    Args:
        loaded: The network.
        x: float32 [n, ...], as it reads them.
        spec: Of the data that it was trained on.

    Raises:
        BadInput: What it puts out are no numbers.
    """
    from zoo import artifacts

    assert not isinstance(loaded.model, Trigram)
    found = artifacts.outputs(loaded.model, x, loaded.config).astype(np.float64)
    _check(found, loaded)
    if loaded.config.model.output == "values":
        return Answers(values=found[:, 0])
    if spec.target == "binary":
        found = np.hstack([1 - found[:, :1], found[:, :1]])
    return Answers(probabilities=found)


def read(ids: np.ndarray, config: Config) -> np.ndarray:
    """Return the last tokens of a text, as many as a model reads.

    Args:
        ids: int [n].
        config: The run's.
    """
    return ids[-(LONGEST if config.model.carries_state else config.data.sequence_length) :]


def next_token(loaded: Loaded, ids: np.ndarray) -> np.ndarray:
    """Return the probability of each token of the vocabulary after a text, float64 [vocabulary].

    Args:
        loaded: A language model.
        ids: int [n], at least one.

    Raises:
        BadInput: What it puts out are no numbers, or it reads texts of one length alone, and this is shorter.
    """
    if isinstance(loaded.model, Trigram):
        assert loaded.vocabulary is not None
        return loaded.model.after(loaded.model.context(ids.tolist(), writing.beginning(loaded.vocabulary)))
    length = loaded.model.input_shape[1]
    if length is not None and len(ids) < length:
        raise BadInput(f"The model reads {length} tokens, no fewer. Received: {len(ids)}.")
    found = np.asarray(loaded.model(ids[None, -(length or len(ids)) :].astype(np.int32), training=False), np.float64)
    last = found[0, -1] if found.ndim == 3 else found[0]
    _check(last, loaded)
    if loaded.config.model.output == "logits":
        last = np.exp(last - last.max())
    return last / last.sum()


def _check(found: np.ndarray, loaded: Loaded) -> None:
    if not np.isfinite(found).all():
        raise BadInput(f"The model of run {loaded.run.id} puts out NaN or infinity: its training has diverged.")
