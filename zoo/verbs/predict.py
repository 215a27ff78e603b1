"""`zoo predict`: what a run's model says of a picture, of numbers, or of words that it is to go on from."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from rich.cells import cell_len

from zoo import kept, terminal, writing
from zoo.config import BadInput
from zoo.data import Vocabulary, user_inputs
from zoo.results import lined_up
from zoo.results.lined_up import Column
from zoo.verbs import words
from zoo.verbs.words import RUN, TRACKING_URI, Grammar, Key

SHOWN = 50
"""Rows of a table; machines get all of them."""

GRAMMAR = Grammar(
    "predict",
    "Asks a run's model: which digit a picture shows, what follows from numbers, which word comes next.",
    ("last input=digit.png", "run=3fa2c1d0 input=scans/ json=true", "run=3fa2c1d0 input='0,1;1,1'",
     "run=\"best:tags.model = 'lstm'\" input='in the beginning god'"),
    (
        RUN,
        Key("input", "WHAT", "a picture, a folder of pictures, a .npy or .csv file, numbers, a text file, or words",
            required=True),
        Key("top", "N", "how many of the likeliest classes or words; 5 if left out", words.whole(1), default=5),
        Key("json", "true", "for machines", words.true_or_false, default=False),
        TRACKING_URI,
    ),
    "A picture may have any size, be dark on light or light on dark: it is scaled and centred as those of the run's\n"
    "data are. Numbers are in the units of the data itself; rows on the command line are separated by semicolons.\n"
    "Words that the model does not know are read as <unk>, unknown characters left out; both are told.",
)  # fmt: skip


def main(said: Mapping[str, Any]) -> int:
    """Print the answers and return the exit code.

    Raises:
        BadInput: There is no such run, it kept no model, or the input is damaged or does not fit the model.
    """
    found = kept.find(said["run"], said["tracking.uri"])
    told = _next_word(found, said) if found.vocabulary is not None else _rows(found, said)
    if said["json"]:
        print(json.dumps({"run": found.run.id, **told}, indent=2, ensure_ascii=False))
    elif found.vocabulary is not None:
        _print_next(told)
    else:
        _print_rows(told["predictions"])
        for sentence in told.get("left_out", ()):
            print(f"Left out: {sentence}", file=sys.stderr)
    if not said["json"]:
        console = terminal.console()
        console.print(f"\nThe answer of run {found.run.id}, {found.run.name}", markup=False, highlight=False)
    return 0


def _rows(found: kept.Kept, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the model says of each input."""
    splits = found.splits()
    spec = splits.spec
    asked = user_inputs.read(said["input"], spec, found.config.data.name)
    loaded = found.load()
    loaded.check_reads(splits)
    from zoo.learners import answers

    answer = answers.of(loaded, asked.x, spec)
    left_out = {"left_out": list(asked.left_out)} if asked.left_out else {}
    if answer.values is not None:
        pairs = zip(asked.names, answer.values.tolist(), strict=True)
        return {"predictions": [{"input": name, "value": value} for name, value in pairs], **left_out}
    assert answer.probabilities is not None
    labels = spec.labels or [str(label) for label in range(spec.classes)]
    found_rows = []
    for name, row in zip(asked.names, answer.probabilities, strict=True):
        likeliest = {labels[index]: float(row[index]) for index in _likeliest(row, said["top"])}
        found_rows.append({"input": name, "prediction": next(iter(likeliest)), "probabilities": likeliest})
    return {"predictions": found_rows, **left_out}


def _next_word(found: kept.Kept, said: Mapping[str, Any]) -> dict[str, Any]:
    """Return the likeliest next tokens of a text."""
    assert found.vocabulary is not None
    vocabulary = found.vocabulary
    prompt = writing.read(user_inputs.words(said["input"]), vocabulary)
    if prompt.begins:
        raise BadInput(f"input={said['input']} holds no {_unit(vocabulary)} that the model could go on from.")
    if note := writing.told_unknown(prompt, vocabulary):
        print(note, file=sys.stderr, flush=True)
    ids = np.array(prompt.ids, np.int32)
    loaded = found.load()
    from zoo.learners import answers

    read = answers.read(ids, found.config)
    chances = answers.next_token(loaded, read)
    following = [
        {"token": vocabulary.tokens[index], "probability": float(chances[index])}
        for index in _likeliest(chances, said["top"])
    ]
    unknown = 0 if vocabulary.unk is None else int(np.count_nonzero(read == vocabulary.unk))
    return {
        "unit": _unit(vocabulary),
        "text": vocabulary.decode(read),
        "read": len(read),
        "of": len(ids),
        "unknown": unknown,
        "next": following,
    }


def _unit(vocabulary: Vocabulary) -> str:
    return "character" if vocabulary.level == "char" else "word"


def _likeliest(chances: np.ndarray, count: int) -> list[int]:
    return [int(index) for index in np.argsort(-chances, kind="stable")[:count]]


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _print_rows(found: Sequence[Mapping[str, Any]]) -> None:
    console, width = terminal.console(), terminal.width()
    shown = found[:SHOWN]
    names = [row["input"] for row in shown]
    if "value" in found[0]:
        values = [f"{row['value']:.6g}" for row in shown]
        table = lined_up.lines([Column("input", names, is_name=True), Column("value", values, is_number=True)], width)
    else:
        table = _of_choices(names, [row["probabilities"] for row in shown], width)
    console.print("\n".join(table), markup=False, highlight=False)
    if len(found) > SHOWN:
        console.print(f"{len(found) - SHOWN:,} more: json=true shows all of them.", markup=False, highlight=False)


def _of_choices(names: Sequence[str], found: Sequence[Mapping[str, float]], width: int | None) -> list[str]:
    """Return a table with the likeliest choices of each input side by side: on several lines where there is no room."""
    told = [[f"{name}  {_percent(p)}" for name, p in row.items()] for row in found]
    count = len(told[0])
    most = count if width is None else min(count, max(1, width // 8))  # a choice takes as many characters or more
    for beside in range(most, 0, -1):
        places = range(0, count, beside)
        columns = [Column("input", [name if not place else "" for name in names for place in places], is_name=True)]
        for offset in range(beside):
            cells = [(row[place:] + [""] * beside)[offset] for row in told for place in places]
            columns.append(Column("" if offset else "prediction", cells))
        table = lined_up.lines(columns, width)
        if width is None or max(map(cell_len, table)) <= width:
            break
    return table


def _print_next(told: Mapping[str, Any]) -> None:
    console = terminal.console()
    unit, text = told["unit"], str(told["text"])
    shown = text if len(text) <= 70 else f"…{text[-70:]}"
    notes = [f"the last {told['read']:,} of {told['of']:,} {unit}s"] if told["read"] < told["of"] else []
    notes += [f"{told['unknown']:,} of them unknown"] if told["unknown"] else []
    console.print(f"{shown!r}{' (' + ', '.join(notes) + ')' if notes else ''}\n", markup=False, highlight=False)
    tokens = [repr(row["token"]) if unit == "character" else row["token"] for row in told["next"]]
    chances = [_percent(row["probability"]) for row in told["next"]]
    columns = [Column(f"next {unit}", tokens, is_name=True), Column("probability", chances, is_number=True)]
    console.print("\n".join(lined_up.lines(columns, terminal.width())), markup=False)
