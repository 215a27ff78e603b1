"""Keys in a tree of plain dicts: look one up, set one, and say what is wrong with one that the user set."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from zoo.config import SECTIONS, flatten, namesakes, shown, unknown
from zoo.start import options

ABSENT = object()


def get(tree: Mapping[str, Any], key: str) -> Any:
    """Return the value at a dotted key, or `ABSENT`."""
    node: Any = tree
    for part in key.split("."):
        if not isinstance(node, Mapping) or part not in node:
            return ABSENT
        node = node[part]
    return node


def put(tree: dict[str, Any], key: str, value: Any) -> None:
    """Set the value at a dotted key."""
    *parents, last = key.split(".")
    for part in parents:
        tree = tree.setdefault(part, {})
    tree[last] = value


def spread(values: Mapping[str, Any], declared: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with those that set several keys at once, such as `early_stopping={patience:3}`, taken apart."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and isinstance(get(declared, key), Mapping):
            found |= flatten(value, f"{key}.")
        else:
            found[key] = value
    return found


def fault(key: str, value: Any, declared: Mapping[str, Any], *, is_added: bool) -> str | None:
    """Return what is wrong with a key that the user set, or None.

    Args:
        key: Dotted.
        value: What it was set to. Where only the default in the option's file tells the type, it is checked here.
        declared: The tree of the chosen options with their defaults.
        is_added: Whether it was written with a plus.
    """
    group, _, own = key.partition(".")
    default = get(declared, key)
    section = declared.get(group)
    if default is not ABSENT:
        is_typed = group not in SECTIONS or own in SECTIONS[group].model_fields
        return None if is_typed else _unlike(key, value, default)
    if not own or not isinstance(section, Mapping) or group not in options.groups():
        return unknown(key, _settable(declared))
    option = section.get("name", "?")
    if group == "model" and option == "custom":
        return None if is_added else f"An option of your own model takes a plus: +{key}={shown(value)}."
    return f"{group}={option} has no key '{key}'. {_elsewhere(group, own) or _near(group, own, section)}"


def undeclared(tree: Mapping[str, Any], declared: Mapping[str, Any], recipe: str | None) -> Iterator[str]:
    """Yield what is wrong with the keys that a recipe sets for the chosen options."""
    for group in SECTIONS:
        section = declared[group]
        for own in tree[group]:
            if own not in section and section.get("name") != "custom":
                key = f"{group}.{own}"
                near = _near(group, own, section)
                yield f"experiment={recipe} sets '{key}', which {group}={section.get('name')} does not have. {near}"


def _settable(declared: Mapping[str, Any]) -> list[str]:
    keys = [key for key in flatten(declared) if not key.endswith(".name")]
    return [*keys, *(key for key, value in declared.items() if isinstance(value, Mapping)), "experiment", "debug"]


def _near(group: str, own: str, section: Mapping[str, Any]) -> str:
    return namesakes(group, own, [one for one in section if one != "name"])


def _elsewhere(group: str, own: str) -> str:
    """Return which other options have a key."""
    having = [name for name in options.groups()[group] if own in options.declared(group, name)]
    return f"These have it: {', '.join(f'{group}={name}' for name in having)}." if having else ""


def _unlike(key: str, value: Any, default: Any) -> str | None:
    kinds: dict[str, type | tuple[type, ...]] = {
        "true or false": bool, "a number": (int, float), "text": str, "a list": list, "a group of keys": dict,
    }  # fmt: skip
    if default is None or (isinstance(default, str) and default.startswith("${")):
        return None
    kind = next((words for words, types in kinds.items() if isinstance(default, types)), "text")
    fits = isinstance(value, kinds[kind]) and isinstance(value, bool) == (kind == "true or false")
    if fits and (kind != "a number" or math.isfinite(value)):
        return None
    return f"{key} should be {kind}, such as {shown(default)}, its default. Received: {key}={shown(value)}."
