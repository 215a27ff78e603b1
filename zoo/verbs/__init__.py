"""The verbs of the command `zoo`, one module each, and the one parser that finds them."""

import importlib
import sys

from zoo.config import BadInput, nearest

VERBS = {
    "train": "train a model: zoo train model=lstm optimizer=adam",
    "report": "compare the runs of a sweep: zoo report last",
    "recipes": "list the recipes with what their runs have given: zoo recipes",
}


def main() -> int:
    """Run the verb that the command line names and return its exit code."""
    words = sys.argv[1:]
    if not words or words[0] in ("-h", "--help"):
        print("usage: zoo VERB [key=value ...]\n")
        print("\n".join(f"  {verb:<10}{line}" for verb, line in VERBS.items()))
        print("\nzoo VERB --help tells more; zoo --version tells the versions.")
        return 0
    if words[0] == "--version":
        words.insert(0, "train")
    verb, *rest = words
    try:
        if verb not in VERBS:
            raise BadInput(f"Unknown verb '{verb}'. {nearest(verb, VERBS)}")
        return int(importlib.import_module(f"zoo.verbs.{verb}").main(rest))
    except BadInput as error:
        print(f"zoo: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
