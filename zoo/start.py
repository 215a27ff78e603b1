"""From words to a run's config: compose the user's choices, let the command line win, check the result.

Hydra merges a recipe last, so that its values would outlive a choice made on the command line; what a recipe says of
an optimizer is dropped here when the user chooses another.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from zoo import options
from zoo.config import BadInput, Config, nearest

OPEN_GROUPS = ("model", "data", "optimizer", "init", "schedule")


def compose(*overrides: str) -> Config:
    """Compose and check a config, as the command line does.

    Args:
        overrides: Words of the command line, such as `"model=lstm"` and `"optimizer.learning_rate=0.01"`.

    Raises:
        BadInput: A choice, key or value is not valid.

    Example:
        >>> compose("model=xor_mlp", "epochs=10").epochs
        10
    """
    import hydra

    from zoo.explain import explain

    prepare()
    try:
        with hydra.initialize_config_dir(str(options.conf_dir()), version_base="1.3"):
            tree = hydra.compose("config", overrides=list(overrides))
        return settle(tree, overrides)
    except BadInput:
        raise
    except Exception as error:
        raise explain(error, overrides) from error


def prepare() -> None:
    """Register what conf/ needs to be composed."""
    from omegaconf import OmegaConf

    # Hydra names its folders by the second, so that two runs started together would share one.
    OmegaConf.register_new_resolver("zoo_new_folder", _new_folder, use_cache=True, replace=True)


def settle(tree: DictConfig, overrides: Sequence[str]) -> Config:
    """Turn what Hydra composed into a checked config.

    Args:
        tree: The composed tree.
        overrides: The user's words; they win over a recipe and over `debug=smoke`.

    Raises:
        BadInput: A key is not declared by its option's file, or the schema refuses a value or a combination.
    """
    try:
        plain: dict[str, Any] = OmegaConf.to_container(tree, resolve=True, throw_on_missing=True)  # type: ignore[assignment]
    except MissingMandatoryValue as error:
        key = str(error.full_key)
        raise BadInput(f"{key} has no default: give it a value, {key}=... .") from None
    except OmegaConfBaseException as error:
        raise BadInput(f"{str(error).splitlines()[0]}.") from None
    words = parse(overrides)
    _drop_recipe_values(plain, words)
    _shrink(plain, words)
    _refuse_undeclared(plain)
    return Config.check(plain, overrides)


def parse(overrides: Sequence[str]) -> dict[str, Any]:
    """Return what overrides set, key by key, such as `{"model": "lstm", "optimizer.learning_rate": 0.01}`."""
    from hydra.core.override_parser.overrides_parser import OverridesParser

    parsed = OverridesParser.create().parse_overrides(list(overrides))
    return {one.key_or_group: one.value() for one in parsed if not one.is_delete()}


def _drop_recipe_values(plain: dict[str, Any], words: Mapping[str, Any]) -> None:
    if words.get("experiment") is None:
        return
    for group in options.groups():
        chosen = words.get(group)
        declared = options.declared(group, chosen) if isinstance(chosen, str) else None
        if group not in plain or declared is None:
            continue
        plain[group] = declared
        for key, value in words.items():
            if key.startswith(f"{group}."):
                _set(plain, key, value)


def _shrink(plain: dict[str, Any], words: Mapping[str, Any]) -> None:
    """Apply the upper bounds of `debug=smoke`, and those of any other option of that group."""
    for key, bound in ((plain.pop("debug", None) or {}).get("shrink") or {}).items():
        value = _get(plain, key)
        if key in words or value is _ABSENT:
            continue
        if isinstance(value, list):
            _set(plain, key, [min(one, bound) for one in value])
        elif value is None or isinstance(value, int | float):
            _set(plain, key, bound if value is None or value >= 1 < bound < value else value)


def _refuse_undeclared(plain: dict[str, Any]) -> None:
    for group in OPEN_GROUPS:
        name = plain[group].get("name") if isinstance(plain.get(group), dict) else None
        declared = options.declared(group, name) if isinstance(name, str) else None
        if declared is None or name == "custom":
            continue
        for key in plain[group]:
            if key not in declared:
                names = [f"{group}.{one}" for one in declared if one != "name"]
                raise BadInput(f"{group}={name} has no key '{group}.{key}'. {nearest(f'{group}.{key}', names)}")


_ABSENT = object()


def _get(plain: Mapping[str, Any], key: str) -> Any:
    node: Any = plain
    for part in key.split("."):
        if not isinstance(node, Mapping) or part not in node:
            return _ABSENT
        node = node[part]
    return node


def _set(plain: dict[str, Any], key: str, value: Any) -> None:
    *parents, last = key.split(".")
    for part in parents:
        plain = plain.setdefault(part, {})
    plain[last] = value


def _new_folder(parent: str) -> str:
    return f"{parent}/{datetime.now():%Y-%m-%d/%H-%M-%S}-{secrets.token_hex(3)}"
