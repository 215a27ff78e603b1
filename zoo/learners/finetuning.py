"""A network that starts from the weights of a tracked run, and what it forgets of that run's task."""

import logging
from dataclasses import dataclass

import keras
import numpy as np

from zoo import artifacts, data, kept
from zoo.config import BadInput, Config
from zoo.data import Splits
from zoo.models.ngram import Trigram
from zoo.optim import initializers
from zoo.start import naming
from zoo.training.train import test
from zoo.training.transfer import transfer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Source:
    """The run that a network starts from.

    Attributes:
        loaded: Its model, config and record.
        about: What was taken of it, in a sentence.
    """

    loaded: kept.Loaded
    about: str

    def forgetting(self, weights: list[np.ndarray], splits: Splits, config: Config) -> dict[str, float]:
        """Measure the fine-tuned weights on the test split of the source's own task.

        Its own output layer reads what the fine-tuned layers give, or its own rows for the words that the other text
        does not have.

        Args:
            weights: Fine-tuned.
            splits: Of the new task.
            config: Of the new task.

        Returns:
            `source_test_*`, and `source_test_*_before` as the source's run has recorded it, or as it is measured now
            where that run was not tested: it was interrupted, or the trial of a search.
        """
        own, model = self.loaded.config, self.loaded.model
        assert isinstance(model, keras.Model)
        try:
            before = data.load(
                own.data,
                folder=data.location(config.data_dir),
                vocab_size=own.model.vocab_size,
                vocab_size_explicit=own.is_explicit("model.vocab_size"),
            )
        except BadInput as error:
            log.warning(f"What was forgotten of the task of run {self.loaded.run.id} can't be measured: {error}")
            return {}
        recorded = {name: value for name, value in self.loaded.run.metrics.items() if name.startswith("test_")}
        if "test_loss" not in recorded:
            recorded = {f"test_{name}": value for name, value in test(model.get_weights(), before, own).items()}
        tuned = artifacts.keepable(config, splits, weights)
        transfer(tuned, model, _vocabularies(splits, before), same_classes=_same_classes(config, own))
        logs = test(model.get_weights(), before, own)
        found = {f"source_test_{name}": value for name, value in logs.items()}
        found |= {f"source_test_{name}_before": recorded[f"test_{name}"] for name in logs if f"test_{name}" in recorded}
        return found


def start(model: keras.Model, splits: Splits, config: Config) -> Source | None:
    """Give a model the weights of the run it starts from; None if it starts from scratch.

    Args:
        model: With its initial weights.
        splits: Its data.
        config: The run's.

    Raises:
        BadInput: The run kept no network, or its weights do not fit.
    """
    if config.init_from is None:
        return None
    loaded = kept.load(config.init_from, config.tracking.uri)
    if isinstance(loaded.model, Trigram):
        raise BadInput(
            f"Run {loaded.run.id} ({loaded.run.name}) has counted words: there are no weights to start from."
        )
    vocabularies = None
    if splits.vocabulary is not None:
        if loaded.vocabulary is None or loaded.vocabulary.level != splits.vocabulary.level:
            raise BadInput(
                f"Run {loaded.run.id} ({loaded.run.name}) should have read text by {splits.vocabulary.level}, as this "
                "one does."
            )
        vocabularies = loaded.vocabulary, splits.vocabulary
    # What begins anew must not begin where the source itself began under the same seed: the new output layer would be
    # the source's twin, and pull its features apart.
    initializers.initialize(model, config.init, initializers.derive(config.seed, naming.fingerprint(loaded.config)))
    said = transfer(loaded.model, model, vocabularies, same_classes=_same_classes(loaded.config, config))
    frozen = f" Frozen: {', '.join(config.freeze)}." if config.freeze else ""
    return Source(loaded, f"Starts from run {loaded.run.id} ({loaded.run.name}): {said}.{frozen}")


def _vocabularies(source: Splits, target: Splits) -> tuple[data.Vocabulary, data.Vocabulary] | None:
    if source.vocabulary is None or target.vocabulary is None:
        return None
    return source.vocabulary, target.vocabulary


def _same_classes(one: Config, other: Config) -> bool:
    return (one.data.name, one.data.classes) == (other.data.name, other.data.classes)
