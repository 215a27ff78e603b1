"""Where a run begins: from scratch, or from a run that was recorded before.

`resume=<id>` goes on with a run, `rerun=<id>` makes it again, `init_from=<id>` starts another one from its weights. The
words that the source was started with are composed anew, and the user's own on top of them.
"""

import logging
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from zoo import tracking
from zoo.config import BadInput, Config, flatten, shown
from zoo.start import naming, options, overrides, yaml_files

log = logging.getLogger(__name__)

KINDS = ("resume", "rerun")
INIT_FROM = "init_from"  # part of what the run is, so that its id is kept among the words
# What may change when a run goes on: how long it trains, and what leaves its numbers as they are.
_MAY_CHANGE = ("epochs", "early_stopping", "stop", "checkpoint", "tracking", "callbacks", "data_dir", "name", "dry_run")
# Of a run whose weights another one starts from, what says nothing about that other one.
_OF_ANOTHER_RUN = ("name", "init_from", "freeze", "resume", "dry_run")
_LAST = "last"


@dataclass(frozen=True)
class Origin:
    """The run that another begins from.

    Attributes:
        kind: Whether the same run goes on, or a new one repeats it.
        source: As it was recorded.
        words: That it was started with, without those about where it is recorded.
    """

    kind: Literal["resume", "rerun"]
    source: tracking.StoredRun
    words: tuple[str, ...]


def find(words: Sequence[str]) -> tuple[list[str], Origin | None]:
    """Return the words of a run with those of its source before them, and the source if words name one.

    Args:
        words: The user's.

    Raises:
        BadInput: There is no such run, or nothing to go on with.
    """
    named = [word for word in words if _key(word) in (*KINDS, INIT_FROM) and not word.endswith("=null")]
    own = [word for word in words if _key(word) not in (*KINDS, INIT_FROM)]
    if not named:
        return own, None
    if len(named) > 1:
        raise BadInput(f"A run begins from one other. Received: {' and '.join(named)}.")
    kind, reference = _key(named[0]), _reference(named[0])
    said = overrides.read(own)
    if said.choices.get("tracking") == "off" and kind == "resume":
        raise BadInput(f"{named[0]} needs the record of that run, but tracking=off. Leave tracking=off out.")
    uri = said.values.get("tracking.uri")
    newest = kind == "resume" and reference == _LAST
    if kind == INIT_FROM:
        source = tracking.refer(reference, uri)
        words = [word for word in _words(source) if _key(word) not in _OF_ANOTHER_RUN]
        return [_init_from(source.id), *_left(words, own), *own], None
    source = tracking.unfinished(uri) if newest else tracking.find(reference, uri)
    if kind == "resume":
        _check_can_go_on(source, own)
    origin = Origin("resume" if kind == "resume" else "rerun", source, _words(source))
    return [*_left(origin.words, own), *own], origin


def with_id(words: Sequence[str]) -> list[str]:
    """Return words in which `init_from` names its run by its id: a sweep has one source for all runs, looked up once.

    Raises:
        BadInput: There is no such run.
    """
    uris = [word.partition("=")[2] for word in words if _key(word) == "tracking.uri"]
    return [
        _init_from(tracking.refer(_reference(word), uris[-1] if uris else None).id)
        if _key(word) == INIT_FROM and not word.endswith("=null")
        else word
        for word in words
    ]


def check(config: Config, origin: Origin, compose: Callable[[Sequence[str]], Config]) -> Config:
    """Return a config that says what it begins from, if that goes together.

    Args:
        config: Of the words of both.
        origin: Where it begins.
        compose: Composes and checks words.

    Raises:
        BadInput: A run that goes on would become another one.
    """
    source = origin.source
    before = compose(origin.words)
    if naming.fingerprint(before) != source.tags.get("config_hash"):
        changed = _told(_recorded(source), before.tree())
        if origin.kind == "resume":
            raise BadInput(
                f"Run {source.id} can't go on: the files of conf/ have changed since, so that its words now mean "
                f"something else{changed}. Start a new run, or bring back the files."
            )
        log.warning(
            f"The files of conf/ have changed since run {source.id}: its words mean something else now{changed}."
        )
    if origin.kind == "rerun":
        return config.model_copy(update={"rerun": source.id})
    if differences := _differences(before.tree(), config.tree()):
        raise BadInput(
            f"Run {source.id} goes on as the run it was: {', '.join(differences)} can't change. What may change is "
            f"{', '.join(_MAY_CHANGE[:3])} and where files are kept. For anything else, start a new run."
        )
    ended = source.tags.get("outcome")
    if ended in ("completed", "early_stopped", "target_reached") and source.status == "FINISHED":
        longer = config.epochs > before.epochs
        freed = any(getattr(config, key) != getattr(before, key) for key in ("early_stopping", "stop"))
        if not longer and (ended == "completed" or not freed):
            raise BadInput(
                f"Run {source.id} has finished: {source.tags.get('reason', ended)} "
                f"Let it train on with more epochs: resume={source.id} epochs={2 * before.epochs}."
            )
    return config.model_copy(update={"resume": source.id})


def _check_can_go_on(source: tracking.StoredRun, own: Sequence[str]) -> None:
    if "search" in source.tags:
        raise BadInput(f"Run {source.id} is a search. It goes on with search.resume={source.id}.")
    if "trial" in source.tags:  # by itself it would end outside of the study, and read the test split
        raise BadInput(
            f"Run {source.id} is a trial of a search, which goes on as a whole: "
            f"search.resume={source.tags.get('mlflow.parentRunId')}. Make it anew as a run of its own: "
            f"rerun={source.id}."
        )
    if source.tags.get("sweep") == "true":
        raise BadInput(f"Run {source.id} is a sweep. Go on with it by its own command and sweep.resume={source.id}.")
    if source.status == "RUNNING" and not tracking.is_gone(source.tags):
        raise BadInput(
            f"Run {source.id} ({source.name}) is at work: {source.tags.get('process', 'its process is not known')}."
        )
    if gone := tracking.pruned(source, "checkpoints"):
        raise BadInput(f"{gone} It can't go on from where it was. Make it again: rerun={source.id}.")
    if source.tags.get("outcome") == "diverged":
        raise BadInput(
            f"Run {source.id} diverged: {source.tags.get('reason', '')} It would again. Make it anew with other "
            f"choices: rerun={source.id} optimizer.learning_rate=... ."
        )


def _words(source: tracking.StoredRun) -> tuple[str, ...]:
    """Return the words that a run was started with.

    Raises:
        BadInput: They are not recorded.
    """
    text = source.tags.get("overrides")
    if text is None:
        raise BadInput(f"Run {source.id} ({source.name}) does not say what it was started with: it is not of the zoo.")
    try:
        words = [] if tracking.is_cut(text) else shlex.split(text)
    except ValueError as error:
        raise BadInput(f"What run {source.id} ({source.name}) was started with can't be read: {error}.") from None
    if tracking.is_cut(text):  # more than a tag holds
        words = yaml_files.read_words(source.download("overrides.yaml"))
    return tuple(word for word in words if _key(word) not in ("tracking", "tracking.uri", *KINDS))


def _init_from(run_id: str) -> str:
    """Return the word for an id, quoted where it would be read as a number such as 12e5."""
    quote = "'" if re.fullmatch(r"[\de]+", run_id) else ""
    return f"{INIT_FROM}={quote}{run_id}{quote}"


def _reference(word: str) -> str:
    """Return what a word names: a filter in it need not be quoted for Hydra."""
    text = word.partition("=")[2].strip()
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    return text[1:-1] if quoted else text


def _left(words: Sequence[str], own: Sequence[str]) -> list[str]:
    """Return the words of the source that the user's own do not replace.

    An option chosen anew drops the source's values for it, and a recipe all of its words.
    """
    said = {_key(word) for word in own}
    if "experiment" in said:
        return []
    groups = {key for key in said if key in options.groups()}
    return [word for word in words if _key(word) not in said and _key(word).partition(".")[0] not in groups]


def _key(word: str) -> str:
    return word.partition("=")[0].lstrip("+")


def _recorded(source: tracking.StoredRun) -> dict[str, Any]:
    try:
        return yaml_files.read(source.download("config.yaml"))
    except BadInput:  # killed before it was written
        return {}


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what would change and may not: `seed (0 → 1)`."""
    old, new = flatten(before), flatten(now)
    keys = [key for key in dict.fromkeys([*old, *new]) if old.get(key) != new.get(key)]
    keys = [key for key in keys if key.partition(".")[0] not in _MAY_CHANGE]
    return [f"{key} ({shown(old.get(key))} → {shown(new.get(key))})" for key in keys]


def _told(recorded: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    found = _differences(recorded, now) if recorded else []
    return f": {', '.join(found)}" if found else ""
