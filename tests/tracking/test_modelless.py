"""What a run without a model says when it is asked for one: why there is none, and what to do."""

import pytest
from mlflow import MlflowClient
from rich.console import Console

import zoo
from zoo import compose, kept, tracking
from zoo.config import BadInput
from zoo.run import run
from zoo.start import grid, search
from zoo.sweeps import search as searches
from zoo.sweeps.execute import execute

XOR = ["model=xor_mlp", "epochs=3"]
QUIET = Console(quiet=True)


@pytest.fixture
def uri(tmp_path, monkeypatch, data_dir):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    return f"sqlite:///{tmp_path}/mlflow.db"


def refused(run_id):
    with pytest.raises(BadInput) as caught:
        kept.find(run_id)
    return str(caught.value)


def split(children):
    """Return the ids of those with a model, and of those without."""
    held = {one.id: "model.keras" in tracking.find(one.id).artifacts() for one in children}
    return [one for one, has in held.items() if has], [one for one, has in held.items() if not has]


def test_a_run_of_a_sweep_names_the_run_of_its_choice_that_has_a_model_and_how_to_get_its_own(uri):
    swept = execute(grid.read([*XOR, "optimizer=sgd,adam", "seed=0,1"]), console=QUIET)
    children = {one.id: one for one in tracking.children([swept.run_id])}
    having, without = split(children.values())
    assert len(having) == len(without) == 2
    for one in without:
        (same,) = [other for other in having if children[other].tags["choice"] == children[one].tags["choice"]]
        said = refused(one)
        assert "a sweep keeps that of the best run of each choice alone" in said
        assert f"Of the same choice, {same} (" in said
        assert f"python train.py rerun={one}" in said
        assert "sweep.keep=all" in said
    with pytest.raises(BadInput, match="best run of each choice alone"):
        run(compose(f"init_from={without[0]}", "epochs=1"), console=QUIET)
    again = run(compose(f"rerun={without[0]}"), console=QUIET)
    assert zoo.load(again.run_id).run.params["seed"] == children[without[0]].params["seed"]


def test_a_run_of_a_sweep_that_was_to_keep_none_says_so(uri):
    execute(grid.read([*XOR, "seed=0,1", "sweep.keep=none"]), console=QUIET)
    said = refused("last")  # which stands for the best of its runs
    assert "its sweep was to keep none, sweep.keep=none" in said
    assert "rerun=" in said
    parent, one = tracking.newest_sweep(), tracking.children([tracking.newest_sweep()])[0]
    MlflowClient(uri).delete_run(parent)
    assert f"Make it again: python train.py rerun={one.id}." in refused(one.id)


def test_a_trial_of_a_search_names_the_best_one(uri):
    words = [*XOR, "search.space={optimizer.learning_rate: [1e-4, 1e-1, log]}", "search.trials=4", "search.pruner=none"]
    found = searches.execute(search.read(words), console=QUIET)
    having, without = split(tracking.children([found.run_id]))
    best = tracking.find(found.run_id).tags["search.best"]
    assert best in having
    said = refused(without[0])
    assert "a search keeps those of its best trials alone" in said
    assert f"{best} (" in said
    assert "sweep.keep" not in said


def test_a_run_at_work_says_that_it_has_no_model_yet(uri):
    config = compose(*XOR)
    store = tracking.connect(config.tracking, "xor_mlp")
    opened = store.start("at work", tags={"overrides": "model=xor_mlp"})
    assert refused(opened.id).startswith(f"Run {opened.id} (at work) is still at work and has no model yet.")
    opened.finish("KILLED")


def test_a_run_that_came_to_nothing_says_why_and_how_it_goes_on(uri):
    store = tracking.connect(compose(*XOR).tracking, "xor_mlp")
    for outcome, status in (("interrupted", "KILLED"), ("error", "FAILED")):
        tags = {"overrides": "model=xor_mlp", "outcome": outcome, "reason": "Stopped at once."}
        opened = store.start("it", tags=tags)
        opened.finish(status)
        said = refused(opened.id)
        assert f"(it, {outcome}) kept no model: Stopped at once. Go on with it: " in said
        assert f"python train.py resume={opened.id}." in said


def test_a_run_that_is_not_of_the_zoo_says_what_was_expected(uri):
    store = tracking.connect(compose(*XOR).tracking, "xor_mlp")
    opened = store.start("another's", tags={})
    opened.finish("FINISHED")
    assert "expected config.yaml, and model.keras or trigram.npz, among its artifacts, found none" in refused(opened.id)
