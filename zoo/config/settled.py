"""What the data leaves a model no choice about, settled here, so that what is checked and recorded says it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from zoo.config.words import shown

if TYPE_CHECKING:
    from zoo.config.schema import Config

# A sequence has one value as its target, is read to its end, and has nothing to do with the one before it.
_BY_KIND: dict[str, dict[str, Any]] = {"sequences": {"output": "values", "predict": "last", "carry_state": False}}
_OF_OTHER_KINDS = {"embedding": "tokens", "vocab_size": "tokens", "iterations": "vectors"}


def is_said(key: str, words: Sequence[str]) -> bool:
    """Tell whether words of the command line set `key`, such as `model.vocab_size`."""
    return any(re.match(rf"\+*{re.escape(key)}=", word) for word in words)


def settle(tree: Mapping[str, Any], words: Sequence[str]) -> dict[str, Any]:
    """Return a config's tree with the model's keys set that its data settles.

    Args:
        tree: As composed; what is wrong in it stays for the schema to tell.
        words: The user's own; a key that they set stays as it is, and is refused by `contradictions` if it has to be.
    """
    model, data = tree.get("model"), tree.get("data")
    if not isinstance(model, Mapping) or not isinstance(data, Mapping):
        return dict(tree)
    found = _BY_KIND.get(str(data.get("gives")), {})
    # Every model has an output, also one whose file leaves it to the default.
    own = {
        key: value for key, value in found.items() if key in ("output", *model) and not is_said(f"model.{key}", words)
    }
    return {**tree, "model": {**model, **own}}


def contradictions(config: "Config") -> Iterator[str]:
    """Yield a sentence for each key of the model that does not go with the kind of data."""
    model, data = config.model, config.data
    if data.gives != "sequences":
        return
    for key, value in _BY_KIND[data.gives].items():
        if key in model.model_fields_set and getattr(model, key) != value:
            yield (
                f"data={data.name} gives sequences with one value each, for which model.{key} can only be "
                f"{shown(value)}. Received: model.{key}={shown(getattr(model, key))}. Leave it out."
            )
    if model.tied_weights:
        yield (
            "model.tied_weights=true shares the matrix of an embedding with the softmax over a vocabulary, and "
            f"data={data.name} gives sequences of numbers, which need neither. Leave it out."
        )
    for key, kind in _OF_OTHER_KINDS.items():
        if config.is_explicit(f"model.{key}"):
            yield f"model.{key} is about {kind}, but data={data.name} gives sequences. Leave it out."
