"""What may be chosen: conf/ and a folder of the user's."""

from pathlib import Path

import pytest

from zoo.config import BadInput
from zoo.start import options


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def own(tmp_path):
    write(
        tmp_path / "optimizer/mine.yaml", "# Adam, but mine.\ndefaults: [adam, _self_]\nbeta_1: 0.8\nflavour: plain\n"
    )
    write(tmp_path / "optimizer/adam.yaml", "# Hidden by the zoo's own.\nlearning_rate: 9\n")
    write(
        tmp_path / "experiment/tuned.yaml",
        "# @package _global_\n# Tuned.\ndefaults: [{override /model: xor_mlp}, {override /optimizer: mine}]\n",
    )
    options.search([tmp_path])
    yield tmp_path
    options.search([])


def test_groups_come_in_the_order_of_a_run_and_hold_their_files():
    groups = options.groups()
    assert list(groups)[:4] == ["model", "data", "optimizer", "init"]
    for group, names in groups.items():
        assert names == sorted(path.stem for path in (options.conf_dir() / group).glob("*.yaml"))


@pytest.mark.parametrize(("group", "option"), [(g, o) for g, names in options.groups().items() for o in names])
def test_every_option_says_in_a_line_what_it_is(group, option):
    line = options.summary(group, option)
    assert 10 < len(line) <= 120
    assert line.endswith(".")


@pytest.mark.parametrize("group", options.groups())
def test_every_option_file_bears_the_name_that_it_says(group):
    if group in ("experiment", "debug"):
        return
    for option in options.groups()[group]:
        assert options.declared(group, option)["name"] == option


def test_declared_keys_are_the_file_and_what_the_group_shares():
    keys = options.declared("optimizer", "adam")
    assert keys["beta_2"] == 0.999
    assert keys["clipnorm"] is None
    assert options.declared("model", "lstm")["units"] == 256
    assert "epochs" not in options.declared("model", "lstm")


def test_a_model_brings_data_optimizer_and_the_length_of_training():
    assert options.brought("model", "lstm") == {"data": "kjv", "optimizer": "adam", "epochs": 5, "batch_size": 32}


def test_the_users_folder_adds_options(own):
    assert "mine" in options.groups()["optimizer"]
    assert options.summary("optimizer", "mine") == "Adam, but mine."
    assert not options.is_ours("optimizer", "mine")


def test_an_option_may_be_based_on_another(own):
    keys = options.declared("optimizer", "mine")
    assert (keys["class_name"], keys["beta_1"], keys["beta_2"], keys["flavour"]) == ("Adam", 0.8, 0.999, "plain")


def test_the_zoos_own_option_comes_before_the_users_of_the_same_name(own):
    assert options.declared("optimizer", "adam")["learning_rate"] == 0.001
    assert options.is_ours("optimizer", "adam")


def test_the_command_line_comes_before_a_recipe_and_a_recipe_before_the_model(own):
    assert options.chosen({"experiment": "tuned"}) | {"model": "xor_mlp", "data": "xor", "optimizer": "mine"} == (
        options.chosen({"experiment": "tuned"})
    )
    assert options.chosen({"experiment": "tuned", "optimizer": "sgd"})["optimizer"] == "sgd"
    by_hand = options.chosen({"experiment": "tuned", "model": "lstm"})
    assert (by_hand["model"], by_hand["data"], by_hand["optimizer"]) == ("lstm", "kjv", "adam")


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(BadInput, match="--config-dir should name a folder"):
        options.search([tmp_path / "nowhere"])


@pytest.mark.parametrize("text", ["model: [1", "- a\n- b\n", "a: {b\n"])
def test_a_file_that_is_no_mapping_in_yaml_is_refused_with_its_name(tmp_path, text):
    write(tmp_path / "odd.yaml", text)
    with pytest.raises(BadInput, match=r"odd\.yaml"):
        options.read(tmp_path / "odd.yaml")
