"""A finished run, back in Python: its model, its config, its vocabulary."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from omegaconf import OmegaConf

from zoo import quiet, tracking
from zoo.config import BadInput, Config
from zoo.data import Vocabulary
from zoo.models import ngram

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
        run_id: Its id, an unambiguous beginning of it, or `last`.
        tracking_uri: The store; the default one if left out.

    Raises:
        BadInput: There is no such run, or it kept no model.
    """
    run = tracking.find(run_id, tracking_uri)
    kept = set(run.artifacts())
    if "config.yaml" not in kept or not {"model.keras", ngram.FILE} & kept:
        raise BadInput(
            f"Run {run.id} ({run.name}, {run.status}) kept no model: expected config.yaml, and model.keras or "
            f"{ngram.FILE}, among its artifacts, found {', '.join(sorted(kept)) or 'none'}."
        )
    words = list(OmegaConf.load(run.download("overrides.yaml"))) if "overrides.yaml" in kept else []
    tree = OmegaConf.to_container(OmegaConf.load(run.download("config.yaml")))
    assert isinstance(tree, dict)
    config = Config.check({str(key): value for key, value in tree.items()}, [str(word) for word in words])
    vocabulary = Vocabulary.load(run.download("vocabulary.json")) if "vocabulary.json" in kept else None
    if ngram.FILE in kept:
        return Loaded(ngram.Trigram.load(run.download(ngram.FILE)), config, vocabulary, run)

    quiet.import_tensorflow()
    import keras

    import zoo.layers  # noqa: F401  registers what the model may hold

    model = keras.saving.load_model(run.download("model.keras"), compile=False)
    return Loaded(model, config, vocabulary, run)
