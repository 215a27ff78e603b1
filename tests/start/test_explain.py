"""Faults in config files, which only Hydra meets."""

import pytest

from zoo.config import BadInput
from zoo.start import compose, options

FILES = {
    "asks_for_nothing": (
        "defaults: [{override /optimizer: adamm}]\n",
        r"asks for optimizer=adamm.*Did you mean 'adam'",
    ),
    "asks_for_no_group": ("defaults: [{override /optimiser: adam}]\n", "Can't compose the config: .*optimiser"),
    "is_no_yaml": ("model: {hidden: [1\n", r"not valid YAML: .*is_no_yaml\.yaml"),
    "is_a_list": ("- 1\n- 2\n", "Can't compose the config: .*is_a_list"),
    "has_another_shape": ("model: 3\n", "A config file says model: 3"),
    "names_another_recipe": ("defaults: [other_recipe, _self_]\n", r"asks for experiment=other_recipe"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_broken_file_is_told_in_one_paragraph_with_its_name_or_what_it_asks_for(tmp_path, name):
    text, expected = FILES[name]
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / f"{name}.yaml").write_text(f"# @package _global_\n# Broken.\n{text}", encoding="utf-8")
    options.search([tmp_path])
    try:
        with pytest.raises(BadInput, match=expected) as refused:
            compose(f"experiment={name}")
    finally:
        options.search([])
    assert "\n" not in str(refused.value)
