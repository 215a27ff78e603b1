"""A run's config with other data, for a model that is there already: what of the data may differ, and what may not."""

from collections.abc import Sequence
from typing import Any

from zoo.config import BadInput, Config
from zoo.start import keys, options, overrides

_OF_THE_MODEL = ("level", "sequence_length", "stride")  # keys of text that are settled by what the model reads
_TEXTS = ("train", "valid", "test")


def with_data(config: Config, words: Sequence[str]) -> Config:
    """Return a run's config with other data.

    Args:
        config: The run's.
        words: About data alone, such as `["data=digits", "data.classes=[0,1]"]`; without the first, they change the
            run's own data. Text may be one file: `["data=text", "data.test=FILE"]`.

    Raises:
        BadInput: An option, key or value is not valid, or the run's model can't read such data.
    """
    said = overrides.read(words)
    if said.mistakes:
        raise BadInput(" ".join(said.mistakes))
    own, name = config.data.options(), said.choices.get("data")
    tree: dict[str, Any] = dict(own if name is None else options.declared("data", name))
    declared = {"data": dict(tree)}
    values = keys.spread(said.values, declared)
    faults = [keys.fault(key, value, declared, is_added=key in said.added) for key, value in values.items()]
    if found := [fault for fault in faults if fault]:
        raise BadInput(" ".join(found))
    tree |= {key.partition(".")[2]: value for key, value in values.items()}
    _complete(tree, own, [key.partition(".")[2] for key in values])
    # Weights of classes are for training, and would have to fit the other data's.
    return Config.check({**config.tree(), "data": tree, "class_weight": None}, config.overrides)


def _complete(tree: dict[str, Any], own: dict[str, Any], said: Sequence[str]) -> None:
    """Set what follows from the run's own data, and from there being nothing to train on."""
    if tree.get("gives") != own.get("gives"):
        return
    classes = ("binary", "classes")
    if {tree.get("target", "classes"), own.get("target", "classes")} <= set(classes) and "target" not in said:
        tree["target"] = own.get("target", "classes")
    tree |= {key: own[key] for key in _OF_THE_MODEL if key in own and key in tree and key not in said}
    if set(_TEXTS) <= set(tree) and [key for key in _TEXTS if tree[key] is not None] == ["test"]:
        tree |= dict.fromkeys(_TEXTS, tree["test"])
