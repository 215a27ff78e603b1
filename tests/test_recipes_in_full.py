"""Each recipe that takes less than ten minutes gives what its header says: `make test-slow`, an hour on two cores."""

import math

import pytest
from rich.console import Console

from zoo import compose, tracking
from zoo.run import run
from zoo.start import grid
from zoo.sweeps.execute import execute

pytestmark = pytest.mark.full

# By the metric that the recipe is judged by.
AT_LEAST = {
    "digits_0_4": ("test_accuracy", 0.985),
    "digits_5_9": ("test_accuracy", 0.895),
    "digits_in_seconds": ("test_accuracy", 0.97),
    "mnist_98": ("test_accuracy", 0.98),
    "mnist_dropout": ("test_accuracy", 0.987),
    "tutorial_mnist_binary": ("test_accuracy", 0.995),
}
# Seeds in a hundred that solve XOR.
SOLVED = {
    "backprop_by_hand": (0.1, 0.9),
    "tutorial_feedback": (0.4, 0.8),
    "tutorial_linear": (0.0, 0.0),
    "tutorial_xor_fit": (0.1, 0.9),
    "tutorial_xor_tape": (0.0, 0.05),
    "tutorial_xor_tape_mistake": (0.0, 0.05),
    "tutorial_xor_tape_normal": (0.0, 0.05),
    "xor_reliable": (0.9, 1.0),
}


@pytest.fixture
def ran(tmp_path, monkeypatch):
    """Run a recipe as it stands."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")

    def one(recipe, *words):
        result = run(compose(f"experiment={recipe}", *words), folder=tmp_path / "run", console=Console(quiet=True))
        assert result.exit_code == 0, result.reason
        return result.metrics

    return one


@pytest.mark.parametrize("recipe", AT_LEAST)
def test_a_classifier_reaches_what_is_expected(recipe, ran):
    metric, least = AT_LEAST[recipe]
    metrics = ran(recipe)
    assert metrics[metric] >= least
    if recipe == "digits_in_seconds":
        assert metrics["train_seconds"] < 60  # five on two quiet cores


@pytest.mark.parametrize("recipe", SOLVED)
def test_as_many_seeds_solve_xor_as_expected(recipe, tmp_path, monkeypatch):
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    seeds = 10 if recipe in ("backprop_by_hand", "tutorial_xor_fit") else 100
    table = grid.read([f"experiment={recipe}", f"seed=range({seeds})", "sweep.keep=none"])
    swept = execute(table, folder=tmp_path / "sweep", console=Console(quiet=True))
    solved = [child.metrics["solved"] for child in tracking.children([swept.run_id], uri)]
    least, most = SOLVED[recipe]
    assert len(solved) == seeds
    assert least * seeds <= sum(solved) <= most * seeds


@pytest.mark.parametrize(("recipe", "most"), [("adding", 0.001), ("adding_gru", 0.001), ("adding_rnn", 0.1)])
def test_a_recurrent_layer_carries_the_marked_value_to_the_end(recipe, most, ran):
    metrics = ran(recipe)
    assert metrics["test_loss"] < most < metrics["test_constant_mse"]


def test_a_network_that_remembers_by_its_output_alone_does_not(ran):
    metrics = ran("adding_feedback")
    assert metrics["test_loss"] > 0.8 * metrics["test_constant_mse"]


def test_a_language_model_of_characters_is_a_bit_better_than_a_trigram(ran):
    metrics = ran("chars_kjv")
    assert metrics["test_bits_per_character"] < 1.45 < math.log2(metrics["test_trigram_perplexity"]) - 1


def test_a_language_model_that_learns_from_one_word_of_35_is_worse_than_a_trigram(ran):
    metrics = ran("tutorial_lstm")
    assert metrics["test_perplexity"] > 2 * metrics["test_trigram_perplexity"]


def test_the_new_testament_is_easier_for_who_has_read_the_old(ran):
    assert ran("old_testament")["test_perplexity"] < 85
    alone = ran("new_testament")["test_perplexity"]
    assert ran("new_testament", "init_from=best:tags.experiment = 'old_testament'")["test_perplexity"] < alone * 0.75
