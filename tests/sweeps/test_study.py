"""What a search proposes and prunes, without training anything."""

import math
import sqlite3

import pytest

from zoo.outcome import Result
from zoo.start import search
from zoo.sweeps.study import FILE, Study

SPACE = "search.space={optimizer.learning_rate: [1e-5, 1e-1, log], batch_size: [16,128], optimizer: {adam,sgd}}"
WORDS = ["data=digits", "epochs=9", "search.startup=3", SPACE]


def read(*words):
    return search.read([*WORDS, *words])


def ended(value, outcome="completed"):
    return Result("0123", "a trial", outcome, "", 0, target=value)


def score(chosen):
    """Return what a trial would reach: most at a learning rate of 0.01."""
    return 1 / (1 + abs(math.log10(float(chosen["optimizer.learning_rate"])) + 2))


def proposed(study, count):
    found = []
    for _ in range(count):
        asked = study.ask()
        study.tell(asked, ended(score(asked.chosen)))
        found.append((asked.number, asked.chosen))
    return found


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_same_seed_proposes_the_same_trials(sampler, tmp_path):
    one, other, another = (
        proposed(Study(read(f"search={sampler}", f"search.seed={seed}"), tmp_path / name), 8)
        for seed, name in ((0, "one"), (0, "other"), (1, "another"))
    )
    assert one == other
    assert one != another
    assert [number for number, _ in one] == list(range(8))
    for _, chosen in one:
        assert 1e-5 <= float(chosen["optimizer.learning_rate"]) <= 0.1
        assert 16 <= int(chosen["batch_size"]) <= 128
        assert chosen["optimizer"] in ("adam", "sgd")


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_study_that_goes_on_proposes_what_it_would_have_without_a_pause(sampler, tmp_path):
    found = read(f"search={sampler}")
    whole = proposed(Study(found, tmp_path / "whole"), 10)
    first = proposed(Study(found, tmp_path / "parts"), 6)
    killed = Study(found, tmp_path / "parts").ask()  # and nothing more: its process is gone
    rest = Study(found, tmp_path / "parts")
    assert rest.made == 6
    assert first + proposed(rest, 4) == whole
    assert (killed.number, killed.chosen) == whole[6]


def pruned(study, count):
    """Make trials as a search does, and return what each was made of, and where it ended."""
    found = []
    for _ in range(count):
        asked = study.ask()
        judge, epoch = study.judge(asked, 9), 0
        level = score(asked.chosen)
        for epoch in range(1, 10):
            if judge(epoch, level * epoch / 9):
                break
        study.tell(asked, ended(level * epoch / 9, "completed" if epoch == 9 else "pruned"))
        found.append((asked.chosen, epoch))
    return found


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_a_killed_search_prunes_the_trials_that_it_would_have_pruned(pruner, tmp_path):
    found = read("search=tpe", f"search.pruner={pruner}")
    whole = pruned(Study(found, tmp_path / "whole"), 30)
    first = pruned(Study(found, tmp_path / "parts"), 14)
    for level in (0.99, 0.98):
        study = Study(found, tmp_path / "parts")
        judge = study.judge(study.ask(), 9)
        [judge(epoch, level) for epoch in range(1, 9)]  # and then the process is gone
    assert first + pruned(Study(found, tmp_path / "parts"), 16) == whole
    assert {epoch for _, epoch in whole} > {9}


def test_bayesian_search_looks_where_trials_were_good(tmp_path):
    made = proposed(Study(read("search=tpe", "search.startup=10"), tmp_path), 40)
    drawn, learnt = ([score(chosen) for _, chosen in made[part]] for part in (slice(10), slice(20, 40)))
    assert sum(learnt) / len(learnt) > 1.15 * sum(drawn) / len(drawn)


@pytest.mark.parametrize("pruner", ["median", "hyperband"])
def test_a_trial_that_is_worse_than_those_before_has_no_hope(pruner, tmp_path):
    study = Study(read(f"search.pruner={pruner}", "search.warmup=2"), tmp_path)
    for level in (0.9, 0.8, 0.7, 0.9, 0.8, 0.9, 0.8, 0.9, 0.9):
        asked = study.ask()
        judge = study.judge(asked, 9)
        for epoch in range(1, 10):
            if judge(epoch, level):
                break
        study.tell(asked, ended(level))
    said: list[str] = []
    while not any(said):  # hyperband lets some go on to their end, whatever comes of them
        asked = study.ask()
        judge = study.judge(asked, 9)
        said = [judge(epoch, 0.1) for epoch in range(1, 10)]
        study.tell(asked, ended(0.1))
        assert study.made < 20
    assert said[:2] == ["", ""]
    epoch = next(place for place, reason in enumerate(said, 1) if reason)
    assert said[epoch - 1].startswith(f"Pruned in epoch {epoch}: val_accuracy was 0.1000 at best")
    assert said[-1] == ""  # there is nothing left to be saved


def test_a_trial_that_is_better_than_those_before_goes_on(tmp_path):
    study = Study(read(), tmp_path)
    for level in (0.5, 0.6, 0.7, 0.65, 0.9):
        asked = study.ask()
        judge = study.judge(asked, 9)
        assert not any(judge(epoch, level) for epoch in range(1, 10))
        study.tell(asked, ended(level))


def test_the_first_trials_are_not_pruned_and_none_where_there_is_no_pruner(tmp_path):
    study = Study(read("search.startup=4"), tmp_path / "median")
    for level in (0.9, 0.8, 0.1, 0.1):
        asked = study.ask()
        judge = study.judge(asked, 9)
        assert not any(judge(epoch, level) for epoch in range(1, 10))
        study.tell(asked, ended(level))
    without = Study(read("search.pruner=none"), tmp_path / "none")
    assert without.judge(without.ask(), 9) is None


def test_many_epochs_are_looked_at_a_few_times(tmp_path):
    study = Study(read("epochs=5000"), tmp_path)
    asked = study.ask()
    judge = study.judge(asked, 5000)
    for epoch in range(1, 5001):
        judge(epoch, 0.5)
    with sqlite3.connect(tmp_path / FILE) as database:
        (count,) = database.execute("SELECT count(*) FROM trial_intermediate_values").fetchone()
    assert 40 <= count <= 50


def test_a_trial_that_diverged_counts_as_bad_and_one_that_failed_is_left_out(tmp_path):
    study = Study(read("search.startup=2", "search.space={optimizer.learning_rate: [1e-5, 1e-1, log]}"), tmp_path)
    for _ in range(25):
        asked = study.ask()
        too_high = float(asked.chosen["optimizer.learning_rate"]) > 1e-3
        study.tell(asked, ended(math.nan, "diverged") if too_high else ended(0.5))
    late = [float(study.ask().chosen["optimizer.learning_rate"]) for _ in range(1)]
    assert study.made == 25
    assert late[0] < 1e-2


def test_importance_tells_which_key_made_the_difference(tmp_path):
    study = Study(read(), tmp_path)
    assert study.importance() == {}
    proposed(study, 20)
    shares = study.importance()
    assert set(shares) == {"optimizer.learning_rate", "batch_size", "optimizer"}
    assert max(shares, key=shares.get) == "optimizer.learning_rate"
    assert sum(shares.values()) == pytest.approx(1, abs=0.01)


def test_optuna_says_nothing(tmp_path, capfd):
    proposed(Study(read(), tmp_path), 4)
    assert capfd.readouterr() == ("", "")
