"""Why a run has no model, which run has one instead, and what gives it one: in words, for whoever asked for it."""

import contextlib

from zoo.config import BadInput
from zoo.tracking import process, pruning, space
from zoo.tracking.children import children
from zoo.tracking.lookup import StoredRun, find
from zoo.tracking.references import best_of

_BROKEN = ("interrupted", "error", "FAILED", "KILLED")


def why(run: StoredRun) -> str:
    """Return why a run has no model, and what to do about it, in sentences.

    Args:
        run: Without a model, or without a config, among its artifacts.
    """
    if gone := pruning.pruned(run, "models"):
        return f"{gone} Make it again: {_again(run)}."
    is_gone = run.status == "RUNNING" and process.is_gone(run.tags)
    if run.status == "RUNNING" and not is_gone:
        where = "" if run.parent is None else ", where it is among the best of its sweep"
        return f"Run {run.id} ({run.name}) is still at work and has no model yet. It is kept at the end{where}."
    outcome = "interrupted" if is_gone else run.tags.get("outcome", run.status)
    said = f"Run {run.id} ({run.name}, {outcome.replace('_', ' ')}) kept no model"
    if "overrides" not in run.tags:  # it is not of the zoo
        held = ", ".join(sorted(run.artifacts())) or "none"
        return f"{said}: expected config.yaml, and {' or '.join(space.MODELS)}, among its artifacts, found {held}."
    reason = f"{said}: {_sentence(run.tags.get('reason') or 'its process is gone')}"
    if outcome == "diverged":
        return f"{reason} Make it anew with other choices: {_again(run)} optimizer.learning_rate=... ."
    if parent := _parent(run):
        return _of_a_sweep(run, parent, said, reason if outcome in _BROKEN else "")
    if outcome in _BROKEN:
        return f"{reason} Go on with it: python train.py resume={run.id}. Or make it again: {_again(run)}."
    return f"{said}, or has lost it. Make it again: {_again(run)}."


def _parent(run: StoredRun) -> StoredRun | None:
    with contextlib.suppress(BadInput):  # it may have been deleted
        return find(run.parent, run.uri) if run.parent is not None else None
    return None


def _of_a_sweep(run: StoredRun, parent: StoredRun, said: str, broken: str) -> str:
    is_search = "search" in parent.tags
    alone = f"Make this one again as a run of its own, with its model: {_again(run)}."
    if broken and is_search:
        return f"{broken} Its search goes on: python train.py search.resume={parent.id}. {alone}"
    if broken:
        return f"{broken} Its sweep goes on with the same words and sweep.resume={parent.id}. {alone}"
    if "sweep.keep=none" in parent.tags.get("sweep.words", ""):
        return f"{said}: its sweep was to keep none, sweep.keep=none. {alone}"
    if not is_search and parent.status == "RUNNING" and not process.is_gone(parent.tags):
        return f"{said}: its sweep is at work, and keeps the models of the best at its end. {alone}"
    if is_search:
        return f"{said}: a search keeps those of its best trials alone.{_instead(run, parent)} {alone}"
    return (
        f"{said}: a sweep keeps that of the best run of each choice alone.{_instead(run, parent)} {alone} With "
        "sweep.keep=all, a sweep keeps all models."
    )


def _instead(run: StoredRun, parent: StoredRun) -> str:
    """Return in a sentence which run has its model: of the same choice, else of the same sweep."""
    others = children([parent.id], run.uri)
    alike = [one for one in others if one.tags.get("choice") == run.tags.get("choice")]
    for what, among in (("the same choice", alike), ("them all", others)):
        for one in best_of(among):
            found = find(one, run.uri)
            if set(space.MODELS) & set(found.artifacts()):
                return f" Of {what}, {found.id} ({found.name}) has it."
    return ""


def _sentence(text: str) -> str:
    return f"{text.rstrip('.')}."


def _again(run: StoredRun) -> str:
    return f"python train.py rerun={run.id}"
