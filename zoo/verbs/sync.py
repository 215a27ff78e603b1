"""`zoo sync`: what could not be told to a tracking server, because it was away, is told now."""

import os
from collections.abc import Mapping
from typing import Any

from zoo import tracking
from zoo.verbs.words import Grammar, Key

GRAMMAR = Grammar(
    "sync",
    "Sends what waits on disk for a tracking server that was away while runs were made: nothing is sent twice.",
    ("",),
    (Key("tracking.uri", "URI", "the server, where its address holds a password, which is never kept on disk"),),
    "Without it, MLFLOW_TRACKING_URI is asked for the password. Each record goes to the server that it was made for.",
)


def main(said: Mapping[str, Any]) -> int:
    """Send what waits, and return 0 if nothing is left."""
    uri = said["tracking.uri"] or os.environ.get("MLFLOW_TRACKING_URI")
    sent, left = 0, 0
    for one in tracking.waiting():
        told = one.send(uri)
        print(told.sentence)
        sent += told.done
        left += not told.done
    if not sent and not left:
        print("Nothing waits to be sent.")
    return 1 if left else 0
