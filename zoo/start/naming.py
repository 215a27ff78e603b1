"""What a run is called and how it is tagged: by the choices that were made."""

import hashlib
import json
import secrets
import shlex
from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePath
from typing import Any

from zoo.config import Config, flatten, shown
from zoo.start import keys, options
from zoo.start.overrides import LR_SCALE, read

# What says how a run is made and where it is kept, not what it is.
UNSAID = ("name", "data_dir", "tracking", "debug", "dry_run", "deterministic", "checkpoint")
LONGEST = 120  # characters


def name(config: Config) -> str:
    """Return the run's name: the model, and each choice that differs from its default.

    Example:
        >>> name(compose("model=lstm", "optimizer=adam", "optimizer.learning_rate=0.01", "seed=3"))
        'lstm learning_rate=0.01 seed=3'
    """
    if config.name:
        return config.name
    said = read(config.overrides)
    usual = options.chosen({group: said.choices.get(group) for group in ("model", "experiment")})
    options_said = {group: option for group, option in said.choices.items() if group not in ("model", "experiment")}
    recipe = said.choices.get("experiment")
    parts = [config.model.name, *([recipe] if recipe else [])]
    parts += [name for group, name in options_said.items() if _is_said(group) and name and name != usual.get(group)]
    tree, chosen = config.tree(), options.chosen(said.choices)
    for key in keys.spread(said.values, tree):
        value = keys.get(tree, key)
        if _is_said(key) and value is not keys.ABSENT and value != _default(key, chosen):
            parts.append(f"{_short(key, tree)}={_readable(key, value)}")
    if (scale := said.values.get(LR_SCALE, 1)) != 1:
        parts.append(f"lr_scale={_readable(LR_SCALE, scale)}")
    words = " ".join(parts)
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 3]}..."


def tags(config: Config) -> dict[str, str]:
    """Return the choices of a run, to search and compare by."""
    chosen = {
        "model": config.model.name,
        "data": config.data.name,
        "optimizer": config.optimizer.name,
        "init": config.init.name,
        "schedule": config.schedule.name,
        "loop": config.loop.name,
        "seed": str(config.seed),
        "precision": config.precision,
        "overrides": shlex.join(config.overrides),
        "monitored": config.monitored,
        "config_hash": fingerprint(config),
    }
    if recipe := read(config.overrides).choices.get("experiment"):
        chosen["experiment"] = recipe
    return chosen


def fingerprint(config: Config) -> str:
    """Return a hash of what a run is, in 16 digits: all of its config but how it is called and where it is kept."""
    beside = ("name", "tracking", "data_dir", "checkpoint")
    tree = {key: value for key, value in config.tree().items() if key not in beside}
    return hashlib.sha256(json.dumps(tree, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _is_said(key: str) -> bool:
    return key.partition(".")[0] not in UNSAID


def _default(key: str, chosen: Mapping[str, str]) -> Any:
    """Return what a key is without the user's word about it."""
    section, _, own = key.partition(".")
    if section in chosen:
        return keys.get(options.declared(section, chosen[section]), own)
    brought = options.brought("model", chosen["model"])
    return brought[key] if key in brought else keys.get(options.primary(), key)


def _short(key: str, tree: Mapping[str, Any]) -> str:
    """Return the last part of a key if that says enough: `learning_rate`, but `stop.value`."""
    section, _, last = key.rpartition(".")
    namesakes = [one for one in flatten(tree) if one.rpartition(".")[2] == last]
    return key if len(namesakes) > 1 or section in ("stop", "early_stopping") else last


def _readable(key: str, value: Any) -> str:
    if key == "init_from":
        return str(value)[:8]
    if isinstance(value, str) and "/" in value:
        return PurePath(value).name
    if isinstance(value, str) and key == "model.build":
        return ".".join(value.split(".")[-2:])
    return f"{value:.6g}" if isinstance(value, float) else shown(value)


def new_folder(parent: str) -> str:
    """Return the name of a folder that no other run has, however many start in the same second."""
    return f"{parent}/{datetime.now():%Y-%m-%d/%H-%M-%S}-{secrets.token_hex(3)}"
