"""A finished run, back in Python: its model, its config, its vocabulary."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo import quiet, tracking
from zoo.config import BadInput, Config
from zoo.data import Vocabulary
from zoo.models import ngram
from zoo.start import yaml_files

if TYPE_CHECKING:
    import keras

    from zoo.models.ngram import Trigram


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


def load(run_id: str, tracking_uri: str | None = None) -> Loaded:
    """Load what a run has left.

    Args:
        run_id: Its id, an unambiguous beginning of it, `last`, `best:FILTER` or `models:/NAME@ALIAS`; of a sweep, the
            best of its runs.
        tracking_uri: The store; the default one if left out.

    Raises:
        BadInput: There is no such run, it kept no model, or what it kept is damaged or would execute code.
    """
    run = tracking.refer(run_id, tracking_uri)
    kept = set(run.artifacts())
    if "config.yaml" not in kept or not {"model.keras", ngram.FILE} & kept:
        raise BadInput(
            f"Run {run.id} ({run.name}, {run.status}) kept no model: expected config.yaml, and model.keras or "
            f"{ngram.FILE}, among its artifacts, found {', '.join(sorted(kept)) or 'none'}."
        )
    words = yaml_files.read_words(run.download("overrides.yaml")) if "overrides.yaml" in kept else []
    config = Config.check(yaml_files.read(run.download("config.yaml")), words)
    vocabulary = Vocabulary.load(run.download("vocabulary.json")) if "vocabulary.json" in kept else None
    if ngram.FILE in kept:
        return Loaded(ngram.Trigram.load(run.download(ngram.FILE)), config, vocabulary, run)
    return Loaded(_network(run.download("model.keras")), config, vocabulary, run)


def _network(path: Path) -> "keras.Model":
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
