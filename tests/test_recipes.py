"""Each recipe says what to expect of it, and runs, shrunk, through both loops."""

import math

import pytest
from rich.console import Console

from zoo import compose
from zoo.data import Spec
from zoo.models import building
from zoo.optim import schedules
from zoo.run import run
from zoo.start import options, recipes

RECIPES = options.names_in("experiment")
PENN_TREEBANK = ("zaremba_small", "zaremba_medium", "zaremba_large")
NOT_RUN = (*PENN_TREEBANK, "tiny_shakespeare")


@pytest.fixture
def own_text(tmp_path):
    """The words for a recipe that reads the user's own text."""
    lines = "no it was n't black monday\nbut while the <unk> stock exchange did n't fall apart\n"
    words = []
    for split in ("train", "valid", "test"):
        (tmp_path / f"{split}.txt").write_text(lines * 60)
        words.append(f"data.{split}={tmp_path / f'{split}.txt'}")
    return words


@pytest.fixture
def own_shakespeare(tmp_path):
    """The words for a recipe on tiny Shakespeare, which is not shipped: another text stands where a user brings it."""
    file = tmp_path / "prepared" / "manual" / "tiny_shakespeare" / "input.txt"
    file.parent.mkdir(parents=True)
    file.write_text("FIRST CITIZEN:\nBefore we go on, hear me speak.\n\nALL:\nSpeak, then!\n\n" * 80)
    return [f"data_dir={tmp_path / 'prepared'}"]


@pytest.mark.parametrize("loop", ["fit", "tape"])
@pytest.mark.parametrize("recipe", RECIPES)
def test_each_recipe_lives_the_whole_life_of_a_run_in_both_loops(recipe, loop, data_dir, request, tmp_path):
    brought = "own_text" if recipe in PENN_TREEBANK else "own_shakespeare" if recipe == "tiny_shakespeare" else None
    words = request.getfixturevalue(brought) if brought else []
    config = compose(f"experiment={recipe}", "debug=smoke", f"loop={loop}", "tracking=off", *words)
    result = run(config, folder=tmp_path / "run", console=Console(quiet=True))
    assert (result.outcome, result.exit_code) == ("completed", 0), result.reason
    assert math.isfinite(result.metrics["test_loss"])


@pytest.mark.parametrize("recipe", recipes.recipes(), ids=lambda recipe: recipe.name)
def test_each_header_says_the_command_what_to_expect_and_what_was_measured(recipe):
    assert f"experiment={recipe.name}" in recipe.says["command"]
    assert recipe.says["expected"]
    assert recipe.says["time"]
    if recipe.name in NOT_RUN:
        assert "not run here" in recipe.says["measured"]
    else:
        assert any(figure.isdigit() for figure in recipe.says["measured"])
    assert set(recipe.says) <= {"command", "expected", "claim", "measured", "time", "source", "selection"}


@pytest.mark.parametrize(
    ("words", "plain"),
    [
        (["experiment=mnist_98"], True),
        (["experiment=mnist_98", "seed=3", "tracking.uri=sqlite:///x.db"], True),
        (["experiment=zaremba_small", "data.train=a.txt"], True),
        (["experiment=mnist_98", "epochs=2"], False),
        (["experiment=mnist_98", "debug=smoke"], False),
        (["experiment=mnist_98", "+data.train_more=1"], False),
    ],
)
def test_a_run_counts_for_its_recipe_unless_it_was_told_more_than_a_seed(words, plain):
    assert recipes.is_plain(words) == plain


# TensorFlow's ptb_word_lm tutorial: parameters; the rate of the sum over the steps in the first and the last epoch, its
# clipping, and the steps.
ZAREMBA = {
    "zaremba_small": (4_651_600, 1.0, 0.5**9, 5, 20),
    "zaremba_medium": (19_775_200, 1.0, 0.8**33, 5, 35),
    "zaremba_large": (66_022_000, 1.0, 1.15**-41, 10, 35),
}


@pytest.mark.parametrize("recipe", ZAREMBA)
def test_the_penn_treebank_recipes_are_the_published_ones(recipe, own_text):
    parameters, first, last, clip, steps = ZAREMBA[recipe]
    config = compose(f"experiment={recipe}", *own_text)
    spec = Spec("tokens", (steps,), "tokens", 10_000, batch_size=20)
    assert building.build(config.model, spec, "float32").count_params() == parameters
    # The mean over the steps has a gradient that is so many times smaller than that of the sum.
    rates = schedules.table(config.schedule, config.optimizer.learning_rate, config.epochs, 1)
    assert rates[0] == pytest.approx(first * steps)
    assert rates[-1] == pytest.approx(last * steps, rel=1e-4)
    assert config.optimizer.global_clipnorm == pytest.approx(clip / steps, rel=1e-5)
    assert (config.data.sequence_length, config.batch_size, config.model.carries_state) == (steps, 20, True)
    assert config.init.class_name == "RandomUniform"
