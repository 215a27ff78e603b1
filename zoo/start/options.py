"""What a user may choose: the option files under conf/ and in folders of the user's, read without composing them."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from zoo.config import BadInput
from zoo.start.yaml_files import read

GLOBAL = "# @package _global_"
_own: list[Path] = []


def conf_dir() -> Path:
    """Return the folder of the zoo's option files: conf/ of the checkout, or the copy inside the installed package."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "conf"
    return inside if inside.is_dir() else package.parent / "conf"


def search(folders: Sequence[Path]) -> None:
    """Look for options in folders of the user's too, from now on; an empty list leaves the zoo's own.

    Raises:
        BadInput: There is no such folder.
    """
    for folder in folders:
        if not os.path.isdir(folder):  # where Path.is_dir raises, as for a name that is too long, it says no
            raise BadInput(f"--config-dir should name a folder of option files. Received: {folder}, which is none.")
    _own[:] = [folder.resolve() for folder in folders]
    groups.cache_clear()
    declared.cache_clear()


def own_folders() -> list[Path]:
    """Return the user's folders, as `search` was told."""
    return list(_own)


@cache
def groups() -> dict[str, list[str]]:
    """Return the names of the options of each group, groups in the order of the primary config."""
    names = [next(iter(entry)) for entry in primary()["defaults"] if isinstance(entry, dict)]
    # A model's file brings data and optimizer, so that the primary config does not name them.
    ordered = dict.fromkeys(["model", "data", "optimizer", *names])
    return {group: names_in(group) for group in ordered if (conf_dir() / group).is_dir()}


def names_in(group: str) -> list[str]:
    """Return the names of the option files in a folder of conf/ and in those of the user's, in order."""
    return sorted({path.stem for folder in (conf_dir(), *_own) for path in (folder / group).glob("*.yaml")})


def file(group: str, option: str) -> Path | None:
    """Return an option's file, or None. As in Hydra, the zoo's own comes before one of the user's with its name."""
    candidates = (folder / group / f"{option}.yaml" for folder in (conf_dir(), *_own))
    return next((path for path in candidates if path.is_file()), None)


def is_ours(group: str, option: str) -> bool:
    """Tell whether an option is the zoo's own."""
    return (conf_dir() / group / f"{option}.yaml").is_file()


def default(group: str) -> str | None:
    """Return the option that the primary config chooses, or None where a model's file does."""
    entries = [entry for entry in primary()["defaults"] if isinstance(entry, dict)]
    return next((entry[group] for entry in entries if group in entry), None)


def optional(group: str) -> bool:
    """Tell whether a run can do without a choice from a group."""
    entries = [entry for entry in primary()["defaults"] if isinstance(entry, dict)]
    return any(group in entry and entry[group] is None for entry in entries)


def summary(group: str, option: str) -> str:
    """Return the line in which an option's file says what it is."""
    path = file(group, option)
    for line in path.read_text(encoding="utf-8").splitlines() if path else []:
        if line.startswith("#") and not line.startswith("# @"):
            return line.lstrip("# ").rstrip()
    return ""


@cache
def primary() -> dict[str, Any]:
    """Return the primary config as it stands in its file."""
    return read(conf_dir() / "config.yaml")


@cache
def declared(group: str, option: str) -> dict[str, Any]:
    """Return the keys of an option with their defaults, those that all options of the group share included."""
    own: dict[str, Any] = {}
    for tree, is_global in _inherited(group, option):
        own |= tree.get(group) or {} if is_global else tree
    return {**(primary().get(group) or {}), **own}


def brought(group: str, option: str) -> dict[str, Any]:
    """Return what a model's or a recipe's file brings: choices such as `data`, and root keys such as `epochs`."""
    found: dict[str, Any] = {}
    for tree, is_global in _inherited(group, option, choices=found):
        if is_global:
            found |= {key: value for key, value in tree.items() if not isinstance(value, Mapping)}
    return found


def chosen(choices: Mapping[str, str | None]) -> dict[str, str]:
    """Return the option of each group that a run has, given those that the user chose."""
    found = {group: name for group in groups() if (name := default(group)) is not None}
    recipe = choices.get("experiment")
    model = choices.get("model")
    by_recipe = brought("experiment", recipe) if recipe else {}
    by_model = brought("model", str(model or by_recipe.get("model") or found.get("model")))
    # A model that is named on the command line brings its own data and optimizer, whatever a recipe says.
    for more in (by_recipe, by_model) if model else (by_model, by_recipe):
        found |= {key: str(name) for key, name in more.items() if key in groups()}
    return found | {group: str(name) for group, name in choices.items() if name is not None}


def _inherited(group: str, option: str, choices: dict[str, Any] | None = None) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield the tree of an option's file after those that it is based on, and whether it speaks for the whole config.

    Args:
        group: Of the option.
        option: The name of its file.
        choices: Receives the options of other groups that the files name.
    """
    path = file(group, option)
    if path is None:
        return
    tree = read(path)
    for entry in tree.pop("defaults", None) or []:
        if isinstance(entry, str) and entry != "_self_" and entry != option:
            yield from _inherited(group, entry, choices)
        elif isinstance(entry, dict) and choices is not None:
            choices |= {re.sub(r"^(override )?/?", "", str(key)): name for key, name in entry.items()}
    yield tree, path.read_text(encoding="utf-8").startswith(GLOBAL)
