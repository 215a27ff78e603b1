"""What has no effect on a model that is counted, not trained: there by default, and refused where the user says it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.config.schema import Config

# `loop` is none of them: who runs everything in both loops means a counted model as well. Nor is data.sequence_length,
# of which a text has to have one more token.
OF_TRAINING = (
    "optimizer", "init", "schedule", "epochs", "batch_size", "loss", "label_smoothing", "precision", "callbacks",
    "early_stopping", "stop", "init_from", "freeze", "loop.jit", "loop.steps_per_execution", "data.stride",
    "sweep.lr_scale",
)  # fmt: skip


def without_effect(config: "Config") -> str:
    """Return the sentence that a counted model's log has about the keys of training."""
    return (
        f"model={config.model.name} is counted, not trained: optimizer, init, schedule, loop, epochs, batch_size and "
        "whatever else is about training have no effect."
    )


def said_in_vain(config: "Config") -> Iterator[str]:
    """Yield what is wrong with the user's words about training, where a model is counted."""
    if config.model.learns != "counting":
        return
    said = dict.fromkeys(word.lstrip("+").partition("=")[0] for word in config.overrides)
    vain = [key for key in said if any(f"{key}.".startswith(f"{one}.") for one in OF_TRAINING)]
    if vain:
        yield (
            f"model={config.model.name} is counted, not trained, so that {' and '.join(vain)} would change nothing. "
            "Leave out what is about training."
        )
