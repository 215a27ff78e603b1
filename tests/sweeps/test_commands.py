"""Sweeps as commands, in processes of their own: other launchers, and an end in the middle."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zoo import tracking

TRAIN = [sys.executable, str(Path(__file__).parents[2] / "train.py")]


@pytest.fixture
def start(tmp_path, data_dir):
    """Start a command in an empty folder with a tracking database of its own."""
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db", "TF_CPP_MIN_LOG_LEVEL": "2"}

    def begin(*words):
        return subprocess.Popen(
            [*TRAIN, *words], cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    return begin


@pytest.mark.slow
def test_hydra_s_joblib_launcher_makes_children_of_one_parent_in_several_processes(start, tmp_path):
    process = start(
        "-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=2",
        "model=xor_mlp", "optimizer=sgd,adam", "seed=0,1", "epochs=20",
    )  # fmt: skip
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    parent = tracking.newest_sweep(uri)
    children = tracking.children([parent], uri)
    assert {(child.tags["optimizer"], child.tags["seed"]) for child in children} == {
        ("sgd", "0"), ("sgd", "1"), ("adam", "0"), ("adam", "1"),
    }  # fmt: skip
    assert {child.status for child in children} == {"FINISHED"}
    assert {child.tags["choice"] for child in children} == {'{"optimizer": "sgd"}', '{"optimizer": "adam"}'}
    assert tracking.find(parent, uri).status == "FINISHED"
    assert "is best" in out


@pytest.mark.slow
def test_a_sweep_that_is_interrupted_is_killed_in_the_record_and_says_how_to_go_on(start, tmp_path):
    words = ["-m", "model=mnist_fcn", "data=digits", "seed=range(40)", "epochs=20", "sweep.vectorize=false"]
    process = start(*words)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("multirun/*/*/2/config.yaml")) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 130, out
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    parent = tracking.find(tracking.newest_sweep(uri), uri)
    assert parent.status == "KILLED"
    ended = tracking.children([parent.id], uri)
    assert 2 <= len(ended) < 40
    assert "RUNNING" not in {child.status for child in ended}
    assert f"sweep.resume={parent.id}" in out

    again = start(*[word.replace("range(40)", "range(4)") for word in words], f"sweep.resume={parent.id}")
    out, _ = again.communicate(timeout=300)
    assert again.returncode == 0, out
    done = [child for child in tracking.children([parent.id], uri) if child.status == "FINISHED"]
    seeds = [child.tags["seed"] for child in done]
    assert {"0", "1", "2", "3"} <= set(seeds)
    assert len(seeds) == len(set(seeds))
    assert tracking.find(parent.id, uri).status == "FINISHED"
