"""From the words of a search to what it is: `search=tpe search.trials=9 'search.space={...}'` beside a run's."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo import tracking
from zoo.config import BadInput, Config
from zoo.start import grid, origin, search_checks, search_settings, space
from zoo.start.composition import compose, compose_each
from zoo.start.search_settings import Settings, is_about, key_of
from zoo.start.space import Space


@dataclass(frozen=True)
class Search:
    """A search, checked.

    Attributes:
        name: Of a file in conf/search.
        settings: How it is made.
        space: What each key is chosen from.
        config: Of a run with everything that is not searched as it is.
        words: Of the command line; where a search goes on, those that it began with too.
        fixed: The words that all trials share.
        source: The record of the search that goes on.
    """

    name: str
    settings: Settings
    space: Space
    config: Config
    words: tuple[str, ...]
    fixed: tuple[str, ...]
    source: tracking.StoredRun | None = None

    def trial(self, chosen: Mapping[str, str]) -> Config | BadInput:
        """Return the config of a trial, or why there can be none.

        Args:
            chosen: The value of each key of the space, as on a command line.
        """
        words = [*self.fixed, *(f"{key}={value}" for key, value in chosen.items())]
        return compose_each([words])[0]

    def listing(self) -> str:
        """Return what would be searched, for a reader."""
        own = self.settings
        lines = [f"{own.trials:,} trials, proposed by {own.sampler} with seed {own.seed}, pruned by {own.pruner}"]
        lines += [f"  {key.lstrip('+')}: {text}" for key, text in space.told(self.space).items()]
        lines += [f"  fixed: {' '.join(self.fixed)}"] if self.fixed else []
        lines += [f"Compared by {self.config.monitored}, the best of each trial's epochs."]
        return "\n".join([*lines, "Dry run: nothing was trained, nothing was recorded."])


def is_search(words: Sequence[str]) -> bool:
    """Tell whether words ask for a search."""
    return any(map(is_about, words))


def read(words: Sequence[str]) -> Search:
    """Return the search that words ask for.

    Raises:
        BadInput: A word is not valid, the space is not one of this run's, or there is no such search to go on with.
    """
    if sweep := [word for word in words if grid.is_sweep([word])]:
        raise BadInput(f"A search chooses the values of its trials itself. Leave out {sweep[0]}.")
    words = origin.with_id(words)
    own = [word for word in words if is_about(word)]
    source = search_checks.source(words)
    if source is not None:
        words = _with_recorded(source, words)
        own = [word for word in words if is_about(word)]
    name, settings = search_settings.read(own)
    fixed = tuple(word for word in words if not is_about(word))
    dimensions = space.read(settings.space)
    search_checks.check_keys(dimensions, fixed)
    config = compose(*fixed)
    if config.strategy.name == "multiworker":
        raise BadInput(grid.MULTIWORKER)
    dimensions = search_checks.settle(dimensions, config, fixed)
    found = Search(name, settings, dimensions, config, tuple(words), fixed, source)
    if source is not None:
        search_checks.check_unchanged(source, marks(found))
    return found


def marks(search: Search) -> dict[str, str]:
    """Return the tags that a search's own run has, by which it is known again."""
    own = search.settings.model_dump(exclude={"space", *search_settings.MAY_CHANGE})
    return {
        "search": search.name,
        "search.space": json.dumps(space.told(search.space)),
        "search.settings": json.dumps(own),
        "search.base": search_checks.base(search.config),
    }


def _with_recorded(source: tracking.StoredRun, words: Sequence[str]) -> list[str]:
    """Return the words that a search began with, replaced and followed by the user's own."""
    text = source.tags.get("sweep.words", "")
    if not text or tracking.is_cut(text):
        raise BadInput(f"Search {source.id} does not say all that it was started with: repeat its command with its id.")
    said = {key_of(word) for word in words}
    if space.KEY in said:  # it is said anew as a whole
        said |= {key_of(word) for word in json.loads(text) if key_of(word).startswith(f"{space.KEY}.")}
    kept = [word for word in json.loads(text) if key_of(word) not in said and key_of(word) != "search.resume"]
    return [*kept, *words]
