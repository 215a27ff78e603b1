"""The words of a verb: read, refused, told."""

import pytest

from zoo import verbs
from zoo.config import BadInput
from zoo.verbs import evaluate, export, generate, predict, show
from zoo.verbs.words import RUN, Grammar, Key, number, one_of, true_or_false, whole

GRAMMAR = Grammar(
    "say",
    "Says something.",
    ("last", "run=ID times=3"),
    (
        RUN,
        Key("times", "N", "how often", whole(1, 9), default=1),
        Key("warmth", "T", "how warmly", number(above=0, most=10)),
        Key("part", "P", "of it", number(least=0, most=1), default=1.0),
        Key("to", "WHOM", "one or all", one_of("one", "all")),
        Key("loud", "true", "or not", true_or_false, default=False),
    ),
    "And nothing else.",
)


def test_words_become_values_and_what_is_left_out_has_its_default():
    said = GRAMMAR.read(["last", "warmth=0.5", "loud=true"])
    assert said == {"run": "last", "times": 1, "warmth": 0.5, "part": 1.0, "to": None, "loud": True}


def test_a_filter_keeps_its_equals_signs():
    assert GRAMMAR.read(["run=best:tags.model = 'lstm'"])["run"] == "best:tags.model = 'lstm'"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "run is missing: run=... is an id or its beginning, last, best:FILTER"),
        (["last", "tims=3"], "Unknown word 'tims=3'. Did you mean 'times'?"),
        (["last", "--loud"], "Unknown word '--loud'"),
        (["last", "last"], "run is given twice: run=last and run=last"),
        (["last", "times="], "times needs a value"),
        (["last", "times=0"], "times should be a whole number of at least 1 and at most 9. Received: times=0."),
        (["last", "times=two"], "Received: times=two."),
        (["last", "warmth=0"], "warmth should be a number above 0 and at most 10. Received: warmth=0."),
        (["last", "warmth=nan"], "Received: warmth=nan."),
        (["last", "part=-0.1"], "part should be a number of at least 0 and at most 1. Received: part=-0.1."),
        (["last", "to=none"], "to should be one or all. Received: to=none."),
        (["last", "loud=yes"], "loud should be true or false. Received: loud=yes."),
    ],
)
def test_a_mistake_is_refused_with_what_is_right(words, says):
    with pytest.raises(BadInput) as caught:
        GRAMMAR.read(words)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("verb", "word", "meant"),
    [
        (predict, "im/d3.png", "Did you mean input=im/d3.png?"),
        (generate, "the old man", "Did you mean prompt='the old man'?"),
        (evaluate, "fashion_mnist", "Did you mean data=fashion_mnist?"),
        (export, "saved_model", "Did you mean format=saved_model?"),
        (show, "9b1e77aa", "Keep one of them."),
    ],
)
def test_a_second_word_without_a_key_is_told_which_it_lacks(verb, word, meant):
    with pytest.raises(BadInput) as caught:
        verb.GRAMMAR.read(["3fa2c1d0", word])
    assert str(caught.value) == f"run is given twice: run=3fa2c1d0 and run={word}. {meant}"


def test_help_has_the_examples_and_a_line_on_every_key():
    lines = GRAMMAR.usage.splitlines()
    assert lines[:2] == ["usage: zoo say last", "       zoo say run=ID times=3"]
    assert all(any(line.startswith(f"  {key.name}={key.shown} ") for line in lines) for key in GRAMMAR.keys)
    assert lines[-1] == "And nothing else."


def test_words_with_a_common_beginning_are_handed_on_as_they_are():
    grammar = Grammar("try", "Tries.", ("last",), (RUN, Key("data", "NAME", "which"), Key("data.", "KEY=VALUE", "how")))
    said = grammar.read(["last", "data.classes=[0,1]", "data=digits", "data.limit=5"])
    assert said == {"run": "last", "data": "digits", "data.": ["data.classes=[0,1]", "data.limit=5"]}
    assert grammar.read(["last"])["data."] == []
    assert "  data.KEY=VALUE   how" in grammar.usage
    with pytest.raises(BadInput, match="Did you mean 'data'"):
        grammar.read(["last", "dat.limit=5"])


def test_a_search_is_looked_for_where_it_is():
    with pytest.raises(BadInput, match="zoo train search=tpe"):
        verbs.run("search")
