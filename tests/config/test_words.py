"""How mistakes are put into words."""

from typing import Literal

import pytest

from zoo.config import BadInput, Config, flatten, nearest, shown, unknown
from zoo.config.sections import Loop
from zoo.config.types import Positive, Size, choices, expected
from zoo.start import compose


def test_nearest_names_the_closest_and_then_all_if_there_are_few():
    assert nearest("lstmm", ["rnn", "gru", "lstm"]) == "Did you mean 'lstm'? Available: gru, lstm, rnn."
    assert nearest("xyz", ["rnn", "gru"]) == "Available: gru, rnn."
    assert nearest("name_7x", [f"name_{i}" for i in range(40)]).startswith("Did you mean 'name_7'")
    assert nearest("xyz", [f"name_{i}" for i in range(40)]) == ""
    assert nearest("a", []) == ""
    assert nearest("temp", ["temperature", "top_k"]).startswith("Did you mean 'temperature'?")


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("modle", "Did you mean 'model'?"),
        ("hidden", "Did you mean 'model.hidden'?"),
        ("metric", "Did you mean 'stop.metric' or 'early_stopping.metric'?"),
        ("stop.metrik", "Did you mean 'stop.metric'? Available in stop: metric, value."),
        ("modle.hiden", "Did you mean 'model'?"),
    ],
)
def test_an_unknown_key_is_compared_with_those_of_its_section(key, sentence):
    known = ["model", "model.hidden", "stop", "stop.metric", "stop.value", "early_stopping.metric", "epochs"]
    assert unknown(key, known).startswith(f"Unknown key '{key}'. {sentence}")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (Size, "a whole number above 0"),
        (Size | Literal["full"], "a whole number above 0 or full"),
        (Literal["balanced"] | list[Positive] | None, "balanced or a list of numbers above 0, or null"),
        (bool | None, "true or false, or null"),
        (list[Literal["shift", "rotate"]], "a list of shift or rotate"),
        (Loop, "a group of keys (name, jit, steps_per_execution)"),
    ],
)
def test_a_type_says_in_words_what_it_expects(kind, words):
    assert expected(kind) == words


def test_a_type_tells_the_words_that_it_takes():
    assert choices(bool | None) == ["true", "false", "null"]
    assert choices(Size | Literal["full"]) == ["full"]


def test_a_value_is_shown_as_it_is_typed():
    assert shown({"hidden": [256, None], "jit": True, "rate": 1e-3}) == "{hidden:[256,null],jit:true,rate:0.001}"


def test_flatten_gives_dotted_keys():
    assert flatten({"a": {"b": {"c": 1}}, "d": 2}) == {"a.b.c": 1, "d": 2}


def test_all_mistakes_are_in_one_paragraph_without_the_jargon_of_libraries():
    words = ["epochs=abc", "seed=-1", "model.hidden=[a]", "modle=lstm", "optimizer.learning_rat=1", "deterministic=1"]
    with pytest.raises(BadInput) as refused:
        compose(*words)
    text = str(refused.value)
    assert "\n" not in text
    for part in ("epochs=abc", "seed=-1", "model.hidden=[a]", "'modle'", "'optimizer.learning_rat'", "deterministic=1"):
        assert part in text
    for jargon in ("Input should", "pydantic", "override", "validation error", "None", "True"):
        assert jargon not in text


def test_a_stored_config_is_checked_again_and_keeps_its_words():
    config = compose("model=xor_mlp", "epochs=3")
    again = Config.check(config.tree(), config.overrides)
    assert again == config
    assert again.overrides == ("model=xor_mlp", "epochs=3")
    assert again.is_explicit("epochs")
    assert not again.is_explicit("batch_size")
    with pytest.raises(BadInput, match="Unknown key 'epoch'"):
        Config.check({**config.tree(), "epoch": 3})
