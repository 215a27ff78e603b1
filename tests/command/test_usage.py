"""What the command tells instead of training."""

import pytest
import yaml

from zoo.command import usage
from zoo.config import BadInput, Config
from zoo.start import compose, options


def test_help_has_a_line_on_every_option_and_every_key_at_the_root():
    lines = usage.of([], "python train.py").splitlines()
    for group, names in options.groups().items():
        assert any(line.startswith(f"{group}=") for line in lines)
        for name in names:
            assert any(line.split(maxsplit=1) == [name, options.summary(group, name)] for line in lines)
    text = "\n".join(lines)
    for key in Config.model_fields:
        assert f"{key}=" in text or f"{key}." in text or f"{key}, " in text or f"{key} (" in text


def test_help_speaks_of_the_command_that_was_typed():
    assert "  zoo train model=lstm optimizer=adam" in usage.of([], "zoo train")


def test_help_shows_the_options_of_the_users_folder(tmp_path):
    (tmp_path / "optimizer").mkdir()
    (tmp_path / "optimizer/mine.yaml").write_text("# Mine, and fast.\nclass_name: SGD\nlearning_rate: 1\n")
    options.search([tmp_path])
    try:
        assert f"  {'mine':<18}Mine, and fast." in usage.of([], "python train.py").splitlines()
    finally:
        options.search([])


def test_help_on_choices_explains_their_keys_and_those_that_all_share():
    text = usage.of(["model=lstm", "optimizer=adam"], "python train.py")
    assert "vocab_size: 10000         # capped by the text" in text
    assert "beta_1: 0.9" in text
    assert "optimizer.clipnorm=null" in text
    with pytest.raises(BadInput, match="Unknown model"):
        usage.of(["model=lstmm"], "python train.py")


def test_the_config_is_shown_as_yaml_whole_or_in_part():
    config = compose("model=xor_mlp", "epochs=3")
    assert yaml.safe_load(usage.shown(config)) == config.tree()
    assert yaml.safe_load(usage.shown(config, "optimizer"))["name"] == "adam"
    assert usage.shown(config, "epochs") == "3"
    with pytest.raises(BadInput, match="Unknown key 'optimiser'"):
        usage.shown(config, "optimiser")


def test_versions_are_told_without_importing_anything():
    assert "tensorflow 2." in usage.versions()
