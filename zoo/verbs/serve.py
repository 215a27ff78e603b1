"""`zoo serve`: the model of a run answers requests over HTTP, as a model of MLflow's."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo import kept, served, terminal
from zoo.tracking import registry, serving
from zoo.verbs import words
from zoo.verbs.words import RUN, TRACKING_URI, Grammar, Key

SHORT = 300  # characters of a request that can be read

GRAMMAR = Grammar(
    "serve",
    "Answers requests over HTTP by the model of a run, on this machine alone, until Ctrl-C. The model is logged with\n"
    "the run in MLflow's form, once, so that `mlflow models serve --env-manager local` serves it too.",
    ("last", "run=3fa2c1d0 port=8080", "run=models:/digits@champion"),
    (
        RUN,
        Key("port", "N", "the first free one from 5001 if left out", words.whole(1, 65535)),
        TRACKING_URI,
    ),
    "Values are sent as the data set has them, and scaled as they were in training; params={scaled: true} sends them\n"
    "as the model reads them. Texts are sent as a column `text`; params={top: 5} asks for the five likeliest words.",
)


def main(said: Mapping[str, Any]) -> int:
    """Serve until Ctrl-C and return the exit code.

    Raises:
        BadInput: There is no such run, it kept no model, or the port is in use.
    """
    console = terminal.console()
    try:
        found = kept.find(said["run"], said["tracking.uri"])
        with serving.open_port(said["port"]) as opened:
            model = registry.logged(found.run) or registry.log(
                found.run, lambda folder, model_id: served.save(found, folder, model_id)
            )
            folder = serving.folder_of(found.run, model, served.__name__)
            address = "http://{}:{}".format(*opened.getsockname())
            request = folder / "serving_input_example.json"

            def ready() -> None:
                console.print(_told(found, model.model_id, address, request), markup=False)

            serving.serve(folder, opened, ready, served.shapes(folder))
    except KeyboardInterrupt:
        return 130
    console.print("The server has ended.")
    return 0


def _told(found: kept.Kept, model_id: str, address: str, request: Path) -> str:
    short = json.dumps(json.loads(request.read_text(encoding="utf-8")))
    example = shlex.quote(short if len(short) < SHORT else f"@{request}")
    return (
        f"Run {found.run.id} ({found.run.name}) answers at {address}/invocations; Ctrl-C ends it.\n"
        f"  ask      curl -H 'Content-Type: application/json' -d {example} {address}/invocations\n"
        f"  again    mlflow models serve -m models:/{model_id} --env-manager local --host {serving.HOST} --port N"
    )
