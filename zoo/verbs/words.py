"""What a verb understands: `key=value` words, read by one parser, refused in words, told by `--help`."""

import contextlib
import difflib
import math
import os
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.config import BadInput, either, nearest

Reader = Callable[[str], Any]
"""Returns the value that a text stands for; raises ValueError with what it should be, such as `a whole number`."""

RUN_HELP = "an id or its beginning, last, best:FILTER (of MLflow's), or models:/NAME@ALIAS"


@dataclass(frozen=True)
class Key:
    """A word that a verb takes.

    Attributes:
        name: What stands before the equals sign. `data.` stands for all words that begin so, as in `data.limit=10`: the
            value is the list of them.
        shown: What `--help` shows after it.
        help: What it does, in a few words.
        read: Makes the value of the text; None: the text itself.
        default: The value where the word is left out.
        required: Whether it cannot be left out.
        empty: Whether nothing may stand after the equals sign.
    """

    name: str
    shown: str
    help: str
    read: Reader | None = None
    default: Any = None
    required: bool = False
    empty: bool = False

    @property
    def is_prefix(self) -> bool:
        """Whether it stands for all words that begin with it."""
        return self.name.endswith(".")


TRACKING_URI = Key("tracking.uri", "URI", "where runs are kept; MLFLOW_TRACKING_URI or mlflow.db if left out")
RUN = Key("run", "ID", RUN_HELP, required=True)


@dataclass(frozen=True)
class Grammar:
    """The words of one verb.

    Attributes:
        verb: Its name.
        about: What it does.
        examples: Of its words, each without `zoo VERB`.
        keys: That it takes. A word without an equals sign is a value of the first one.
        notes: What else there is to know.
    """

    verb: str
    about: str
    examples: tuple[str, ...]
    keys: tuple[Key, ...]
    notes: str = ""

    @property
    def usage(self) -> str:
        """What `--help` prints."""
        starts = ["usage:", *["      "] * (len(self.examples) - 1)]
        lines = [f"{start} zoo {self.verb} {one}".rstrip() for start, one in zip(starts, self.examples, strict=True)]
        shown = [f"{key.name}{'' if key.is_prefix else '='}{key.shown}" for key in self.keys]
        width = max(map(len, shown)) + 3
        lines += ["", self.about, ""]
        lines += [f"  {word:<{width}}{key.help}" for word, key in zip(shown, self.keys, strict=True)]
        return "\n".join([*lines, "", self.notes] if self.notes else lines)

    def read(self, words: Sequence[str]) -> dict[str, Any]:
        """Return the value of every key.

        Args:
            words: The user's, after the verb.

        Raises:
            BadInput: A word is not known, is given twice, has no value or a wrong one, or is missing.
        """
        texts: dict[str, str] = {}
        names = [key.name for key in self.keys if not key.is_prefix]
        may_be_empty = {key.name: key.empty for key in self.keys}
        prefixes = {key.name: list[str]() for key in self.keys if key.is_prefix}
        for word in words:
            key, equals, text = word.partition("=")
            if beginning := next((prefix for prefix in prefixes if key.lstrip("+").startswith(prefix)), None):
                prefixes[beginning].append(word)
                continue
            is_bare = not equals and key not in names and not key.startswith("-")
            if is_bare or key.startswith("best:"):  # a filter has equals signs of its own
                key, equals, text = names[0], "=", word
            if key not in names:
                raise BadInput(f"Unknown word '{word}'. {_near(key, names, prefixes)} See zoo {self.verb} --help.")
            if not equals or not (text.strip() or may_be_empty[key]):
                raise BadInput(f"{key} needs a value: {key}=... See zoo {self.verb} --help.")
            if key in texts:
                meant = self._meant(text) if is_bare and text != texts[key] else ""
                way_out = f"Did you mean {meant}?" if meant else "Keep one of them."
                raise BadInput(f"{key} is given twice: {key}={texts[key]} and {key}={text}. {way_out}")
            texts[key] = text
        return prefixes | {key.name: self._value(key, texts.get(key.name)) for key in self.keys if not key.is_prefix}

    def _meant(self, text: str) -> str:
        """Return what a second word without an equals sign may stand for: of the keys that take it, the first."""
        for key in self.keys[1:]:
            if not key.is_prefix and key is not TRACKING_URI:
                with contextlib.suppress(ValueError):
                    if key.read is not None:
                        key.read(text)
                    return f"{key.name}={shlex.quote(text)}"
        return ""

    def _value(self, key: Key, text: str | None) -> Any:
        if text is None:
            if key.required:
                raise BadInput(f"{key.name} is missing: {key.name}=... is {key.help}. See zoo {self.verb} --help.")
            return key.default
        if key.read is None:
            return text.strip()
        try:
            return key.read(text)
        except ValueError as error:
            raise BadInput(f"{key.name} should be {error}. Received: {key.name}={text}.") from None


def _near(key: str, names: Sequence[str], prefixes: Iterable[str]) -> str:
    """Return a sentence with the nearest keys; of `dat.limit`, where keys begin with `data.`, it is `data`."""
    beginning, dot, _ = key.partition(".")
    beginnings = [prefix.rstrip(".") for prefix in prefixes]
    is_near = dot and difflib.get_close_matches(beginning, beginnings, n=1, cutoff=0.6)
    return nearest(beginning if is_near else key, names)


def wants_help(words: Sequence[str]) -> bool:
    """Tell whether `--help` is among the words."""
    return any(word in ("-h", "--help") for word in words)


def whole(least: int, most: int | None = None) -> Reader:
    """Return a reader of whole numbers within bounds, both included."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least or (most is not None and value > most):
            raise ValueError(f"a whole number of at least {least}" + (f" and at most {most}" if most else ""))
        return value

    return read


def number(above: float = -math.inf, most: float = math.inf, *, least: float | None = None) -> Reader:
    """Return a reader of finite numbers above a bound (or of at least `least`) and of at most another."""
    bounds = [f"of at least {least:g}"] if least is not None else [f"above {above:g}"] if above > -math.inf else []
    bounds += [f"at most {most:g}"] if most < math.inf else []

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        inside = value <= most and (value >= least if least is not None else value > above)
        if not math.isfinite(value) or not inside:
            raise ValueError(" ".join(["a number", " and ".join(bounds)]).strip())
        return value

    return read


def one_of(*names: str) -> Reader:
    """Return a reader of one of some words."""

    def read(text: str) -> str:
        if text not in names:
            raise ValueError(either(names))
        return text

    return read


def true_or_false(text: str) -> bool:
    """Read `true` or `false`."""
    return bool(one_of("true", "false")(text) == "true")


def existing_file(text: str) -> str:
    """Read the path of a file that is there."""
    if not os.path.isfile(os.path.expanduser(text)):
        raise ValueError("a file that is there")
    return os.path.expanduser(text)


def new_folder(text: str) -> str:
    """Read the path of a folder, which may have to be made."""
    path = os.path.expanduser(text)
    if os.path.exists(path) and not os.path.isdir(path):
        raise ValueError("a folder")
    return path
