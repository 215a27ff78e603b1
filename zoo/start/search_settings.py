"""How a search is made: the keys of conf/search/NAME.yaml, and the user's words about them."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import ValidationError

from zoo.config import BadInput, nearest, shown
from zoo.config.faults import sentences
from zoo.config.sections import Section
from zoo.config.types import Count, Positive, Seed, Size, Text
from zoo.start import options, overrides, space

GROUP = "search"
DEFAULT = "tpe"
# What a search that goes on may change: how long it goes on.
MAY_CHANGE = ("trials", "timeout", "resume")


class Settings(Section):
    """How a search is made; conf/search/tpe.yaml says what each key means."""

    sampler: Literal["tpe", "random"]
    trials: Size = 50
    space: dict[str, Any] = {}  # noqa: RUF012  pydantic copies it
    seed: Seed = 0
    startup: Count = 10
    pruner: Literal["median", "hyperband", "none"] = "median"
    warmup: Count = 1
    timeout: Positive | None = None
    resume: Text | None = None


class _Words(Section):
    """The root that the keys `search.*` stand under."""

    search: Settings


def is_about(word: str) -> bool:
    """Tell whether a word is about a search: `search=tpe`, `search.trials=50`."""
    key = key_of(word)
    return key == GROUP or key.startswith(f"{GROUP}.")


def names() -> list[str]:
    """Return the names of the searches: the files of conf/search and of the user's folders."""
    return options.names_in(GROUP)


def read(words: Sequence[str]) -> tuple[str, Settings]:
    """Return the name of a search, and how it is made.

    Args:
        words: Those about it alone; see `is_about`.

    Raises:
        BadInput: One of them is not valid.
    """
    name = DEFAULT
    said: dict[str, Any] = {}
    ranges: dict[str, Any] = {}
    for word in map(space.as_lists, words):
        key, value = key_of(word), overrides.value_of(word)
        own = key.partition(".")[2]
        if key == GROUP:
            name = shown(value)
        elif own.startswith("space."):
            ranges[own.partition(".")[2]] = value
        elif own == "resume" and value is not None:
            said[own] = word.partition("=")[2].strip("'\"")  # an id, also where it looks like a number
        else:
            said[own] = value
    path = options.file(GROUP, name)
    if path is None:
        raise BadInput(f"Unknown search '{name}'. {nearest(name, names())}")
    tree = {**options.read(path), **said}
    if ranges:
        before = tree.get("space")
        tree["space"] = {**(before if isinstance(before, dict) else {}), **ranges}
    if not isinstance(tree.get("space", {}), dict):
        space.read(tree["space"])  # which says what it should be
    if tree.get("pruner", "") is None:
        tree["pruner"] = "none"
    try:
        return name, _Words.model_validate({GROUP: tree}).search
    except ValidationError as error:
        raise BadInput(" ".join(sentences(error, _Words, {GROUP: tree}).values())) from None


def key_of(word: str) -> str:
    """Return the key of a word."""
    return word.lstrip("+").partition("=")[0]
