"""Names and words: what is wrong with an input, said with the nearest valid names."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any


class BadInput(ValueError):
    """A mistake in what the user asked for: shown as one paragraph without a traceback, exit code 2."""


def nearest(name: str, names: Iterable[str]) -> str:
    """Return a sentence with the valid names nearest to `name`, or all of them if there are few.

    Example:
        >>> nearest("lstmm", ["rnn", "gru", "lstm"])
        "Did you mean 'lstm'? Available: gru, lstm, rnn."
    """
    names = sorted(set(names))
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    close = close or [one for one in names if len(name) > 2 and one.startswith(name)][:3]
    hint = f"Did you mean {either(map(repr, close))}? " if close else ""
    shown = f"Available: {', '.join(names)}." if 0 < len(names) <= 32 else ""
    return f"{hint}{shown}".strip()


def either(names: Iterable[str]) -> str:
    """Return names as a choice, such as `fit, tape or null`."""
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def shown(value: Any) -> str:
    """Return a value as one writes it on the command line.

    Example:
        >>> shown({"hidden": [256, None], "jit": True})
        '{hidden:[256,null],jit:true}'
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{','.join(map(shown, value))}]"
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{key}:{shown(one)}' for key, one in value.items())}}}"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a nested mapping as one level of dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            flat[f"{prefix}{key}"] = value
    return flat
