"""The pictures of a search: that they hold what was tried, for numbers and for names, lost and pruned trials too."""

import math

import pytest

from tests.results.test_sweep_figures import names, size
from zoo.results import search_figures
from zoo.results.leaderboard import leaderboard
from zoo.results.search_figures import Tried
from zoo.results.trials import Trial, Trials

pytestmark = pytest.mark.filterwarnings("error")
KEYS = ("optimizer.learning_rate", "optimizer", "batch_size")


def trials(count, metric="val_loss", value=lambda place: 1.0 / (1 + place)):
    made = []
    for place in range(count):
        choice = (f"{10 ** -(1 + place % 5)}", ("adam", "sgd")[place % 2], f"{16 + place}")
        outcome = "diverged" if place == 3 else "pruned" if place % 4 == 2 else "completed"
        found = math.nan if place == 3 else value(place)
        made.append(Tried(place, Trial(f"run {place}", choice, "seed 0", outcome, value=found)))
    return made, leaderboard(Trials(metric, KEYS, [one.trial for one in made]))


@pytest.mark.parametrize("metric", ["val_loss", "val_accuracy"])
def test_a_search_is_drawn_over_its_trials_and_over_its_values(metric, tmp_path):
    tried, board = trials(12, metric)
    shares = {"optimizer.learning_rate": 0.2, "optimizer": 0.7}
    found = search_figures.pictures(tried[::-1], board, tmp_path, log_keys=[KEYS[0]], importance=shares)
    assert names(found) == ["history", "slices"]
    for picture in found:
        assert min(size(picture)) > 250
        assert "A triangle is a trial that was pruned." in picture.caption
        assert "✕ marks trials that diverged or failed." in picture.caption
    slices = found[1].svg.read_text()
    assert slices.index("optimizer (70 %)") < slices.index("learning_rate (20 %)") < slices.index("batch_size")
    assert "Optuna's estimate" in found[1].caption


def test_one_bad_trial_does_not_hide_the_others(tmp_path):
    tried, board = trials(12, "val_accuracy", lambda place: 0.05 if place == 0 else 0.9 + place / 1000)
    history, slices = search_figures.pictures(tried, board, tmp_path)
    assert "Trials on the lower edge lie beyond it." in history.caption
    assert ">0.2<" not in history.svg.read_text()
    assert size(slices)


def test_a_search_of_nothing_but_lost_trials_is_still_drawn(tmp_path):
    made = [Tried(place, Trial(f"{place}", (str(place),), "seed 0", "diverged")) for place in range(3)]
    board = leaderboard(Trials("val_loss", ("batch_size",), [one.trial for one in made]))
    assert names(search_figures.pictures(made, board, tmp_path)) == ["history"]


@pytest.mark.parametrize("count", [1, 2, 40])
def test_few_and_many_trials_are_drawn(count, tmp_path):
    tried, board = trials(count)
    assert all(size(picture) for picture in search_figures.pictures(tried, board, tmp_path, log_keys=[KEYS[0]]))


def test_more_keys_than_there_is_room_for_are_counted(tmp_path):
    keys = tuple(f"model.key_{place}" for place in range(12))
    made = [
        Tried(place, Trial(f"{place}", (f"{place}",) * 12, "seed 0", "completed", value=float(place)))
        for place in range(4)
    ]
    board = leaderboard(Trials("val_loss", keys, [one.trial for one in made]))
    _, slices = search_figures.pictures(made, board, tmp_path)
    assert "The first 9 of 12 keys are drawn." in slices.caption
