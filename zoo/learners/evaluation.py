"""A kept model on a test split: the metrics that its run has recorded, and more than a run has time for.

TensorFlow is imported where the model is a network, which it then has been for loading it.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from zoo import learners
from zoo.config import Config
from zoo.config.sections import Strategy
from zoo.data import Splits, Vocabulary
from zoo.data.shards import Stored
from zoo.kept import Loaded
from zoo.models.ngram import Trigram
from zoo.results import calibration, classification, mistakes, positions, regression
from zoo.training import batches

_TOKENS = 2**20  # of a text that are looked at at a time


@dataclass(frozen=True)
class Evaluated:
    """What was found of a model.

    Attributes:
        metrics: Those of the run's own test, to the bit, and beside them by task `ece`; `mean_absolute_error` and `r2`;
            or `bits_per_character` also of words, and the share of unknown ones.
        names: Of the classes; empty where there are none.
        confusion_matrix: int [classes, classes]: a row for each label, a column for each answer.
    """

    metrics: dict[str, float]
    names: Sequence[str] = ()
    confusion_matrix: np.ndarray | None = None


def evaluate(loaded: Loaded, splits: Splits, folder: Path) -> Evaluated:
    """Measure a model on the test split, and write what there is to see into a folder.

    Args:
        loaded: The model.
        splits: The data of its run, perhaps with the test split of other data; see `zoo.data.alike`.
        folder: Of the files.

    Raises:
        BadInput: The data of the run has changed since, so that the model can't read it any more.
    """
    loaded.check_reads(splits)
    weights = loaded.model.weights if isinstance(loaded.model, Trigram) else loaded.model.get_weights()
    alone = loaded.config.model_copy(update={"strategy": Strategy()})  # whoever trained it together
    tested = learners.of(alone, splits).test(weights)
    metrics = {name.removeprefix("test_"): value for name, value in tested.items()}
    if splits.spec.kind == "tokens":
        return Evaluated(metrics | _text(loaded, splits, metrics, folder))
    found = _examples(loaded, splits, folder)
    return replace(found, metrics=metrics | found.metrics)


def _examples(loaded: Loaded, splits: Splits, folder: Path) -> Evaluated:
    from zoo import artifacts

    model, config, spec, test = loaded.model, loaded.config, splits.spec, splits.test
    assert not isinstance(model, Trigram)
    assert test.y is not None
    artifacts.write_reports(model, splits, config, folder)
    found = artifacts.outputs(model, test.x, config)
    if spec.target == "value":
        regression.scatter(test.y, found[:, 0], folder)
        return Evaluated(regression.measure(test.y, found[:, 0]))
    names = spec.labels or [str(label) for label in range(spec.classes)]
    matrix = classification.confusion_matrix(test.y.astype(int), artifacts.told(found), len(names))
    if config.model.output == "values":  # no probabilities, of which one could ask whether they are right
        return Evaluated({}, names, matrix)
    measured = calibration.measure(test.y, found)
    calibration.diagram(measured, folder)
    mistakes.write(test.x, test.y, found, names, folder, spec.image_shape)
    return Evaluated({"ece": measured.ece, "confidence": measured.mean_confidence}, names, matrix)


def _text(loaded: Loaded, splits: Splits, metrics: dict[str, float], folder: Path) -> dict[str, float]:
    assert splits.vocabulary is not None
    vocabulary, config = splits.vocabulary, loaded.config
    if config.model.predict == "every" or isinstance(loaded.model, Trigram):
        unit = "character" if vocabulary.level == "char" else "word"
        positions.loss_by_position(_by_position(loaded, config, splits), unit, folder)
    found = {}
    if "bits_per_character" not in metrics and "perplexity" in metrics:
        found["bits_per_character"] = bits_per_character(metrics["perplexity"], splits.test.x, vocabulary)
    if vocabulary.unk is not None:
        found["unknown"] = _share(splits.test.x, vocabulary.unk)
    return found


def bits_per_character(perplexity: float, text: np.ndarray | Stored, vocabulary: Vocabulary) -> float:
    """Return what a character of a text costs a model of words, so that it compares with models of characters.

    An unknown word counts as the five characters of `<unk>`, which flatters a model that knows few words.

    Args:
        perplexity: Of a word.
        text: Ids, int [n]; the first of them is not told.
        vocabulary: What they mean.
    """
    characters = vocabulary.characters(token for part in _parts(text[1:]) for token in part)
    return math.log2(perplexity) * (len(text) - 1) / characters


def _share(text: np.ndarray | Stored, token: int) -> float:
    return sum(int(np.count_nonzero(part == token)) for part in _parts(text)) / len(text)


def _parts(text: np.ndarray | Stored) -> Iterator[np.ndarray]:
    """Yield a text some tokens at a time."""
    for first in range(0, len(text), _TOKENS):
        yield text[first : first + _TOKENS]


def _by_position(loaded: Loaded, config: Config, splits: Splits) -> dict[str, np.ndarray]:
    if isinstance(loaded.model, Trigram):
        rows = batches.windows(splits.test.x, config, 1, seed=None)
        return {"from nothing": loaded.model.losses(np.column_stack([rows.x, rows.y[:, -1]])).mean(axis=0)}
    from zoo.training import token_losses

    by_position: Callable[..., dict[str, np.ndarray]] = token_losses.by_position
    return by_position(loaded.model.get_weights(), splits, config)
