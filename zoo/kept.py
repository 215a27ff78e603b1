"""A finished run, back in Python: its model, its config, its vocabulary."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import data, quiet, tracking
from zoo.config import BadInput, Config
from zoo.data import Inputs, Vocabulary, inputs
from zoo.models import ngram
from zoo.start import yaml_files

if TYPE_CHECKING:
    import keras

    from zoo.models.ngram import Trigram

NETWORK = "model.keras"


@dataclass(frozen=True)
class Loaded:
    """What `load` gives back.

    Attributes:
        model: With its best weights; takes any batch size. Of `model=trigram`, what was counted.
        config: What the run was asked to do.
        vocabulary: Of a language model; None otherwise.
        run: The record: parameters, tags, metrics.
    """

    model: "keras.Model | Trigram"
    config: Config
    vocabulary: Vocabulary | None
    run: tracking.StoredRun

    def check_reads(self, splits: data.Splits) -> None:
        """Refuse data that is not of the form that the model was trained on.

        Raises:
            BadInput: Its text has other words, or its examples other features or classes: it has changed since.
        """
        spec = splits.spec
        if isinstance(self.model, ngram.Trigram):
            fits = self.model.words == spec.classes
        else:
            pairs = zip(self.model.input_shape[1:], spec.shape, strict=False)
            one = spec.target in ("binary", "value") or self.config.model.output == "values"
            fits = all(side in (None, own) for side, own in pairs)
            fits = fits and self.model.output_shape[-1] == (1 if one else spec.classes)
        if self.vocabulary is not None and splits.vocabulary is not None:
            fits = fits and self.vocabulary.tokens == splits.vocabulary.tokens
        if not fits:
            raise BadInput(
                f"The data of run {self.run.id}, data={self.config.data.name}, is not what the run was trained on: it "
                "has changed since. Bring back what it was, or train anew."
            )


@dataclass(frozen=True)
class Kept:
    """A run that has kept its model, which is not loaded yet.

    Attributes:
        run: The record.
        config: What the run was asked to do.
        vocabulary: Of a language model; None otherwise.
        files: Names of what it kept.
    """

    run: tracking.StoredRun
    config: Config
    vocabulary: Vocabulary | None
    files: frozenset[str]

    @property
    def is_counted(self) -> bool:
        """Whether its model is a trigram."""
        return ngram.FILE in self.files

    @cached_property
    def file(self) -> Path:
        """The file of the model."""
        return self.run.download(ngram.FILE if self.is_counted else NETWORK)

    @cached_property
    def inputs(self) -> Inputs:
        """What the model reads; of a run that did not write it down, by loading its data again.

        Raises:
            BadInput: What it wrote is damaged, or the data can't be had.
        """
        if inputs.FILE in self.files:
            return Inputs.load(self.run.download(inputs.FILE))
        splits = self.splits()
        return Inputs.of(splits, "probabilities" if self.is_counted else self.config.model.output)

    @property
    def data_folder(self) -> Path:
        """Where prepared data is kept: where the user has said so for the run, else where it is kept now."""
        now = os.environ.get("ZOO_DATA_DIR")
        return data.location(self.config.data_dir if self.config.is_explicit("data_dir") or not now else now)

    def splits(self) -> data.Splits:
        """Load the data that the run was made with.

        Raises:
            BadInput: It is not within reach any more.
        """
        return data.load(
            self.config.data,
            folder=self.data_folder,
            vocab_size=self.config.model.vocab_size,
            vocab_size_explicit=self.config.is_explicit("model.vocab_size"),
        )

    def model(self) -> "keras.Model | Trigram":
        """Return the model.

        Raises:
            BadInput: What the run kept is damaged, or would execute code.
        """
        return ngram.Trigram.load(self.file) if self.is_counted else network(self.file)

    def load(self) -> Loaded:
        """Return it with its model.

        Raises:
            BadInput: What the run kept is damaged, or would execute code.
        """
        return Loaded(self.model(), self.config, self.vocabulary, self.run)


def find(run_id: str, tracking_uri: str | None = None) -> Kept:
    """Find a run that has kept its model, without loading it: that needs no TensorFlow.

    Args:
        run_id: As `load` takes it.
        tracking_uri: The store; the default one if left out.

    Raises:
        BadInput: There is no such run, it kept no model, or its config or vocabulary is damaged.
    """
    run = tracking.refer(run_id, tracking_uri)
    kept = frozenset(run.artifacts())
    if "config.yaml" not in kept or not {NETWORK, ngram.FILE} & kept:
        raise BadInput(tracking.why_no_model(run))
    words = yaml_files.read_words(run.download("overrides.yaml")) if "overrides.yaml" in kept else []
    config = Config.check(yaml_files.read(run.download("config.yaml")), words)
    vocabulary = Vocabulary.load(run.download("vocabulary.json")) if "vocabulary.json" in kept else None
    return Kept(run, config, vocabulary, kept)


def load(run_id: str, tracking_uri: str | None = None) -> Loaded:
    """Load what a run has left.

    Args:
        run_id: Its id, an unambiguous beginning of it, `last`, `best:FILTER` or `models:/NAME@ALIAS`; of a sweep, the
            best of its runs.
        tracking_uri: The store; the default one if left out.

    Raises:
        BadInput: There is no such run, it kept no model, or what it kept is damaged or would execute code.
    """
    return find(run_id, tracking_uri).load()


def network(path: Path) -> "keras.Model":
    """Load a network that the zoo kept.

    Raises:
        BadInput: The file is damaged, or would execute code.
    """
    quiet.import_tensorflow()
    import keras

    import zoo.layers  # noqa: F401  registers what the model may hold

    try:
        return keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # zipfile, json, h5py and each layer have kinds of their own
        raise BadInput(
            f"{path} should be a model that the zoo kept, but Keras refuses to load it: "
            f"{str(error).strip()[:600].rstrip('.') or type(error).__name__}. Layers of your own have to be imported "
            "before; a model that brings code with it, such as a Lambda layer, is never loaded."
        ) from None
