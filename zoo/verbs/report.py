"""`zoo report`: what a sweep has shown, at any time, from its tracked runs."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from zoo import terminal, tracking
from zoo.config import BadInput, nearest

USAGE = """usage: zoo report last
       zoo report sweep=ID[,ID...]
       zoo report filter="tags.model = 'xor_mlp' and params.epochs = '1000'"

Compares the runs of a sweep, or of several, from what is tracked: leaderboard, pictures, one page of HTML.

  sweep=ID[,ID...]   the runs of sweeps: whole ids, their beginnings, or `last` for the newest
  filter="..."       the runs that an MLflow filter finds, whether or not they were made by a sweep
  folder=PATH        where the files go; outputs/report-ID if left out
  record=true        put the answer on the sweep's own run in MLflow too; one sweep only
  tracking.uri=URI   where runs are kept; MLFLOW_TRACKING_URI or mlflow.db if left out"""
_KEYS = ("sweep", "filter", "folder", "record", "tracking.uri")


def main(words: Sequence[str]) -> int:
    """Report on what the words name and return the exit code.

    Raises:
        BadInput: A word is not known, names no sweep, or is missing.
    """
    if any(word in ("-h", "--help") for word in words):
        print(USAGE)
        return 0
    said = _read(words)
    uri = said.get("tracking.uri")
    which: list[str] | str
    if "filter" in said:
        which = said["filter"]
        name = hashlib.sha256(which.encode()).hexdigest()[:8]
    else:
        which = list(dict.fromkeys(_sweep(one, uri) for one in said["sweep"].split(",") if one))
        name = "-".join(one[:8] for one in which)
    if said.get("record") == "true" and (isinstance(which, str) or len(which) > 1):
        raise BadInput("record=true puts the answer on the run of one sweep. Name one: sweep=ID.")
    folder = Path(said.get("folder") or f"outputs/report-{name}")
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"folder should name a folder. Received: {folder}, which is a file.")
    # Imported here: pictures take a second, which a mistake should not wait for.
    from zoo.sweeps import answer

    console = terminal.console()
    found = answer.answer(which, uri, folder, console)
    if said.get("record") == "true":
        answer.record(found, which[0])
        console.print(f"Recorded on {which[0]}.", markup=False)
    return 0


def _read(words: Sequence[str]) -> dict[str, str]:
    said: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if word == "last":
            key, equals, value = "sweep", "=", "last"
        if key not in _KEYS:
            raise BadInput(f"Unknown word '{word}'. {nearest(key, [*_KEYS, 'last'])} See zoo report --help.")
        if not equals or not value.strip():
            raise BadInput(f"{key} needs a value: {key}=... See zoo report --help.")
        if key in said:
            raise BadInput(f"{key} is given twice. Keep one of them; several sweeps are named as sweep=ID,ID.")
        said[key] = value.strip()
    if said.get("record", "false") not in ("true", "false"):
        raise BadInput(f"record should be true or false. Received: record={said['record']}.")
    if ("sweep" in said) == ("filter" in said):
        raise BadInput('Say what to report on: last, sweep=ID, or filter="...". See zoo report --help.')
    if "sweep" in said and not said["sweep"].strip(","):
        raise BadInput("sweep needs an id: sweep=ID, or sweep=last for the newest.")
    return said


def _sweep(one: str, uri: str | None) -> str:
    """Return the whole id of a sweep."""
    if one == "last":
        return tracking.newest_sweep(uri)
    return tracking.find(one, uri).id
