"""What pydantic found wrong with a config, in sentences: what was expected, what was received, what to do."""

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, get_type_hints

from pydantic import BaseModel, ValidationError

from zoo.config.types import TOO_LARGE, choices, entry, expected
from zoo.config.words import either, nearest, shown

FEW = 6  # words that can be read at a glance


def sentences(error: ValidationError, schema: type[BaseModel], tree: Mapping[str, Any]) -> dict[str, str]:
    """Return one sentence for each key that is wrong; those about several keys stand under the section's name, or "".

    Args:
        error: Of the schema.
        schema: The class that was to be made.
        tree: What it was to be made from.
    """
    found: dict[str, str] = {}
    for one in error.errors():
        key, kind = _locate(one["loc"], schema)
        if key in found:  # the other branch of a union, or another entry of a list
            continue
        if one["type"] == "extra_forbidden":
            found[key] = unknown(key, _keys(schema))
        elif one["type"] == "missing":
            found[key] = f"{key} has no value. Give it one, {key}=..., or let the file of a chosen option bring it."
        elif one["type"] == "value_error" and _is_section(kind):
            found[key] = one["msg"].removeprefix("Value error, ")
        else:
            found[key] = _unfit(key, kind, _value(tree, key))
    return found


def unknown(key: str, known: Iterable[str]) -> str:
    """Return the sentence about a key that does not exist.

    Args:
        key: Dotted.
        known: The keys that do, dotted. Those of the same section are shown, or those of the root.
    """
    section, _, own = key.rpartition(".")
    known = [one for one in known if one != key]
    if alike := [one for one in known if one.rpartition(".")[2] == own]:
        return f"Unknown key '{key}'. Did you mean {either(map(repr, alike))}?"
    names = [one.rpartition(".")[2] for one in known if one.rpartition(".")[0] == section]
    if not names:
        return f"Unknown key '{key}'. {nearest(key.partition('.')[0], (one.partition('.')[0] for one in known))}"
    return f"Unknown key '{key}'. {namesakes(section, own, names)}"


def namesakes(section: str, name: str, names: Iterable[str]) -> str:
    """Return a sentence with the keys of a section that are nearest to a name, and all others.

    Args:
        section: Of the keys; "" is the root.
        name: As the user wrote it, without the section, which would make any two keys look alike.
        names: The keys there are, likewise.
    """
    names = sorted(names)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    hint = f"Did you mean {either(repr(f'{section}.{one}' if section else one) for one in close)}? " if close else ""
    where = f" in {section}" if section else ""
    return f"{hint}Available{where}: {', '.join(names)}." if names else f"There are no keys{where}."


def _unfit(key: str, kind: Any, value: Any) -> str:
    words = choices(kind)
    what = expected(kind)
    if len(words) > FEW:
        what = f"one of {', '.join(words)}"
    if isinstance(value, float) and not math.isfinite(value):
        what += ", and finite"
    elif isinstance(value, int | float) and value >= TOO_LARGE:
        what += ", and below 2^63"
    received = f"'{value}', which is text" if _looks_like_a_number(value) else shown(value)
    sentence = f"{key} should be {what}. Received: {key}={received}."
    if (inside := entry(kind)) is not None and not isinstance(value, list | dict | None):
        in_list = difflib.get_close_matches(str(value), choices(inside), n=1)
        if in_list or not set(words) - {"null"}:
            return f"{sentence} A list stands in brackets: {key}=[{in_list[0] if in_list else shown(value)}]."
    close = difflib.get_close_matches(str(value), words, n=1) if len(words) > FEW else []
    return f"{sentence} Did you mean {key}={close[0]}?" if close else sentence


def _looks_like_a_number(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"\s*[-+]?[\d.]+(e[-+]?\d+)?\s*", value, re.IGNORECASE) is not None


def _locate(location: tuple[int | str, ...], schema: type[BaseModel]) -> tuple[str, Any]:
    """Return the dotted key at a pydantic location and its type; what lies inside a value is left out."""
    parts: list[str] = []
    kind: Any = schema
    for part in location:
        if not _is_section(kind):
            break
        parts.append(str(part))
        kind = get_type_hints(kind, include_extras=True).get(str(part))
    return ".".join(parts), kind


def _is_section(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _keys(schema: type[BaseModel], prefix: str = "") -> list[str]:
    found: list[str] = []
    for name, kind in get_type_hints(schema, include_extras=True).items():
        if name in schema.model_fields:
            found.append(f"{prefix}{name}")
            found += _keys(kind, f"{prefix}{name}.") if _is_section(kind) else []
    return found


def _value(tree: Mapping[str, Any], key: str) -> Any:
    node: Any = tree
    for part in key.split("."):
        node = node.get(part) if isinstance(node, Mapping) else None
    return node
