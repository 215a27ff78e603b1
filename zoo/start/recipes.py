"""The recipes of conf/experiment, and what the header of each says of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.start import options

GROUP = "experiment"
# What a run of a recipe may say besides its name: it is the same recipe for another seed, on the user's own files.
_OPEN = ("seed", "name", "tracking", "data_dir", "data.train", "data.valid", "data.test", GROUP)
_ENTRY = re.compile(r"#   (\w+) {2,}(\S.*)")
_MORE = re.compile(r"# {6,}(\S.*)")


@dataclass(frozen=True)
class Recipe:
    """A recipe as its file presents it.

    Attributes:
        name: Of the file.
        summary: What it is, in a line.
        says: The entries of the header: `command`, `expected`, `measured`, `time`, `source`, `claim`.
    """

    name: str
    summary: str
    says: Mapping[str, str]


def recipes() -> list[Recipe]:
    """Return all recipes, in the order of their names."""
    return [Recipe(name, options.summary(GROUP, name), _header(name)) for name in options.names_in(GROUP)]


def is_plain(overrides: Sequence[str]) -> bool:
    """Tell whether the words of a run name a recipe and change nothing of it but the seed."""
    return all(is_open(word.lstrip("+~").partition("=")[0]) for word in overrides)


def is_open(key: str) -> bool:
    """Tell whether a key is one that a recipe leaves to the user."""
    return key in _OPEN or key.partition(".")[0] == "tracking"


def _header(name: str) -> dict[str, str]:
    path = options.file(GROUP, name)
    assert path is not None
    says: dict[str, str] = {}
    last = None
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        if entry := _ENTRY.fullmatch(line):
            last, says[entry[1]] = entry[1], entry[2]
        elif last and (more := _MORE.fullmatch(line)):
            says[last] += f" {more[1]}"
    return says
