"""Which values a run of a sweep stands for, and what repeats them: as it was tagged, or by what differs among runs."""

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence

from zoo.config import shown
from zoo.results.trials import Choice
from zoo.start.grid import REPLICATES
from zoo.start.overrides import LR_SCALE
from zoo.tracking import RunRecord

# In this order, one explains what another brings along: a model its data, an optimizer its learning rate.
_GROUPS = ("model", "data", "optimizer", "init", "schedule", "loop")
# What says how a run is made and where it is kept, or follows from the rest.
_BESIDE = ("name", "data_dir", "tracking", "dry_run", "parameters")


def choices(records: Sequence[RunRecord]) -> tuple[tuple[str, ...], list[Choice]]:
    """Return the swept keys, and the values that each run has of them.

    Args:
        records: Runs whose tag `choice` says the values as JSON; if some lack it, what differs among the params counts.

    Returns:
        The keys, and for each run its values in their order. A value that a run was not told is the one it has.
    """
    tagged = [_tagged(record) for record in records]
    if any(one is None for one in tagged):
        keys: list[str] = _differing([record.params for record in records], known=[])
    else:
        keys = list(dict.fromkeys(key for one in tagged if one for key in one))
    found = [
        tuple((own or {}).get(key) or _value(record, key) for key in keys)
        for record, own in zip(records, tagged, strict=True)
    ]
    # Two sweeps may have swept the same keys on different terms: those terms are then a part of the choice.
    for _, group in _grouped(records, found):
        more = _differing([record.params for record in group], known=keys)
        keys += [key for key in more if key not in keys]
    return tuple(keys), [
        (*choice, *(_value(record, key) for key in keys[len(choice) :]))
        for record, choice in zip(records, found, strict=True)
    ]


def replicate(record: RunRecord) -> str:
    """Return what repeats a choice in a run: `seed 3`, `seed 0 fold 2`."""
    parts = [(key, record.params.get(key, record.tags.get(key, "None"))) for key in REPLICATES]
    return " ".join(f"{key.rpartition('.')[2]} {value}" for key, value in parts if value != "None")


def _tagged(record: RunRecord) -> dict[str, str] | None:
    try:
        found = json.loads(record.tags["choice"])
    except (KeyError, json.JSONDecodeError):  # another's run, or one whose tag was cut
        return None
    return {str(key): value if isinstance(value, str) else shown(value) for key, value in found.items()}


def _grouped(
    records: Sequence[RunRecord], choices: Sequence[Choice]
) -> Iterable[tuple[tuple[Choice, str], list[RunRecord]]]:
    """Yield runs that would count as the same one, where there are several."""
    places: dict[tuple[Choice, str], list[RunRecord]] = {}
    for record, choice in zip(records, choices, strict=True):
        places.setdefault((choice, replicate(record)), []).append(record)
    return ((place, group) for place, group in places.items() if len(group) > 1)


def _differing(params: Sequence[Mapping[str, str]], known: Sequence[str]) -> list[str]:
    """Return the keys in which runs differ, but for those that follow from others, as beta_1 follows from adam."""
    all_keys = dict.fromkeys(itertools.chain.from_iterable(params))
    names = [f"{group}.name" for group in _GROUPS]
    ordered = [*(name for name in names if name in all_keys), *(key for key in all_keys if key not in names)]
    found: list[str] = []
    told: list[tuple[str | None, ...]] = [()] * len(params)
    for key in ordered:
        if key in REPLICATES or key.partition(".")[0] in _BESIDE:
            continue
        more = [(*before, one.get(key)) for before, one in zip(told, params, strict=True)]
        if len(set(more)) > len(set(told)):
            found.append(key.removesuffix(".name") if key in names else key)
            told = more
    return [key for key in found if key not in known]


def _value(record: RunRecord, key: str) -> str:
    """Return what a run has for a key, whether it was said or not."""
    if key == LR_SCALE:
        return "1"
    return record.params.get(f"{key}.name") or record.params.get(key) or record.tags.get(key) or "–"
