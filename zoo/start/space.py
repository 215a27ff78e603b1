"""What a search chooses from: for each key the numbers between two ends, or a list of choices.

The words are `{optimizer.learning_rate: [1e-5, 1e-1, log], batch_size: [16, 128, int], optimizer: [adam, sgd]}`. Which
keys there are, and which values they take, is a question to the config: see `zoo.start.search_checks`.
"""

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zoo.config import BadInput, either, shown

KEY = "search.space"
EXAMPLE = "'search.space={optimizer.learning_rate: [1e-5, 1e-1, log], model.dropout: [0, 0.5]}'"
_WORDS = ("log", "int", "choice")
_DIGITS = 4  # of a float; more would say nothing, and make long names
# Hydra's grammar has no sets; a list in which the last word says that it is one stands for it.
_SET = re.compile(r"\{([^{}:]*,[^{}:]*)\}")


@dataclass(frozen=True)
class Numbers:
    """All numbers between two ends, which belong to them.

    Attributes:
        low: The lower end.
        high: The higher one.
        log: Whether equal ratios count alike, rather than equal differences.
        whole: Whether only whole numbers; None where the words leave it open, and the key decides.
    """

    low: float
    high: float
    log: bool = False
    whole: bool | None = False

    def word(self, value: float) -> str:
        """Return a value as it stands on a command line, in four digits."""
        if self.whole:
            return str(round(value))
        return repr(min(max(float(f"{value:.{_DIGITS}g}"), float(self.low)), float(self.high)))

    def edges(self) -> list[str]:
        """Return the ends in words."""
        return [self.word(self.low), self.word(self.high)]

    def __str__(self) -> str:
        kind = [name for name, has in (("int", self.whole), ("log", self.log)) if has]
        return f"[{', '.join([*map(shown, (self.low, self.high)), *kind])}]"


@dataclass(frozen=True)
class Choices:
    """Some values, none of which lies between others.

    Attributes:
        values: As they stand on a command line.
    """

    values: tuple[str, ...]

    def edges(self) -> list[str]:
        """Return all of them."""
        return list(self.values)

    def __str__(self) -> str:
        return f"[{', '.join([*self.values, 'choice'])}]"


Dimension = Numbers | Choices
Space = dict[str, Dimension]


def as_lists(word: str) -> str:
    """Return a word with its sets, such as `{adam, sgd}`, as lists that Hydra's grammar knows."""
    return _SET.sub(r"[\1, choice]", word)


def read(given: Any) -> Space:
    """Return the space that a mapping of keys to lists describes.

    Raises:
        BadInput: It is empty, or a list is not one of two ends or several choices.
    """
    if not isinstance(given, Mapping):
        raise BadInput(f"{KEY} should say what each key is chosen from, such as {EXAMPLE}. Received: {shown(given)}.")
    if not given:
        raise BadInput(f"{KEY} is empty: there is nothing to search. Say what, such as {EXAMPLE}.")
    found: Space = {}
    faults: list[str] = []
    for key, value in given.items():
        try:
            found[str(key)] = _dimension(f"{KEY}.{key}", value)
        except BadInput as error:
            faults.append(str(error))
    if faults:
        raise BadInput(" ".join(faults))
    return found


def told(space: Space) -> dict[str, str]:
    """Return what each key is chosen from, in words that `read` takes again."""
    return {key: str(dimension) for key, dimension in space.items()}


def _dimension(key: str, value: Any) -> Dimension:
    if not isinstance(value, list):
        raise BadInput(
            f"{key} should be two ends, [0, 0.5] or [1e-5, 1e-1, log], or a list of choices, [adam, sgd]. "
            f"Received: {shown(value)}."
        )
    ends, words = value[:2], value[2:]
    if len(ends) == 2 and all(map(_is_number, ends)) and all(isinstance(word, str) for word in words):
        if all(word in _WORDS for word in words):
            return _numbers(key, ends, words) if "choice" not in words else _choices(key, ends)
        for word in words:
            if close := difflib.get_close_matches(word, _WORDS, n=1, cutoff=0.6):
                raise BadInput(f"{key} says '{word}'. Did you mean '{close[0]}'? Available: {', '.join(_WORDS)}.")
    return _choices(key, value[:-1] if value[-1:] == ["choice"] else value)


def _numbers(key: str, ends: Sequence[float], words: Sequence[str]) -> Numbers:
    low, high = ends
    log = "log" in words
    received = f"Received: {shown([low, high, *words])}."
    if not (math.isfinite(low) and math.isfinite(high)):
        raise BadInput(f"{key} should have finite ends. {received}")
    if low > high:
        raise BadInput(f"{key} should have its lower end first: {shown([high, low, *words])}. {received}")
    if low == high:
        raise BadInput(f"{key} should have two different ends. {received} To set it, leave it out of the space.")
    if log and low <= 0:
        raise BadInput(f"{key} is on a logarithmic scale, which has no {shown(low)}: its ends are above 0. {received}")
    is_whole = all(isinstance(end, int) for end in ends)
    if "int" in words and not is_whole:
        raise BadInput(f"{key} is of whole numbers, and so are its ends. {received}")
    return Numbers(low, high, log, True if "int" in words else None if is_whole else False)


def _choices(key: str, values: Sequence[Any]) -> Choices:
    found = tuple(dict.fromkeys(map(shown, values)))
    if len(found) < 2:
        raise BadInput(
            f"{key} should have two choices or more, or two ends. Received: {shown(list(values))}. To set it, leave it "
            "out of the space."
        )
    if any(isinstance(value, float) and not math.isfinite(value) for value in values):
        raise BadInput(f"{key} should have finite values. Received: {either(found)}.")
    return Choices(found)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
