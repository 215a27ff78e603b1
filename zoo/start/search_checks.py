"""What is wrong with a search, in words, before TensorFlow is imported: keys, values, and what it goes on with."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from zoo import tracking
from zoo.config import BadInput, Config, shown
from zoo.start import grid, keys, naming, overrides, space
from zoo.start.composition import compose_each
from zoo.start.search_settings import is_about, key_of
from zoo.start.space import Numbers, Space

_RESUME = "search.resume"
# What trials are compared by has to be the same for all of them.
_COMPARED = {
    "data": "trials are compared on the same data",
    "data.folds": "trials are compared on the same validation data",
    "data.validation": "trials are compared on the same validation data",
    "monitor": "trials are compared by the same metric",
    "loss": "trials are compared by the same loss",
    "tracking": "trials are recorded in one store",
    "experiment": "a recipe is where a search starts from; name it beside the space",
    "debug": "it shrinks a run, rather than choosing one",
}


def source(words: Sequence[str]) -> tracking.StoredRun | None:
    """Return the record of the search that is to go on, or None for a new one.

    Raises:
        BadInput: There is no such run, it is none of a search, or it is at work.
    """
    named = [word for word in words if key_of(word) == _RESUME and not word.endswith("=null")]
    if not named:
        return None
    said = overrides.read([word for word in words if not is_about(word)])
    if said.choices.get("tracking") == "off":
        raise BadInput(f"{_RESUME} needs the record of the search, but tracking=off. Leave tracking=off out.")
    reference, uri = named[-1].partition("=")[2].strip("'\""), said.values.get("tracking.uri")
    found = tracking.find(tracking.newest_sweep(uri) if reference == "last" else reference, uri)
    if "search" not in found.tags:
        is_grid = found.tags.get("sweep") == "true"
        what = "a sweep of a grid, which goes on with sweep.resume" if is_grid else "no search"
        raise BadInput(f"Run {found.id} ({found.name}) is {what}. {_RESUME} takes the id of a search's own run.")
    if found.status == "RUNNING" and not tracking.is_gone(found.tags):
        raise BadInput(
            f"Search {found.id} ({found.name}) is at work: {found.tags.get('process', 'its process is not known')}."
        )
    return found


def check_keys(dimensions: Space, fixed: Sequence[str]) -> None:
    """Refuse keys that no search can be about, or that are set beside it.

    Raises:
        BadInput: There is one.
    """
    said = {key_of(word): word for word in fixed}
    faults = []
    for key in (key.lstrip("+") for key in dimensions):
        if key in grid.REPLICATES:
            faults.append(f"{space.KEY} names {key}, which repeats a choice rather than being one: sweep it with -m.")
        elif reason := _COMPARED.get(key) or _COMPARED.get(key.partition(".")[0] if key.startswith("tracking") else ""):
            faults.append(f"{space.KEY} names {key}, but {reason}.")
        elif key in said:
            faults.append(f"{key} is searched and set at once: {said[key]}. Leave one of them out.")
    if faults:
        raise BadInput(" ".join(faults))


def settle(dimensions: Space, config: Config, fixed: Sequence[str]) -> Space:
    """Return the space of a run, in which every number is known to be whole or not.

    Every choice and both ends of each key are tried with all other keys as they are first.

    Args:
        dimensions: As the words say.
        config: Of the words beside the space.
        fixed: Those words.

    Raises:
        BadInput: A key is unknown, or does not take what the space says.
    """
    tree = config.tree()
    known = {
        key: _settled(key, one, tree, fixed) if isinstance(one, Numbers) else one for key, one in dimensions.items()
    }
    first = {key: dimension.edges()[0] for key, dimension in known.items()}
    jobs: dict[tuple[str, ...], None] = {}
    for key, dimension in known.items():
        for value in dimension.edges():
            jobs[_words(fixed, {**first, key: value})] = None
    found = compose_each(list(jobs))
    if faults := list(dict.fromkeys(str(one) for one in found if isinstance(one, BadInput))):
        raise BadInput(" ".join(faults))
    metrics = {one.monitored: None for one in found if isinstance(one, Config)}
    if len(metrics) > 1:
        raise BadInput(
            f"Trials are compared by the same metric, but these would monitor {' and '.join(metrics)}. Choose one: "
            f"monitor={next(iter(metrics))}."
        )
    return known


def check_unchanged(found: tracking.StoredRun, now: Mapping[str, str]) -> None:
    """Refuse to go on with a search as another one.

    Args:
        found: Its record.
        now: The tags that it would have; see `zoo.start.search.marks`.

    Raises:
        BadInput: The space, the way of searching, or what all trials share has changed.
    """
    changes = []
    for tag, prefix in (("search.space", f"{space.KEY}."), ("search.settings", "search.")):
        old, new = json.loads(found.tags.get(tag, "{}")), json.loads(now[tag])
        for key in dict.fromkeys([*old, *new]):
            if old.get(key) != new.get(key):
                before, after = (shown(one[key]) if key in one else "nothing" for one in (old, new))
                changes.append(f"{prefix}{key} ({before} → {after})")
    if not changes and found.tags.get("search.base") != now["search.base"]:
        changes.append("what all trials share")
    if changes:
        raise BadInput(
            f"Search {found.id} goes on as the search it was: {', '.join(changes)} can't change. What may change is "
            "search.trials and search.timeout. For anything else, start a new search."
        )


def base(config: Config) -> str:
    """Return a hash of what all trials share."""
    return naming.fingerprint(config)


def _settled(key: str, dimension: Numbers, tree: Mapping[str, object], fixed: Sequence[str]) -> Numbers:
    """Return numbers of which it is known whether they are whole: as the key's own value is, or as it can be."""
    if dimension.whole is not None:
        return dimension
    usual = keys.get(tree, key.lstrip("+"))
    if isinstance(usual, int | float) and not isinstance(usual, bool):
        return replace(dimension, whole=isinstance(usual, int))
    if usual is keys.ABSENT:
        return replace(dimension, whole=True)
    (between,) = compose_each([_words(fixed, {key: repr(dimension.low + 0.5)})])
    return replace(dimension, whole=isinstance(between, BadInput))


def _words(fixed: Sequence[str], chosen: Mapping[str, str]) -> tuple[str, ...]:
    return (*fixed, *(f"{key}={value}" for key, value in chosen.items()))
