"""Runs that begin from others: what is said again, what may change, and what is refused."""

import os
import time

import pytest
from rich.console import Console

from zoo import compose, tracking
from zoo.config import BadInput
from zoo.run import run
from zoo.tracking import process


@pytest.fixture(scope="module")
def store(tmp_path_factory, data_dir):
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        patch.chdir(folder)
        yield folder


@pytest.fixture(scope="module")
def finished(store):
    words = ["model=linear", "epochs=4", "optimizer=momentum", "optimizer.learning_rate=0.05", "seed=3"]
    return run(compose(*words), console=Console(quiet=True))


def trained(*words):
    return run(compose(*words), console=Console(quiet=True))


def test_a_finished_run_is_made_again_from_its_id_alone(finished):
    again = trained(f"rerun={finished.run_id}")
    assert again.run_id != finished.run_id
    one, other = tracking.find(finished.run_id), tracking.find(again.run_id)
    assert one.params == other.params
    for name in one.metrics:
        if not name.endswith(("_seconds", "_per_second")):
            assert repr(one.history(name)) == repr(other.history(name))
    assert other.tags["rerun_of"] == finished.run_id


def test_words_beside_rerun_come_on_top_and_a_new_option_drops_the_values_of_the_old(finished):
    config = compose(f"rerun={finished.run_id}", "optimizer=adam", "epochs=2")
    assert (config.optimizer.name, config.epochs, config.seed) == ("adam", 2, 3)
    assert config.optimizer.learning_rate == compose("model=linear", "optimizer=adam").optimizer.learning_rate


def test_a_finished_run_trains_on_with_more_epochs_in_the_same_record(store):
    short = trained("model=linear", "epochs=4", "seed=5")
    longer = trained(f"resume={short.run_id}", "epochs=9")
    whole = trained("model=linear", "epochs=9", "seed=5")
    assert longer.run_id == short.run_id
    one, other = tracking.find(longer.run_id), tracking.find(whole.run_id)
    assert repr(one.history("val_loss")) == repr(other.history("val_loss"))
    assert one.tags["overrides"].endswith("epochs=9")


def test_a_finished_run_without_more_epochs_is_refused(finished):
    with pytest.raises(BadInput, match=r"has finished.*epochs=8"):
        compose(f"resume={finished.run_id}")


def test_a_run_that_goes_on_cannot_become_another_one(finished):
    with pytest.raises(BadInput, match=r"seed \(3 → 4\) can't change"):
        compose(f"resume={finished.run_id}", "epochs=9", "seed=4")


def test_a_run_whose_words_mean_something_else_now_cannot_go_on(finished, monkeypatch):
    found = tracking.find(finished.run_id)
    changed = {**found.tags, "config_hash": "0" * 16}
    monkeypatch.setattr(tracking, "find", lambda *arguments: type(found)(**{**vars(found), "tags": changed}))
    with pytest.raises(BadInput, match="have changed since"):
        compose(f"resume={finished.run_id}", "epochs=9")


def test_a_run_that_diverged_is_refused_with_what_to_do(store):
    result = trained("model=linear", "optimizer.learning_rate=2.0", "epochs=400")
    assert result.outcome == "diverged"
    assert "the largest gradient norms in it: output" in result.reason
    with pytest.raises(BadInput, match=r"diverged.*rerun="):
        compose(f"resume={result.run_id}")


def test_a_run_at_work_is_refused(store, monkeypatch):
    result = trained("model=linear", "epochs=2")
    found = tracking.find(result.run_id)
    found._client.update_run(found.id, status="RUNNING")
    with pytest.raises(BadInput, match="is at work"):
        compose(f"resume={result.run_id}", "epochs=9")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["resume=abc"], "No run 'abc'|too short"),
        (["resume=deadbeef00"], "No run 'deadbeef00'"),
        (["resume=last", "tracking=off"], "tracking=off"),
        (["resume=last", "rerun=last"], "begins from one other"),
    ],
)
def test_what_cannot_be_begun_from_is_refused(store, finished, words, said):
    with pytest.raises(BadInput, match=said):
        compose(*words)


def test_a_run_whose_process_is_gone_is_marked_and_found_as_the_last_unfinished_one(store, monkeypatch):
    result = trained("model=linear", "epochs=2", "seed=8")
    found = tracking.find(result.run_id)
    found._client.update_run(found.id, status="RUNNING")
    found._client.delete_tag(found.id, "outcome")
    gone = process.mark()
    gone["process"] = gone["process"].replace(f'"pid": {os.getpid()}', '"pid": 999999999')
    for key, value in gone.items():
        found._client.set_tag(found.id, key, value)
    assert tracking.unfinished().id == result.run_id
    assert [one.id for one in tracking.mark_vanished()] == [result.run_id]
    marked = tracking.find(result.run_id)
    assert (marked.status, marked.tags["outcome"]) == ("KILLED", "interrupted")
    assert "process is gone" in marked.tags["reason"]
    assert tracking.mark_vanished() == []


def test_a_run_of_another_machine_is_gone_when_it_has_been_silent_for_long():
    tags = {"process": '{"host": "elsewhere", "pid": 1, "started": 0.0}', "heartbeat": str(int(time.time()))}
    assert not process.is_gone(tags)
    assert process.is_gone({**tags, "heartbeat": "1000"})
    assert not process.is_gone({})
