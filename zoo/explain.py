"""Hydra's errors in our words, with the nearest valid names."""

import re
from collections.abc import Sequence

from zoo import options
from zoo.config import BadInput, Config, nearest


def explain(error: BaseException, overrides: Sequence[str]) -> BadInput:
    """Return one of Hydra's errors in our words."""
    from hydra.errors import MissingConfigException, OverrideParseException

    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, option = str(error.missing_cfg_file).rpartition("/")
        names = options.groups().get(group, list(error.options or []))
        if names:
            return BadInput(f"Unknown {group} '{option}'. {nearest(option, names)}")
    if isinstance(error, OverrideParseException):
        return BadInput(f"Can't read '{error.override}': expected key=value. {error.message.splitlines()[0]}.")
    message = str(error)
    if match := re.search(r"Could not override '([^']+)'", message):
        key = match.group(1)
        return BadInput(f"Unknown key '{key}'. {nearest(key, _known_keys(overrides))}")
    return BadInput(" ".join(message.split()))


def is_hydras(error: BaseException) -> bool:
    """Tell whether an error is about composing a config."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    return isinstance(error, HydraException | OmegaConfBaseException)


def _known_keys(overrides: Sequence[str]) -> list[str]:
    """Return the keys that the chosen options declare, and the names of the groups."""
    chosen = {**dict.fromkeys(options.groups()), "model": "mnist_fcn"}
    chosen |= {key: value for key, _, value in (word.partition("=") for word in overrides) if key in chosen}
    brought = options.brought(str(chosen["model"]))
    keys = {*options.groups(), *Config.model_fields}
    for group in options.groups():
        name = chosen[group] or brought.get(group) or options.default(group)
        keys |= {f"{group}.{key}" for key in (options.declared(group, str(name)) or {})}
    keys |= {f"{group}.{key}" for group in ("early_stopping", "stop") for key in options.primary()[group]}
    return sorted(keys - {f"{group}.name" for group in options.groups()})
