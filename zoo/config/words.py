"""Names and words: what is wrong with an input, said in one paragraph with the nearest valid names."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError


class BadInput(ValueError):
    """A mistake in what the user asked for: shown as one paragraph without a traceback, exit code 2."""


def nearest(name: str, names: Iterable[str]) -> str:
    """Return a sentence with the valid names nearest to `name`, or all of them if there are few."""
    names = sorted(names)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(repr(c) for c in close)}? " if close else ""
    shown = names if len(names) <= 24 else close
    return f"{hint}Available: {', '.join(shown)}." if shown else hint.strip()


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested mapping as one level of dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def paragraph(error: ValidationError, known: Iterable[str]) -> str:
    """Return what pydantic found wrong, in sentences.

    Args:
        error: Of the schema.
        known: The valid keys, dotted.
    """
    sentences = []
    known = list(known)
    for one in error.errors():
        key = ".".join(str(part) for part in one["loc"] if not _is_branch(part))
        message = one["msg"].removeprefix("Value error, ").removeprefix("Input ")
        value = one["input"]
        if one["type"] == "extra_forbidden":
            sentences.append(f"Unknown key '{key}'. {nearest(key, (k for k in known if k != key))}")
        elif one["type"] == "missing":
            sentences.append(f"{key} is missing.")
        elif isinstance(value, Mapping | BaseModel):
            sentences.append(f"{key}: {message}" if key else message)
        else:
            shown = value if isinstance(value, str) else repr(value)
            sentences.append(f"{key} {message}. Received: {key}={shown}.")
    return " ".join(dict.fromkeys(sentences))


def _is_branch(part: Any) -> bool:
    """Tell whether a part of a pydantic location names the branch of a union rather than a key."""
    return isinstance(part, str) and ("[" in part or part in {"int", "float", "str", "bool", "list", "none"})
