"""`zoo export`: the network of a run in a folder of its own, for other programs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo import kept, terminal
from zoo.verbs import rows, words
from zoo.verbs.words import RUN, TRACKING_URI, Grammar, Key

GRAMMAR = Grammar(
    "export",
    "Writes the network of a run to a folder, with its vocabulary, labels and scaling, an example, and a script that\n"
    "uses it. That it puts out the same is checked in a fresh process.",
    ("last", "run=3fa2c1d0 format=saved_model to=my_model", "run=models:/digits@champion to=my_model overwrite=true"),
    (
        RUN,
        Key("format", "FORMAT", "keras (if left out): a file for Keras; saved_model: a folder for TensorFlow alone",
            words.one_of("keras", "saved_model"), default="keras"),
        Key("to", "FOLDER", "where to; exported/ID-FORMAT if left out", words.new_folder),
        Key("overwrite", "true", "replace an earlier export", words.true_or_false, default=False),
        TRACKING_URI,
    ),
)  # fmt: skip


def main(said: Mapping[str, Any]) -> int:
    """Export the network and return the exit code.

    Raises:
        BadInput: There is no such run, it kept no network, or the folder is not empty.
    """
    from zoo import exported

    found = kept.find(said["run"], said["tracking.uri"])
    exported.check(found)
    folder = Path(said["to"] or f"exported/{rows.short(found.run.id)}-{said['format']}")
    difference = exported.export(found, said["format"], folder, overwrite=said["overwrite"])
    differ = f"differ by at most {difference:.2g} from" if difference else "are, to the last bit,"
    terminal.console().print(
        f"Run {found.run.id} ({found.run.name}) is exported to {folder}.\n"
        f"In a fresh process its outputs {differ} those here. Try it: "
        f"python {folder / exported.SCRIPT}",
        markup=False,
    )
    return 0
