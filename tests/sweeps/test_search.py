"""Searches from their words to their record: children of one parent, the test read once, and every way to end."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

import zoo
from tests.tracking.mlflow_server import MlflowServer
from zoo import tracking
from zoo.config import BadInput
from zoo.learners.network import Network
from zoo.start import grid, search
from zoo.sweeps import execute as grids
from zoo.sweeps.search import execute

SPACE = "search.space={optimizer.learning_rate: [1e-4, 1e-1, log], optimizer: {adam,sgd}, model.hidden: {[8],[16]}}"
DIGITS = ["model=mnist_fcn", "data=digits", "epochs=3", SPACE]
TRAIN = [sys.executable, str(Path(__file__).parents[2] / "train.py")]
NETS = """
import keras, os, pathlib, signal

class Stop(keras.callbacks.Callback):
    runs = 0

    def on_train_begin(self, logs=None):
        Stop.runs += 1

    def on_epoch_end(self, epoch, logs=None):
        if Stop.runs == 3 and not pathlib.Path("again").exists():
            os.kill(os.getpid(), signal.SIGINT)

def build(spec, width):
    if width == 13:
        raise RuntimeError("Unlucky.")
    inputs = keras.Input(spec.shape)
    return keras.Model(inputs, keras.layers.Dense(1, name="output")(inputs))
"""


@pytest.fixture
def searched(store, data_dir, tmp_path):
    """Search, and return what came of it with the parent and the children as they were recorded."""

    def run(*words, console=None):
        found = execute(search.read(words), folder=tmp_path / "search", console=console or Console(quiet=True))
        return found, tracking.find(found.run_id), tracking.children([found.run_id], store)

    return run


@pytest.fixture
def nets(tmp_path, monkeypatch):
    (tmp_path / "nets_of_ours.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)
    return ["model=custom", "data=xor", "model.build=nets_of_ours.build", "epochs=2", "search=random"]


def with_test(runs):
    return [run.id for run in runs if any(name.startswith("test_") for name in run.metrics)]


def trials(runs):
    """Return what was tried and what came of it, by the number of the trial, but for what was interrupted."""
    return {
        run.tags["trial"]: (run.tags["choice"], run.tags["outcome"], run.metrics.get("best_val_accuracy"))
        for run in runs
        if run.tags["outcome"] != "interrupted"
    }


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_each_trial_is_a_child_and_the_best_alone_is_tested_once(sampler, searched, monkeypatch):
    calls = []
    measure = Network.test
    monkeypatch.setattr(Network, "test", lambda self, weights: calls.append(self) or measure(self, weights))
    found, parent, children = searched(*DIGITS, f"search={sampler}", "search.trials=6", "search.startup=3")
    assert (found.exit_code, parent.status) == (0, "FINISHED")
    assert {child.tags["mlflow.parentRunId"] for child in children} == {parent.id}
    assert [child.tags["trial"] for child in children] == [str(number) for number in range(6)]
    for child in children:
        choice = json.loads(child.tags["choice"])
        assert float(child.params["optimizer.learning_rate"]) == float(choice["optimizer.learning_rate"])
        assert child.tags["optimizer"] == choice["optimizer"]
    assert len(calls) == 1
    (best,) = with_test(children)
    values = {child.id: child.metrics["best_val_accuracy"] for child in children}
    assert values[best] == max(values.values())
    assert parent.tags["search.best"] == best
    (own,) = [child for child in children if child.id == best]
    assert parent.metrics["best_test"] == pytest.approx(own.metrics["test_accuracy"])
    # The pictures and the command that makes the best one again.
    page = parent.download("report.html").read_text()
    assert "The search" in page
    assert "What was tried" in page
    assert {"report/history.png", "report/slices.png"} <= set(parent.artifacts("report"))
    assert f"optimizer={own.tags['optimizer']}" in parent.tags["search.best_command"]
    again = zoo.load(best)
    assert again.config.optimizer.name == own.tags["optimizer"]


def test_the_same_seed_makes_the_same_search(searched):
    words = [*DIGITS, "search.trials=5", "search.startup=2"]
    _, _, one = searched(*words)
    _, _, other = searched(*words)
    assert trials(one) == trials(other)
    _, _, another = searched(*words, "search.seed=1")
    assert trials(one) != trials(another)


@pytest.mark.parametrize("loop", ["fit", "tape"])
def test_a_hopeless_trial_is_pruned_in_either_loop(loop, searched):
    # A rate of nothing learns nothing: it falls behind in the first epochs.
    space = "search.space={optimizer.learning_rate: {0.01,1e-9}}"
    words = ["data=digits", "epochs=6", "search=random", "search.trials=8", "search.startup=3", f"loop={loop}", space]
    found, parent, children = searched(*words)
    assert (found.exit_code, parent.status) == (0, "FINISHED")
    pruned = [child for child in children if child.tags["outcome"] == "pruned"]
    assert pruned
    for child in pruned:
        assert child.status == "FINISHED"
        assert child.params["optimizer.learning_rate"] == "1e-09"
        assert re.fullmatch(
            r"Pruned in epoch (\d): val_accuracy was 0\.\d+ at best, and half of \d trials? before it had 0\.\d+ or "
            r"better by then\.", child.tags["reason"],
        )  # fmt: skip
        assert 1 < child.metrics["epoch"] < 6
    assert parent.metrics["best_value"] > 0.8


def test_a_trial_that_fails_is_recorded_and_the_others_run(searched, nets):
    found, parent, children = searched(*nets, "search.trials=8", "search.space={+model.width: {2,13,4}}")
    outcomes = {child.params["model.width"]: child.tags["outcome"] for child in children}
    assert outcomes == {"2": "completed", "13": "error", "4": "completed"}
    assert len(children) == 8
    assert (found.exit_code, parent.status) == (1, "FAILED")
    assert len(with_test(children)) == 1
    assert {child.tags["reason"] for child in children if child.status == "FAILED"} == {"RuntimeError: Unlucky."}


def test_a_trial_that_diverges_is_a_result(searched):
    words = ["model=xor_mlp", "optimizer=sgd", "model.activation=relu", "epochs=30", "search=random"]
    found, parent, children = searched(*words, "search.trials=6", "search.space={optimizer.learning_rate: {0.1,1e30}}")
    assert {child.tags["outcome"] for child in children} >= {"completed", "diverged"}
    assert (found.exit_code, parent.status) == (0, "FINISHED")
    assert len(with_test(children)) == 1


def test_choices_that_do_not_go_together_are_left_out_and_said(searched):
    space = "search.space={optimizer: {adam,rprop}, batch_size: {full,2}}"
    found, parent, children = searched("model=xor_mlp", "epochs=3", "search=random", "search.trials=8", space)
    assert found.exit_code == 0
    assert 0 < len(children) < 8
    assert not any(child.params["batch_size"] == "2" for child in children if child.tags["optimizer"] == "rprop")
    (sentence,) = json.loads(parent.tags["sweep.skipped"])
    assert "rprop" in sentence


def test_a_search_that_was_interrupted_goes_on_where_it_was(searched, nets, tmp_path, capsys):
    words = [*nets, "search.trials=6", "search.space={+model.width: [2, 9]}", "callbacks=[nets_of_ours.Stop]"]
    found, parent, children = searched(*words, console=Console(width=200))
    assert (found.exit_code, parent.status) == (130, "KILLED")
    assert with_test(children) == []
    (command,) = re.findall(r"To go on: (.*)", capsys.readouterr().out)
    assert command.endswith(f" search.resume={parent.id}")
    assert [child.tags["outcome"] for child in children] == ["completed", "completed", "interrupted"]
    (tmp_path / "again").touch()
    capsys.readouterr()
    rest, after, all_of_them = searched(f"search.resume={parent.id}", console=Console(width=200))
    assert "6 of 6 runs: 6 completed." in capsys.readouterr().out
    assert (rest.run_id, rest.exit_code, after.status) == (parent.id, 0, "FINISHED")
    _, _, whole = searched(*words)
    assert trials(all_of_them) == trials(whole)
    assert len(with_test(all_of_them)) == 1


def test_a_search_goes_on_for_longer_but_not_as_another(searched):
    words = [*DIGITS, "search.startup=2"]
    _, parent, first = searched(*words, "search.trials=3")
    resume = f"search.resume={parent.id}"
    found, _, more = searched(resume, "search.trials=5")
    assert len(found.results) == 2
    assert [run.tags["trial"] for run in more] == [str(number) for number in range(5)]
    assert trials(first).items() <= trials(more).items()
    best = max(run.metrics["best_val_accuracy"] for run in more)
    assert any(run.metrics["best_val_accuracy"] == best for run in more if run.id in with_test(more))
    for word, said in [
        ("search.seed=1", "search.seed (0 → 1)"),
        ("search=random", "search.sampler (tpe → random)"),
        ("search.space={model.dropout: [0, 0.5]}", "search.space.model.dropout (nothing → [0, 0.5])"),
        ("search.space.model.dropout=[0,0.5]", "search.space.model.dropout (nothing → [0, 0.5])"),
        ("epochs=4", "what all trials share"),
    ]:
        with pytest.raises(BadInput, match=re.escape(said)):
            search.read([resume, word])


def test_a_sweep_is_no_search_and_a_search_no_sweep(searched, data_dir):
    _, parent, children = searched(*DIGITS, "search.trials=1")
    with pytest.raises(BadInput, match=f"search.resume={parent.id}"):
        grids.execute(grid.read(["data=digits", "seed=0,1", f"sweep.resume={parent.id}"]), console=Console(quiet=True))
    with pytest.raises(BadInput, match=f"search.resume={parent.id}"):
        zoo.compose(f"resume={parent.id}")
    with pytest.raises(BadInput, match="is no search"):
        search.read([*DIGITS, f"search.resume={children[0].id}"])


def test_a_trial_does_not_go_on_by_itself_but_can_be_made_anew(searched):
    _, parent, (child,) = searched(*DIGITS, "search.trials=1")
    with pytest.raises(BadInput, match=f"is a trial of a search, .* search.resume={parent.id}"):
        zoo.compose(f"resume={child.id}", "epochs=6")
    assert zoo.compose(f"rerun={child.id}").rerun == child.id


def test_a_study_that_is_gone_or_damaged_does_not_leave_the_search_running(searched):
    _, parent, _ = searched(*DIGITS, "search.trials=1")
    study = parent.artifact_folder / "study" / "study.db"
    study.write_bytes(b"no database at all" * 100)
    with pytest.raises(BadInput, match="can't be opened"):
        searched(f"search.resume={parent.id}", "search.trials=2")
    assert tracking.find(parent.id).status == "FAILED"
    study.unlink()
    study.parent.rmdir()
    with pytest.raises(BadInput, match="its study is not among its artifacts"):
        searched(f"search.resume={parent.id}", "search.trials=2")


def test_no_trial_begins_when_the_time_is_over(searched):
    found, parent, children = searched(*DIGITS, "search.trials=500", "search.timeout=0.001")
    assert (found.exit_code, parent.status, len(children)) == (0, "FINISHED", 1)


def test_a_search_that_is_not_tracked_tells_what_is_best(store, data_dir, tmp_path, capsys):
    found = execute(search.read([*DIGITS, "search.trials=3", "tracking=off"]), console=Console(width=200))
    out = capsys.readouterr().out
    assert (found.run_id, found.exit_code) == (None, 0)
    assert re.search(r"Best: .* optimizer.learning_rate=\S+ optimizer=\w+ 'model.hidden=\[\d+\]'", out)
    assert "test_accuracy" in out
    assert not (tmp_path / "mlflow.db").exists()


def test_a_model_that_is_counted_is_searched_too(searched):
    words = ["model=trigram", "debug=smoke", "search.space={model.discount: [0.3, 0.95]}", "search.trials=4"]
    found, parent, children = searched(*words)
    assert (found.exit_code, parent.status, len(children)) == (0, "FINISHED", 4)
    (best,) = with_test(children)
    values = {child.id: child.metrics["best_val_loss"] for child in children}
    assert values[best] == min(values.values())


@pytest.mark.slow
def test_a_search_that_is_killed_goes_on_as_if_nothing_had_happened(searched, tmp_path, data_dir):
    words = [*DIGITS, "search.trials=8", "search.startup=3"]
    _, _, whole = searched(*words)
    (tmp_path / "elsewhere").mkdir()
    uri = f"sqlite:///{tmp_path}/elsewhere/mlflow.db"
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri, "TF_CPP_MIN_LOG_LEVEL": "2"}

    def start(*words):
        return subprocess.Popen([*TRAIN, *words], cwd=tmp_path / "elsewhere", env=environment)

    process = start("search=tpe", *words)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("elsewhere/multirun/*/*/4/config.yaml")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    parent = tracking.newest_sweep(uri)
    assert start(f"search.resume={parent}").wait(timeout=300) == 0
    assert tracking.find(parent, uri).status == "FINISHED"
    found = tracking.children([parent], uri)
    assert {run.tags["trial"] for run in found if run.tags.get("outcome") in (None, "interrupted")} == {"4"}
    ended = [run for run in found if run.tags.get("outcome")]
    assert trials(ended) == trials(whole)
    assert len(with_test(found)) == 1


@pytest.mark.slow
def test_a_search_goes_on_from_a_server_where_its_folder_is_gone(data_dir, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    server = MlflowServer(tmp_path)
    server.start()
    try:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
        quiet = Console(quiet=True)
        first = execute(search.read([*DIGITS, "search.trials=2"]), folder=tmp_path / "first", console=quiet)
        shutil.rmtree(tmp_path / "first")
        words = [f"search.resume={first.run_id}", "search.trials=3"]
        second = execute(search.read(words), folder=tmp_path / "second", console=quiet)
        runs = tracking.children([first.run_id])
    finally:
        server.stop()
    assert (first.exit_code, second.exit_code, second.run_id) == (0, 0, first.run_id)
    assert [run.tags["trial"] for run in runs] == ["0", "1", "2"]


@pytest.mark.slow
def test_ctrl_c_ends_a_search_with_130_and_the_command_that_goes_on(store, data_dir, tmp_path):
    process = subprocess.Popen(
        [*TRAIN, "search=tpe", *DIGITS, "search.trials=200"],
        cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("multirun/*/*/2/config.yaml")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 130, out
    parent = tracking.find(tracking.newest_sweep(store), store)
    assert parent.status == "KILLED"
    assert f"search.resume={parent.id}" in out
    assert "Traceback" not in out


@pytest.mark.full
def test_fifty_trials_beat_the_default_on_digits_by_a_margin_on_validation_data(searched, monkeypatch):
    calls = []
    measure = Network.test
    base = ["model=mnist_fcn", "data=digits", "epochs=5", "monitor=val_loss"]
    default = zoo.train(*base)
    monkeypatch.setattr(Network, "test", lambda self, weights: calls.append(self) or measure(self, weights))
    space = (
        "search.space={optimizer.learning_rate: [1e-5, 1e-1, log], model.dropout: [0, 0.5], batch_size: [16,128,log]}"
    )
    found, _, children = searched("search=tpe", "search.trials=50", *base, space)
    assert (found.exit_code, len(children), len(calls)) == (0, 50, 1)
    (best,) = [child for child in children if child.id in with_test(children)]
    assert best.metrics["best_val_loss"] < default.metrics["best_val_loss"] - 0.25
    assert best.metrics["best_val_accuracy"] > default.metrics["best_val_accuracy"] + 0.04
