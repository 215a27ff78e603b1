"""From the words of a sweep to the words of each of its runs: presets, products and pairs of values.

`sweep=NAME` takes its words from conf/sweep/NAME.yaml; the user's own words about the same keys win.
"""

import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from zoo.config import BadInput, Config, nearest, shown
from zoo.start import options, origin, overrides
from zoo.start.composition import compose_each

MULTIWORKER = (
    "strategy=multiworker trains one run in several processes, which each start for themselves. Start its runs one "
    "after another, or share out the runs rather than their steps: hydra/launcher=joblib, ray or slurm."
)
GROUP = "sweep"
# They repeat a choice, rather than being one: other initial weights, another part of the data to validate on.
REPLICATES = ("seed", "data.fold")
_SETTINGS = {"keep": ("best", "all", "none"), "vectorize": ("auto", True, False), "resume": None, "paired": None}


@dataclass(frozen=True)
class Settings:
    """How a sweep is made.

    Attributes:
        preset: The name of a file in conf/sweep.
        keep: Whose models are kept: the `best` of each choice, `all`, or `none`.
        vectorize: Whether runs may train together as one program: True, False, or where that pays.
        resume: The parent run that is to go on.
        paired: Keys whose values belong together, the first of one to the first of the others, and so on.
    """

    preset: str | None = None
    keep: Literal["best", "all", "none"] = "best"
    vectorize: Literal["auto"] | bool = "auto"
    resume: str | None = None
    paired: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """One run of a sweep.

    Attributes:
        config: Checked.
        choice: The swept keys and their values, but for those that repeat a choice.
    """

    config: Config
    choice: dict[str, str]


@dataclass(frozen=True)
class Grid:
    """All runs of a sweep.

    Attributes:
        cells: In the order of the words: the last key varies fastest.
        swept: The values of each key that has several.
        settings: How the sweep is made.
        skipped: Sentences about the cells that cannot be.
        words: Of the command line.
        fixed: The words that all runs share.
    """

    cells: list[Cell]
    swept: dict[str, list[str]]
    settings: Settings
    skipped: list[str] = field(default_factory=list)
    words: tuple[str, ...] = ()
    fixed: tuple[str, ...] = ()

    def listing(self) -> str:
        """Return what would be run, for a reader."""
        lines = [f"{len(self.cells):,} run{'s' * (len(self.cells) > 1)}"]
        lines += [f"  {key}: {', '.join(values)}" for key, values in self.swept.items()]
        lines += [f"  fixed: {' '.join(self.fixed)}"] if self.fixed else []
        lines += [f"Left out: {line}" for line in self.skipped]
        return "\n".join([*lines, "Dry run: nothing was trained, nothing was recorded."])

    def hydra_words(self) -> list[str]:
        """Return the same sweep in words that Hydra's own sweeper reads.

        Raises:
            BadInput: It is none of all combinations.
        """
        if scaled := [word for word in (*self.swept, *self.fixed) if word.startswith(overrides.LR_SCALE)]:
            raise BadInput(
                f"Hydra's launchers do not know {scaled[0].partition('=')[0]}. Name optimizer.learning_rate itself, or "
                "leave out the launcher."
            )
        if self.settings.paired or self.skipped:
            why = "sweep.paired" if self.settings.paired else "a preset or pattern that leaves some combinations out"
            raise BadInput(f"Hydra's launchers run all combinations of values, not {why}. Name the values themselves.")
        return [f"{key}={','.join(values)}" for key, values in self.swept.items()] + list(self.fixed)


def is_sweep(words: Sequence[str]) -> bool:
    """Tell whether words ask for a sweep by themselves, without a flag."""
    return any(word.partition("=")[0] == GROUP or word.startswith(f"{GROUP}.") for word in words)


def presets() -> list[str]:
    """Return the names of the presets."""
    return options.names_in(GROUP)


def read(words: Sequence[str]) -> Grid:
    """Return the runs that words ask for.

    Cells that cannot be, such as an optimizer that needs full batches beside a batch size, are refused where the user
    named them, and left out where a preset or a pattern did.

    Raises:
        BadInput: A word is not valid, there is no run, or all of them cannot be.
    """
    given, own = _settings(origin.with_id(words))
    settings, over = _by_preset(given, own)
    axes = overrides.axes([*over, *own])
    if unknown := [key for key in settings.paired if key not in axes]:
        raise BadInput(f"sweep.paired names {unknown[0]}, which is not among the swept keys: {', '.join(axes)}.")
    jobs = _jobs(axes, settings.paired)
    swept = {key: [_value(word) for word in values] for key, values in axes.items() if len(values) > 1}
    found = compose_each(jobs)
    lenient = bool(over) or overrides.has_glob(own)
    refused = {job: one for job, one in zip(jobs, found, strict=True) if isinstance(one, BadInput)}
    if refused and (not lenient or len(refused) == len(jobs)):
        raise BadInput(" ".join(dict.fromkeys(map(str, refused.values()))))
    # What the user has named, rather than a preset or a pattern, has to be possible in one combination at least.
    named = overrides.axes([word for word in own if not overrides.has_glob([word])])
    for word in (word for words in named.values() for word in words):
        having = [job for job in jobs if word in job]
        if having and all(job in refused for job in having):
            raise BadInput(" ".join(dict.fromkeys(str(refused[job]) for job in having)))
    if any(isinstance(one, Config) and one.strategy.name == "multiworker" for one in found):
        raise BadInput(MULTIWORKER)
    cells = [Cell(one, choice(job, swept)) for job, one in zip(jobs, found, strict=True) if isinstance(one, Config)]
    fixed = tuple(values[0] for values in axes.values() if len(values) == 1)
    return Grid(cells, swept, settings, _in_sentences(refused, swept), tuple(words), fixed)


def choice(words: Sequence[str], swept: Collection[str]) -> dict[str, str]:
    """Return what the words of a run say of the swept keys, but for those that repeat a choice."""
    said = {_key(word): _value(word) for word in words}
    names = {key.lstrip("+") for key in swept}
    return {key: value for key, value in said.items() if key in names and key not in REPLICATES}


def _settings(words: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Return the settings among the words, and the words that are about the runs."""
    settings: dict[str, Any] = {}
    others = []
    for word in words:
        key = word.partition("=")[0]
        if key == overrides.LR_SCALE or not is_sweep([word]):
            others.append(word)
            continue
        name, value = key.partition(".")[2], overrides.value_of(word)
        if key == GROUP:
            settings["preset"] = shown(value)
            if shown(value) not in presets():
                raise BadInput(f"Unknown sweep '{shown(value)}'. {nearest(shown(value), presets())}")
        elif name not in _SETTINGS:
            raise BadInput(f"Unknown setting '{key}'. {nearest(key, [f'{GROUP}.{one}' for one in _SETTINGS])}")
        elif (allowed := _SETTINGS[name]) is not None and shown(value) not in map(shown, allowed):
            raise BadInput(f"{key} should be {', '.join(map(shown, allowed))}. Received: {word}.")
        else:
            if name == "resume" and value is not None:
                value = word.partition("=")[2].strip("'\"")  # an id, also where it looks like a number
            if name == "paired":
                value = tuple(map(str, value if isinstance(value, list) else [value]))
                if len(value) < 2:
                    raise BadInput(f"{key} should name two keys or more: '{key}=[model,optimizer]'. Received: {word}.")
            settings[name] = value
    return settings, others


def _by_preset(given: Mapping[str, Any], own: Sequence[str]) -> tuple[Settings, list[str]]:
    """Return all settings, and the words of the preset about which the user says nothing."""
    if given.get("preset") is None:
        return Settings(**given), []
    path = options.file(GROUP, given["preset"])
    assert path is not None  # `_settings` has looked
    tree = options.read(path)
    over = tree.pop("over", None)
    if not isinstance(over, list) or not all(isinstance(word, str) for word in over):
        raise BadInput(f"{path} should hold a list of words: over: [optimizer=sgd,adam, seed=range(5)].")
    more, _ = _settings([f"{GROUP}.{key}={shown(value)}" for key, value in tree.items()])
    said = {_key(word): word for word in own}
    if "data.folds" in said and "data.fold" not in said:  # all of as many as there are then
        over = [f"data.fold=range({_value(said['data.folds'])})" if _key(w) == "data.fold" else w for w in over]
    return Settings(**{**more, **given}), [word for word in over if _key(word) not in said]


def _jobs(axes: Mapping[str, list[str]], paired: Sequence[str]) -> list[tuple[str, ...]]:
    lengths = {len(axes[key]) for key in paired}
    if len(lengths) > 1:
        counts = ", ".join(f"{len(axes[key])} of {key}" for key in paired)
        raise BadInput(f"Paired values should be as many of one key as of the other. Received: {counts}.")
    runs = math.prod(len(values) for key, values in axes.items() if key not in paired) * max(lengths, default=1)
    if runs > overrides.MOST:
        counts = ", ".join(f"{len(values):,} of {key}" for key, values in axes.items() if len(values) > 1)
        raise BadInput(f"A sweep has at most {overrides.MOST:,} runs. Received: {runs:,}, by {counts}.")
    columns: list[list[tuple[str, ...]]] = []
    for key, values in axes.items():
        if key not in paired:
            columns.append([(value,) for value in values])
        elif key == next(one for one in axes if one in paired):
            columns.append(list(zip(*(axes[one] for one in axes if one in paired), strict=True)))
    return [tuple(itertools.chain.from_iterable(job)) for job in itertools.product(*columns)]


def _in_sentences(refused: Mapping[tuple[str, ...], BadInput], swept: Mapping[str, Any]) -> list[str]:
    """Say once for each reason which choices it leaves out."""
    by_reason: dict[str, dict[str, None]] = {}
    for job, error in refused.items():
        words = " ".join(f"{key}={value}" for key, value in choice(job, swept).items())
        by_reason.setdefault(str(error), {})[words] = None
    return [f"{', '.join(cells)}: {reason}" for reason, cells in by_reason.items()]


def _key(word: str) -> str:
    return word.lstrip("+").partition("=")[0]


def _value(word: str) -> str:
    return word.partition("=")[2]
