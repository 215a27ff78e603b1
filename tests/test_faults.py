"""What a run meets besides bad input: a full disk, folders that cannot be written, many others at the same database."""

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from zoo import compose, tracking
from zoo.config import BadInput
from zoo.run import run
from zoo.training.checkpoint_files import CheckpointFolder

ROOT = Path(__file__).resolve().parents[1]
FILL = '''
import os, resource, signal
import keras

class Fill(keras.callbacks.Callback):
    """From the third epoch on, no file may grow beyond what the database needs: a checkpoint does not fit."""

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            size = os.path.getsize("mlflow.db") + 200_000
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
'''
FULL_MEMORY = """
import resource, sys
from zoo import quiet
from zoo.command.main import main

quiet.import_tensorflow()
import tensorflow as tf
tf.ones([2]) + tf.ones([2])  # all threads are there
used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize")) * 1024
resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, used + 2**30))
sys.argv = ["train.py", *sys.argv[1:]]
sys.exit(main())
"""
RECORD = """
import sys
from zoo import tracking
from zoo.config import Tracking

store = tracking.connect(Tracking(name="mlflow", uri=sys.argv[1]), "many")
for number in range(int(sys.argv[2])):
    run = store.start(f"run {number}")
    run.log_params({"seed": number})
    run.set_tags({"outcome": "completed"})
    for step in range(20):
        run.log_metrics({"loss": step / 7, "accuracy": step / 20}, step)
    run.finish("FINISHED")
"""


def python(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    names = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder / 'mlflow.db'}",
        "PYTHONPATH": f"{ROOT}:{folder}",
        **environment,
    }
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, **names},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.mark.slow
def test_a_full_disk_ends_a_run_as_failed_and_leaves_checkpoints_and_database_whole(tmp_path, data_dir):
    (tmp_path / "full_disk.py").write_text(FILL)
    words = ["model=mnist_fcn", "data=digits", "model.hidden=[2048]", "epochs=6", "callbacks=[full_disk.Fill]"]
    ended = python(str(ROOT / "train.py"), *words, folder=tmp_path, ZOO_DATA_DIR=str(data_dir))
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "--- Logging error ---" not in ended.stderr
    run = tracking.find("last", f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert (run.status, run.tags["outcome"]) == ("FAILED", "error")
    assert "File too large" in run.tags["reason"]
    assert CheckpointFolder(run.artifact_folder / "checkpoints").load().meta["epoch"] >= 1
    assert not list((run.artifact_folder / "checkpoints").glob("*.new"))
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)

    again = python(str(ROOT / "train.py"), "resume=last", "callbacks=[]", folder=tmp_path, ZOO_DATA_DIR=str(data_dir))
    assert again.returncode == 0, again.stdout + again.stderr
    assert tracking.find(run.id, run.uri).status == "FINISHED"


@pytest.mark.parametrize("each", [pytest.param(6, marks=pytest.mark.slow), pytest.param(50, marks=pytest.mark.full)])
def test_eight_processes_record_runs_at_once_and_nothing_is_lost(each, tmp_path):
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    with ThreadPoolExecutor(8) as pool:
        ended = list(pool.map(lambda _: python("-c", RECORD, uri, str(each), folder=tmp_path), range(8)))
    assert [one.returncode for one in ended] == [0] * 8, [one.stderr[-500:] for one in ended]
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        [runs] = database.execute("SELECT COUNT(*) FROM runs WHERE status = 'FINISHED'").fetchone()
        [points] = database.execute("SELECT COUNT(*) FROM metrics").fetchone()
        [distinct] = database.execute(
            "SELECT COUNT(*) FROM (SELECT DISTINCT run_uuid, key, step FROM metrics)"
        ).fetchone()
    assert (runs, points, distinct) == (8 * each, 8 * each * 40, 8 * each * 40)


@pytest.mark.slow
def test_artifacts_that_cannot_be_written_are_said_and_do_not_leave_a_finished_run(tmp_path, data_dir):
    (tmp_path / "mlruns").write_text("a file where the folder of all artifacts should be")
    ended = python(str(ROOT / "train.py"), "model=linear", "epochs=3", folder=tmp_path, ZOO_DATA_DIR=str(data_dir))
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "mlruns" in ended.stdout
    run = tracking.find("last", f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert (run.status, run.tags["outcome"]) == ("FAILED", "error")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Memory is limited in the way of Linux")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["model.hidden=[2000000]", "data=digits"], 2),  # the weights do not
        (["model.hidden=[200000]", "data=digits", "batch_size=1024", "loop=fit", "loop.jit=false"], 1),  # a step
    ],
    ids=["weights", "step"],
)
def test_a_full_memory_is_told_with_the_batch_size_that_was_tried_and_what_to_try(words, code, tmp_path, data_dir):
    words = ["model=mnist_fcn", "optimizer=sgd", "epochs=1", *words]
    ended = python("-c", FULL_MEMORY, *words, folder=tmp_path, ZOO_DATA_DIR=str(data_dir), TF_ENABLE_ONEDNN_OPTS="0")
    assert ended.returncode == code, ended.stdout[-2000:] + ended.stderr[-2000:]
    size = 1024 if code == 1 else 64
    sentence = f"Out of memory: mnist_fcn with batch_size={size} does not fit. Try batch_size={size // 2}"
    if code == 2:
        assert sentence in ended.stderr
        assert "Traceback" not in ended.stderr
        return
    run = tracking.find("last", f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert (run.status, run.tags["outcome"]) == ("FAILED", "error")
    assert sentence in run.tags["reason"]
    assert "traceback.txt" in run.artifacts()


def test_a_training_that_cannot_fit_is_refused_before_it_begins(monkeypatch):
    words = ["data=digits", "model.hidden=[4096]", "batch_size=full", "tracking=off"]
    memory, swap = psutil.virtual_memory()._replace(available=10_000_000), psutil.swap_memory()._replace(free=0)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    monkeypatch.setattr(psutil, "swap_memory", lambda: swap)
    with pytest.raises(BadInput, match=r"batch_size=full does not fit\. Try a batch_size of some hundreds"):
        run(compose(*words), console=Console(quiet=True))
