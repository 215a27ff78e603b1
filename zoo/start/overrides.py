"""The user's words, such as `model=lstm` and `optimizer.learning_rate=0.01`, read before anything is composed.

The grammar is Hydra's. What is refused here is what Hydra would accept and a run could not use.
"""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zoo.config import BadInput, nearest, shown
from zoo.start import options

if TYPE_CHECKING:
    from hydra.core.override_parser.types import Override

# Hydra's own settings: hydra.run.dir=..., hydra/launcher=...
_HYDRAS = re.compile(r"[+~]*hydra[./]")
# Multiplies the optimizer's own learning rate.
LR_SCALE = "sweep.lr_scale"
LONGEST = 10_000  # characters of a word: Hydra's parser takes seconds for more
MOST = 100_000  # values of a key, and runs of a sweep
_KEY = re.compile(r"[+~]*[A-Za-z_]\w*([./@]\w+)*")


@dataclass
class Words:
    """What a command line says.

    Attributes:
        choices: The option of each group that is chosen; None where the user wants none.
        values: The value of each key that is set, dotted.
        added: Those of the keys that were written with a plus.
        mistakes: What cannot be understood, in sentences.
        unclear: Groups that were given an option which does not exist.
    """

    choices: dict[str, str | None] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    added: set[str] = field(default_factory=set)
    mistakes: list[str] = field(default_factory=list)
    unclear: set[str] = field(default_factory=set)


def is_hydras(word: str) -> bool:
    """Tell whether a word is about Hydra itself, such as `hydra.run.dir=here`."""
    return _HYDRAS.match(word) is not None


def read(words: Iterable[str]) -> Words:
    """Read the words for one run; Hydra's own are left out."""
    found = Words()
    for word in words:
        if is_hydras(word):
            continue
        try:
            one = _parse(word)
            mistake = _unusable(one)
        except BadInput as error:
            mistake, one = str(error), None
        if mistake or one is None:
            found.mistakes.append(mistake or "")
        elif one.key_or_group in options.groups():
            _choose(one, found)
        else:
            found.values[one.key_or_group] = one.value()
            if one.is_add() or one.is_force_add():
                found.added.add(one.key_or_group)
    return found


def parse(words: Iterable[str]) -> dict[str, Any]:
    """Return what words set, key by key, such as `{"model": "lstm", "optimizer.learning_rate": 0.01}`."""
    found = read(words)
    return {**found.choices, **found.values}


def axes(words: Iterable[str]) -> dict[str, list[str]]:
    """Return the words that each key of a sweep takes in turn: `["seed=1,2"]` gives `{"seed": ["seed=1", "seed=2"]}`.

    Args:
        words: With any number of values each: `model=rnn,lstm`, `seed=range(10)`, `optimizer=glob(*)`.

    Raises:
        BadInput: A word cannot be read, or does not say which values it means.
    """
    found: dict[str, list[str]] = {}
    for word in words:
        one = _parse(word)
        key = one.get_key_element()
        if not one.is_sweep_override():
            values = [word]
        elif _is_glob(one):
            values = [f"{key}={name}" for name in _globbed(one)]
        elif one.is_discrete_sweep():
            values = [f"{key}={value}" for value in _enumerated(one)]
        else:
            raise BadInput(f"'{word}' names a range without steps. Name the values: {key}=1,2,3 or {key}=range(1,4).")
        # As in Hydra, the last word about a key counts; two choices from one group are a mistake, told by `read`.
        found[word if key in found and key in options.groups() else key] = values
    return found


def has_glob(words: Iterable[str]) -> bool:
    """Tell whether a word chooses options by a pattern."""
    return any(_is_glob(_parse(word)) for word in words)


def value_of(word: str) -> Any:
    """Return what one word sets its key to."""
    return _parse(word).value()


@functools.lru_cache(maxsize=4096)  # a sweep repeats its words from run to run
def _parse(word: str) -> "Override":
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    if len(word) > LONGEST:
        raise BadInput(f"Can't read '{word[:40]}...': it has {len(word):,} characters, of at most {LONGEST:,}.")
    try:
        if word.startswith("="):
            raise HydraException("There is no key.")
        return OverridesParser.create().parse_override(word)
    except (HydraException, RecursionError, ValueError) as error:  # of values that no grammar has foreseen
        key, equals, value = word.partition("=")
        if not equals or not _KEY.fullmatch(key):
            raise BadInput(f"Can't read '{word}': expected key=value, such as model=lstm.") from None
        reason = _reason(str(error), value)
        raise BadInput(f"Can't read '{word}': {reason}") from None


def _reason(message: str, value: str) -> str:
    for opening, closing in ("[]", "{}", "()"):
        if value.count(opening) != value.count(closing):
            return f"every {opening} needs a {closing}."
    if "recursion" in message:
        return "its brackets are nested too deeply."
    if match := re.search(r"Unknown function '(\w+)'\s+Available: (\S+)", message):
        return f"unknown function '{match[1]}'. Available: {match[2].replace(',', ', ')}."
    return (
        "its value is neither a number, nor a name, nor a list such as [1,2]. Put text with spaces or signs into "
        "quotes: key=\"'some text'\"."
    )


def _unusable(one: "Override") -> str | None:
    """Return why a run cannot use a word, or None."""
    key, word = one.key_or_group, one.input_line
    is_group = key in options.groups()
    if one.package is not None:
        return f"Can't use '{word}': no part of the zoo is found elsewhere by an @. Write {key}=... ."
    if one.is_delete():
        return f"Can't use '{word}': a run needs every key. Set {key}=... instead, or leave it out."
    if one.is_sweep_override():
        named = str(word).partition("=")[2]
        instead = "" if is_group or "(" in named else f", or write a list as {key}=[{named}]"
        return f"'{word}' names several values. Add -m to train one after the other{instead}."
    if is_group and (one.is_add() or one.is_force_add()):
        return f"Can't use '{word}': {key} is there already. Write {str(word).lstrip('+')}, without the plus."
    if key.partition(".")[0] in options.groups() and key.endswith(".name") and key.count(".") == 1:
        group = key.partition(".")[0]
        return f"{key} only says which {group} was chosen. Choose another: {group}={shown(one.value())}."
    return None


def _choose(one: "Override", found: Words) -> None:
    group, option = one.key_or_group, one.value()
    if option is None and options.optional(group):
        found.choices.setdefault(group, None)
        return
    names = options.groups()[group]
    name = shown(option)
    if name not in names or not isinstance(option, str | int):
        given = f"Unknown {group} '{name}'."
        if name in ("", "null"):
            given = f"Every run has one option of {group}. Received: {group}={name}."
        found.mistakes.append(f"{given} {nearest(name, names)}")
        found.unclear.add(group)
    elif found.choices.setdefault(group, name) != name:
        found.mistakes.append(f"{group} is chosen twice: {found.choices[group]} and {name}. Keep one of them.")
        found.unclear.add(group)


def _enumerated(one: "Override") -> list[str]:
    try:
        if _length(one) > MOST:
            raise BadInput(f"'{one.input_line}' names more than {MOST:,} values. Name fewer.")
        values = list(one.sweep_string_iterator())
    except BadInput:
        raise
    except (ValueError, OverflowError) as error:  # range(1,2,0)
        raise BadInput(f"Can't read '{one.input_line}': {error}.") from None
    if not values:
        raise BadInput(f"'{one.input_line}' names no value at all.")
    return values


def _length(one: "Override") -> float:
    """Return about how many values a range names, without making them; 0 for what names them one by one."""
    from hydra.core.override_parser.types import RangeSweep

    values = one.value()
    if not isinstance(values, RangeSweep) or values.start is None or values.stop is None or not values.step:
        return 0
    return (values.stop - values.start) / values.step


def _is_glob(one: "Override") -> bool:
    from hydra.core.override_parser.types import ValueType

    return one.value_type is ValueType.GLOB_CHOICE_SWEEP


def _globbed(one: "Override") -> list[str]:
    group = one.key_or_group
    if group not in options.groups():
        raise BadInput(f"'{one.input_line}' looks for options by a pattern, but {group} is no group of options.")
    names: list[str] = one.value().filter(options.groups()[group])  # type: ignore[union-attr]
    if not names:
        raise BadInput(f"'{one.input_line}' fits no {group}. Available: {', '.join(options.groups()[group])}.")
    return names
