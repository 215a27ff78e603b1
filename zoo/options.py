"""What a user may choose: the option files under conf/, read as they are, without composing anything."""

import re
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

GLOBAL = "# @package _global_"


def conf_dir() -> Path:
    """Return the folder of the option files: conf/ of the checkout, or the copy inside the installed package."""
    package = Path(__file__).resolve().parent
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


@cache
def groups() -> dict[str, list[str]]:
    """Return the names of the options of each group, groups in the order of the primary config."""
    names = [next(iter(entry)) for entry in primary()["defaults"] if isinstance(entry, dict)]
    found = {folder.name for folder in conf_dir().iterdir() if folder.is_dir()}
    ordered = [*(name for name in names if name in found), *sorted(found - set(names))]
    if "data" in found:  # the model's own files bring data and optimizer, so that the primary config does not
        rest = [name for name in ordered if name not in ("model", "data", "optimizer")]
        ordered = ["model", "data", "optimizer", *rest]
    return {group: sorted(path.stem for path in (conf_dir() / group).glob("*.yaml")) for group in ordered}


def default(group: str) -> str | None:
    """Return the option that the primary config chooses, or None where a model's file does."""
    entries = [entry for entry in primary()["defaults"] if isinstance(entry, dict)]
    return next((entry[group] for entry in entries if group in entry), None)


def summary(group: str, option: str) -> str:
    """Return the line in which an option's file says what it is."""
    for line in (conf_dir() / group / f"{option}.yaml").read_text(encoding="utf-8").splitlines():
        if line.startswith("#") and not line.startswith("# @"):
            return line.lstrip("# ").rstrip()
    return ""


@cache
def primary() -> dict[str, Any]:
    """Return the primary config as it stands in its file."""
    return _read(conf_dir() / "config.yaml")


def declared(group: str, option: str) -> dict[str, Any] | None:
    """Return the keys of an option with their defaults, those that all options of the group share included.

    Returns:
        None if conf/ has no such option: a file of the user's own, found through `--config-dir`.
    """
    path = conf_dir() / group / f"{option}.yaml"
    if not path.is_file():
        return None
    tree = _read(path)
    own = tree.get(group, {}) if path.read_text(encoding="utf-8").startswith(GLOBAL) else tree
    return {**primary().get(group, {}), **own}


def brought(model: str) -> dict[str, Any]:
    """Return what a model's file brings besides the model: choices such as `data`, and root keys such as `epochs`."""
    path = conf_dir() / "model" / f"{model}.yaml"
    if not path.is_file():
        return {}
    tree = _read(path)
    choices = {}
    for entry in tree.pop("defaults", []):
        if isinstance(entry, dict):
            choices.update({re.sub(r"^(override )?/", "", key): value for key, value in entry.items()})
    tree.pop("model", None)
    return {**tree, **choices}


def _read(path: Path) -> dict[str, Any]:
    tree = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    assert isinstance(tree, dict)
    return {str(key): value for key, value in tree.items()}
