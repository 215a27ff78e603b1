"""`zoo generate`: text that the language model of a run writes, shown as it comes."""

import os
import sys
from collections.abc import Mapping
from typing import Any

from zoo import kept, writing
from zoo.verbs import words
from zoo.verbs.words import RUN, TRACKING_URI, Grammar, Key

MOST = 1_000_000  # tokens in one go
LARGEST_SEED = 2**31 - 1


def _text(text: str) -> str:
    """Read a text; what is no character, such as a broken byte, becomes a question mark."""
    return text.encode(errors="replace").decode()


GRAMMAR = Grammar(
    "generate",
    "Goes on with a text by the language model of a run: words, or characters where it has learnt by them.",
    (
        "last",
        'run=3fa2c1d0 prompt="In the beginning" length=100 temperature=0.8 top_k=40 top_p=0.95 seed=1',
        "run=\"best:tags.model = 'lstm'\" temperature=0",
    ),
    (
        RUN,
        Key("prompt", '"..."', "the text to go on with; a new line if empty or left out", _text, default="",
            empty=True),
        Key("length", "N", "how many words or characters; 100 if left out", words.whole(1, MOST), default=100),
        Key("temperature", "T", "below 1, the likely becomes likelier; 0 always takes the likeliest; 0.8 if left out",
            words.number(least=0), default=0.8),
        Key("top_k", "N", "draw from the N likeliest alone", words.whole(1)),
        Key("top_p", "P", "draw from the likeliest that together have the probability P (nucleus)",
            words.number(above=0, most=1)),
        Key("seed", "N", "the same seed writes the same text; 0 if left out", words.whole(0, LARGEST_SEED), default=0),
        TRACKING_URI,
    ),
    "Words that the model does not know are read as <unk>, which is itself never written.",
)  # fmt: skip


def main(said: Mapping[str, Any]) -> int:
    """Write the text and return the exit code.

    Raises:
        BadInput: There is no such run, or its model is no language model.
    """
    found = kept.find(said["run"], said["tracking.uri"])
    vocabulary = writing.check(found)
    prompt = writing.read(said["prompt"], vocabulary)
    if unknown := writing.told_unknown(prompt, vocabulary):
        print(unknown, file=sys.stderr, flush=True)
    drawing = writing.Drawing(said["temperature"], said["top_k"], said["top_p"], said["seed"])
    try:
        for piece in writing.write(found, prompt, said["length"], drawing):
            print(piece, end="", flush=True)
        print(flush=True)
    except KeyboardInterrupt:
        print(flush=True)
        return 130
    except BrokenPipeError:  # whoever was reading, such as `head`, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
