"""Flags, between the words or around them."""

from pathlib import Path

import pytest

from zoo.command import flags
from zoo.config import BadInput


def test_flags_may_stand_anywhere_between_the_words():
    asked, words = flags.parse(["model=lstm", "-m", "seed=1,2", "--config-dir", "here", "epochs=3", "-cd=there"])
    assert words == ["model=lstm", "seed=1,2", "epochs=3"]
    assert asked.multirun
    assert asked.config_dir == [Path("here"), Path("there")]


def test_the_bare_info_flag_takes_no_word_for_its_value():
    asked, words = flags.parse(["--info", "model=lstm"])
    assert (asked.info, words) == ("all", ["model=lstm"])
    assert flags.parse(["--info", "defaults"])[0].info == "defaults"


def test_what_hydra_is_to_see_is_passed_on():
    asked, _ = flags.parse(["-m", "--info", "searchpath", "--config-dir", "x"])
    assert flags.for_hydra(asked) == ["--info", "searchpath", "--multirun"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--epochs", "5"], "Unknown flag '--epochs'. Keys are set without dashes: epochs=...."),
        (["--epochs=5"], "Keys are set without dashes: epochs=5."),
        (["--batch-size=5"], "Keys are set without dashes: batch_size=5."),
        (["--model=lstm"], "Keys are set without dashes: model=lstm."),
        (["--multi"], "Did you mean '--multirun'"),
        (["--config-name", "x"], "Unknown flag '--config-name'. Did you mean '--config-dir'"),
        (["--cfg"], "expected one argument"),
        (["--cfg", "jobs"], "invalid choice: 'jobs'"),
        (["--info", "default"], "Unknown --info 'default'. Did you mean 'defaults'"),
    ],
)
def test_a_flag_that_is_not_known_is_refused_with_what_was_meant(arguments, sentence):
    with pytest.raises(BadInput) as refused:
        flags.parse(arguments)
    assert sentence in str(refused.value)
