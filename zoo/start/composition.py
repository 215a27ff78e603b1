"""From words to a run's config: compose the user's choices, let the command line win, check the result.

One precedence: model < optimizer, init, ... < experiment < command line. Hydra merges a recipe last, so that its values
would outlive a choice made on the command line; what a recipe says of such a group is dropped here.
"""

import copy
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from omegaconf import OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from zoo.config import BadInput, Config, flatten, shown
from zoo.start import importing, keys, options, origin, overrides
from zoo.start.composer import Choices, Composer, Tree, composer
from zoo.start.overrides import LR_SCALE, Words
from zoo.tracking import address

# Such as ${oc.env:ZOO_DATA_DIR,null}, and nothing around it or within.
_BY_RESOLVER = re.compile(r"\$\{oc\.env:\w+,[^${}]*\}")


def compose(*words: str) -> Config:
    """Compose and check a config, as the command line does.

    Args:
        words: Of the command line, such as `"model=lstm"` and `"optimizer.learning_rate=0.01"`.

    Raises:
        BadInput: A choice, key or value is not valid.

    Example:
        >>> compose("model=xor_mlp", "epochs=10").epochs
        10
    """
    return compose_all([words])[0]


def compose_all(jobs: Sequence[Sequence[str]]) -> list[Config]:
    """Compose and check the configs of several runs.

    Args:
        jobs: The words of each run.

    Raises:
        BadInput: Something is not valid in one of them; what is wrong in several is said once.
    """
    found = compose_each(jobs)
    configs = [one for one in found if isinstance(one, Config)]
    refused = dict.fromkeys(str(one) for one in found if isinstance(one, BadInput))
    if refused:
        raise BadInput(" ".join(refused))
    return configs


def compose_each(jobs: Sequence[Sequence[str]]) -> list[Config | BadInput]:
    """Compose and check the configs of several runs, and return for each the config, or why there is none.

    Args:
        jobs: The words of each run.
    """
    found: list[Config | BadInput] = []
    with composer() as hydra:
        for words in jobs:
            try:
                all_words, source = origin.find(words)
                config = _config(all_words, hydra)
                found.append(
                    config if source is None else origin.check(config, source, lambda said: _config(said, hydra))
                )
            except BadInput as error:
                found.append(error)
    composed = [one for one in found if isinstance(one, Config)]
    if out_of_reach := list(dict.fromkeys(_out_of_reach(composed))):
        return [one if isinstance(one, BadInput) else BadInput(" ".join(out_of_reach)) for one in found]
    return found


def _config(words: Sequence[str], hydra: Composer) -> Config:
    said = overrides.read(words)
    faults = list(said.mistakes)
    scale = said.values.pop(LR_SCALE, None)
    tree, declared = _by_precedence(said, hydra)
    unclear = _unclear(said)
    values = keys.spread(said.values, declared)
    for key, value in values.items():
        if key.partition(".")[0] in unclear:
            continue
        if fault := keys.fault(key, value, declared, is_added=key in said.added):
            faults.append(fault)
        else:
            keys.put(tree, key, value)
    faults += keys.undeclared(tree, declared, said.choices.get("experiment"))
    plain = _resolved(tree, faults)
    _shrink(plain, values)
    if scale is not None:
        faults += _scale_rate(plain, scale)
    if faults:
        # Conflicts between choices may come from those that could not be read; a single value is wrong by itself.
        faults += [sentence for key, sentence in Config.faults(plain).items() if key in values]
        raise BadInput(" ".join(dict.fromkeys(faults)))
    return Config.check(plain, words)


def _scale_rate(plain: Tree, scale: object) -> list[str]:
    """Multiply the optimizer's learning rate; return what is wrong with the factor."""
    if not isinstance(scale, int | float) or isinstance(scale, bool) or not 0 < scale < math.inf:
        return [f"{LR_SCALE} should be a number above 0. Received: {LR_SCALE}={shown(scale)}."]
    rate = keys.get(plain, "optimizer.learning_rate")
    if isinstance(rate, int | float) and not isinstance(rate, bool):  # what else it may be is refused later
        plain["optimizer"]["learning_rate"] = rate * scale
    return []


def _by_precedence(said: Words, hydra: Composer) -> tuple[Tree, Tree]:
    """Return the tree of all choices, before the user's values, and the same without a recipe's values."""
    choices: Choices = dict(said.choices)
    if not choices.get("experiment"):
        tree, _ = hydra.compose(choices)
        return copy.deepcopy(tree), tree
    # A model on the command line brings its own data and optimizer, as it does without a recipe.
    model = choices.get("model")
    brought = options.brought("model", model) if model else {}
    choices = {**{key: value for key, value in brought.items() if key in options.groups()}, **choices}
    tree, made = hydra.compose(choices)
    declared, _ = hydra.compose({**made, "experiment": None})
    tree = copy.deepcopy(tree)
    for key in {*choices, *brought} - {"experiment", "debug"}:
        tree[key] = copy.deepcopy(declared[key])
    return tree, declared


def _unclear(said: Words) -> set[str]:
    """Return the groups whose option is not known, since a choice that decides about it cannot be read."""
    unclear = set(said.unclear)
    if "model" in unclear:
        unclear |= {"data", "optimizer"} - set(said.choices)
    if "experiment" in unclear:
        unclear |= set(options.groups()) - set(said.choices)
    return unclear


def _resolved(tree: Tree, faults: Sequence[str]) -> Tree:
    """Return a tree with interpolations such as `${epochs}` replaced."""
    open_values = {key: value for key, value in flatten(tree).items() if "${" in str(value) or value == "???"}
    if all(isinstance(value, str) and _BY_RESOLVER.fullmatch(value) for value in open_values.values()):
        # They look at nothing else in the tree, which therefore need not become one of OmegaConf's, node by node.
        closed = copy.deepcopy(tree)
        for key, value in open_values.items():
            keys.put(closed, key, OmegaConf.create([value])[0])
        return closed
    try:
        plain = OmegaConf.to_container(OmegaConf.create(tree), resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        missing = f"{error.full_key} has no default. Give it a value: {error.full_key}=... ."
        raise BadInput(" ".join([*faults, missing])) from None
    except OmegaConfBaseException as error:
        reason = str(error).splitlines()[0].rstrip(".")
        key = f"Can't work out {error.full_key}: " if error.full_key else ""
        raise BadInput(" ".join([*faults, f"{key}{reason}."])) from None
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def _shrink(plain: Tree, values: Mapping[str, Any]) -> None:
    """Apply the upper bounds of `debug=smoke`, or of another option of that group, to what the user did not set."""
    for key, bound in ((plain.pop("debug", None) or {}).get("shrink") or {}).items():
        value = keys.get(plain, key)
        if key in values or value is keys.ABSENT:
            continue
        if isinstance(value, list):
            keys.put(plain, key, [min(one, bound) if isinstance(one, int) else one for one in value])
        elif value is None:
            keys.put(plain, key, bound)
        elif isinstance(value, int | float) and value >= 1:  # a fraction stays one
            keys.put(plain, key, min(value, bound))


def _out_of_reach(configs: Sequence[Config]) -> Iterator[str]:
    """Yield what is wrong with the code that configs name, and with the addresses of their stores."""
    named: dict[tuple[str, str, str], None] = {}
    for config in configs:
        where = {
            ("model.build", config.model.build): "",
            ("data.load", config.data.load): "",
            ("optimizer.class_name", config.optimizer.class_name): "keras.optimizers.",
            ("init.class_name", config.init.class_name): "keras.initializers.",
            ("schedule.formula", config.schedule.options().get("formula")): "",
        } | {("callbacks", path): "" for path in config.callbacks}
        named |= {(key, path, "" if "." in path else place): None for (key, path), place in where.items() if path}
        if not config.schedule.options().get("formula") and not options.is_ours("schedule", config.schedule.name):
            yield (
                f"schedule={config.schedule.name} names no formula. Its file should say which one: "
                "formula: my_package.my_module.my_function, or name: cosine for one of the zoo's."
            )
    for key, path, place in named:
        if fault := importing.fault(f"{place}{path}"):
            yield f"{key}={path} can't be imported: {fault}."
    for uri in {config.tracking.uri for config in configs if config.tracking.name == "mlflow" and not config.dry_run}:
        try:
            address.resolve(uri)
        except BadInput as error:
            yield str(error)
