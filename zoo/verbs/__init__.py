"""The verbs of the command `zoo`, one module each, and the one parser that finds them."""

import importlib
import sys

from zoo.command.main import refuse
from zoo.config import BadInput, nearest
from zoo.start import importing
from zoo.verbs.words import wants_help

VERBS = {
    "train": "train a model: zoo train model=lstm optimizer=adam",
    "list": "list the tracked runs: zoo list experiment=lstm",
    "show": "show one of them: zoo show last",
    "evaluate": "test a run again, on the same or on other data: zoo evaluate last",
    "predict": "ask a run's model: zoo predict last input=digit.png",
    "generate": 'write text by a language model: zoo generate last prompt="In the beginning"',
    "export": "write the model to a folder: zoo export last format=saved_model",
    "serve": "answer requests over HTTP by the model: zoo serve last",
    "register": "put the model into MLflow's registry: zoo register last name=digits alias=champion",
    "prune": "free disk space, after a dry run: zoo prune what=checkpoints",
    "report": "compare the runs of a sweep: zoo report last",
    "doctor": "mark runs whose process is gone, and say how they go on: zoo doctor",
    "sync": "send what waits for a tracking server that was away: zoo sync",
    "server": "run a tracking server of your own, on PostgreSQL: zoo server",
    "recipes": "list the recipes with what their runs have given: zoo recipes",
}


def main() -> int:
    """Run the verb that the command line names and return its exit code."""
    importing.from_current_folder()
    words = sys.argv[1:]
    if not words or words[0] in ("-h", "--help"):
        print("usage: zoo VERB [key=value ...]\n")
        print("\n".join(f"  {verb:<10}{line}" for verb, line in VERBS.items()))
        print("\nzoo VERB --help tells more; zoo --version tells the versions.")
        return 0
    if words[0] == "--version":
        words.insert(0, "train")
    try:
        return run(words[0], *words[1:])
    except BadInput as error:
        return refuse(error)


def run(verb: str, *words: str) -> int:
    """Run a verb and return its exit code.

    Args:
        verb: Its name.
        words: What is typed after it.

    Raises:
        BadInput: The verb or a word is not known, or what it asks for is not there.
    """
    if verb == "search":
        raise BadInput(
            "A search is a way to train: zoo train search=tpe 'search.space={optimizer.learning_rate: ...}'."
        )
    if verb not in VERBS:
        raise BadInput(f"Unknown verb '{verb}'. {nearest(verb, VERBS)}")
    module = importlib.import_module(f"zoo.verbs.{verb}")
    if verb == "train":  # its words are Hydra's
        return int(module.main(words))
    if wants_help(words):
        print(module.GRAMMAR.usage)
        return 0
    return int(module.main(module.GRAMMAR.read(words)))
