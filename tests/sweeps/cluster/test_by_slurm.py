"""Sweeps by submitit, with its executor for one machine: real processes, one of which is killed."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from zoo import tracking
from zoo.config import BadInput
from zoo.start.launcher import Slurm

pytest.importorskip("submitit", reason="submitit is not installed")


def _pid_of_a_running_child(store):
    """Wait for a run of the newest sweep to be at work, and return the id of its process."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        time.sleep(0.1)
        try:
            children = tracking.children([tracking.newest_sweep(store)], store, or_none=True)
        except BadInput:  # nothing is recorded yet
            continue
        if running := [child for child in children if child.status == "RUNNING"]:
            return json.loads(running[0].tags["process"])["pid"]
    raise AssertionError("no run was begun")


@pytest.mark.slow
def test_what_a_killed_job_has_not_finished_is_made_once_by_another_with_the_same_bits(sweep, store, numbers):
    words = ["model=mnist_fcn", "data=digits", "epochs=60", "seed=0,1", "sweep.vectorize=false"]
    launcher = Slurm(name="slurm", cluster="local", runs_per_task=2)
    killer = threading.Thread(target=lambda: os.kill(_pid_of_a_running_child(store), signal.SIGKILL))
    killer.start()
    swept, parent, children, log = sweep(*words, launcher=launcher, folder="there")
    killer.join()
    assert swept.exit_code == 0
    assert "is given out again" in log
    assert parent.status == "FINISHED"
    assert [child.status for child in children if child.tags["outcome"] == "interrupted"] == ["KILLED"]

    _, _, here, _ = sweep(*words, folder="here")
    assert numbers(children) == numbers(here)


@pytest.mark.slow
def test_jobs_that_are_lost_time_and_again_leave_failed_runs_and_an_answer(sweep, store, tmp_path):
    module = tmp_path / "fatal.py"
    module.write_text(
        "import keras, os\n\n\nclass Fatal(keras.callbacks.Callback):\n"
        "    def on_train_begin(self, logs=None):\n        os.kill(os.getpid(), 9)\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        swept, parent, children, _ = sweep(
            "model=xor_mlp", "epochs=3", "callbacks=[],[fatal.Fatal]",
            launcher=Slurm(name="slurm", cluster="local", retries=1),
        )  # fmt: skip
    finally:
        sys.path.remove(str(tmp_path))
    assert swept.exit_code == 1
    assert parent.status == "FAILED"
    outcomes = sorted(child.tags["outcome"] for child in children)
    assert outcomes == ["completed", "error", "interrupted", "interrupted"]
    failed = next(child for child in children if child.tags["outcome"] == "error")
    assert "lost 2 times" in failed.tags["reason"]


@pytest.mark.slow
def test_an_interrupted_sweep_ends_its_jobs_and_says_how_to_go_on(store, tmp_path, data_dir):
    train = [sys.executable, str(Path(__file__).parents[3] / "train.py")]
    process = subprocess.Popen(
        [
            *train, "-m", "model=mnist_fcn", "data=digits", "epochs=100000", "seed=range(3)", "sweep.vectorize=false",
            "hydra/launcher=slurm", "hydra.launcher.cluster=local",
        ],
        cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    pid = _pid_of_a_running_child(store)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 130, out
    parent = tracking.find(tracking.newest_sweep(store), store)
    assert parent.status == "KILLED"
    assert f"sweep.resume={parent.id}" in out
    assert "hydra/launcher=slurm" in out.partition("To go on")[2]
    assert "Traceback" not in out
    children = tracking.children([parent.id], store)
    assert {child.tags.get("outcome") for child in children} == {"interrupted"}
    assert not Path(f"/proc/{pid}").exists()


def test_without_slurm_the_sweep_is_refused_before_anything_is_recorded(sweep, store, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BadInput, match="sbatch is not found"):
        sweep("model=xor_mlp", "seed=0,1", launcher=Slurm(name="slurm"))
    with pytest.raises(BadInput, match="No sweep is recorded"):
        tracking.newest_sweep(store)
