"""`zoo report`: what a sweep has shown, at any time, from its tracked runs."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo import terminal, tracking
from zoo.config import BadInput
from zoo.verbs import words
from zoo.verbs.words import TRACKING_URI, Grammar, Key

GRAMMAR = Grammar(
    "report",
    "Compares the runs of a sweep, or of several, from what is tracked: leaderboard, pictures, one page of HTML.",
    ("last", "sweep=ID[,ID...]", "filter=\"tags.model = 'xor_mlp' and params.epochs = '1000'\""),
    (
        Key("sweep", "ID[,ID...]", "the runs of sweeps: whole ids, their beginnings, or last for the newest"),
        Key("filter", '"..."', "the runs that an MLflow filter finds, whether or not they were made by a sweep"),
        Key("folder", "PATH", "where the files go; outputs/report-ID if left out", words.new_folder),
        Key("record", "true", "put the answer on the sweep's own run in MLflow too; one sweep only",
            words.true_or_false, default=False),
        TRACKING_URI,
    ),
)  # fmt: skip


def main(said: Mapping[str, Any]) -> int:
    """Report on what the words name and return the exit code.

    Raises:
        BadInput: They name no sweep.
    """
    uri = said["tracking.uri"]
    which: list[str] | str
    if (said["sweep"] is None) == (said["filter"] is None):
        raise BadInput('Say what to report on: last, sweep=ID, or filter="...". See zoo report --help.')
    if said["sweep"] is None:
        which = str(said["filter"])
        name = hashlib.sha256(which.encode(errors="surrogatepass")).hexdigest()[:8]
    else:
        which = list(dict.fromkeys(_sweep(one, uri) for one in said["sweep"].split(",") if one))
        name = "-".join(one[:8] for one in which)
        if not which:
            raise BadInput("sweep needs an id: sweep=ID, or sweep=last for the newest.")
    if said["record"] and (isinstance(which, str) or len(which) > 1):
        raise BadInput("record=true puts the answer on the run of one sweep. Name one: sweep=ID.")
    folder = Path(said["folder"] or f"outputs/report-{name}")
    # Imported here: pictures take a second, which a mistake should not wait for.
    from zoo.sweeps import answer

    console = terminal.console()
    found = answer.answer(which, uri, folder, console)
    if said["record"]:
        answer.record(found, which[0])
        console.print(f"Recorded on {which[0]}.", markup=False)
    return 0


def _sweep(one: str, uri: str | None) -> str:
    """Return the whole id of a sweep."""
    if one == "last":
        return tracking.newest_sweep(uri)
    return tracking.find(one, uri).id
