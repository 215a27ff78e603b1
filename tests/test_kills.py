"""Runs that are killed by SIGKILL, real processes each, and go on: they end with the bits of one that never was."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.tracking.mlflow_server import MlflowServer
from zoo import tracking

ROOT = Path(__file__).resolve().parents[1]
MODELS = {
    "mnist_fcn": ["model=mnist_fcn", "data=digits", "model.hidden=[32]", "model.dropout=0.2", "epochs=12"],
    "lstm": ["model=lstm", "data=text", "model.embedding=8", "model.units=16", "model.dropout=0.2",
             "data.sequence_length=10", "batch_size=8", "epochs=4", "checkpoint.seconds=0.001"],
}  # fmt: skip
TIMED = ("_seconds", "_per_second")


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    folder = tmp_path_factory.mktemp("text")
    rng = random.Random(0)
    for name, count in (("train", 6000), ("valid", 600), ("test", 600)):
        words = rng.choices(["in", "the", "beginning", "was", "a", "word", "and", "more"], k=count)
        (folder / f"{name}.txt").write_text(" ".join(words))
    return [f"data.{name}={folder / name}.txt" for name in ("train", "valid", "test")]


class Runs:
    """Processes that record in one folder."""

    def __init__(self, folder: Path, data_dir: Path):
        self.folder = folder
        folder.mkdir()
        self.uri = f"sqlite:///{folder / 'mlflow.db'}"
        names = {"MLFLOW_TRACKING_URI": self.uri, "ZOO_DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT)}
        self._environment = {**os.environ, **names, "TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}

    def serve(self, url: str) -> None:
        """Record at a server from now on."""
        self.uri = self._environment["MLFLOW_TRACKING_URI"] = url
        self._environment["ZOO_SPOOL_DIR"] = str(self.folder / "spool")

    def start(self, where: str, count: int, *words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.dying", where, str(count), *words]
        with (self.folder / "output.txt").open("a") as output:
            return subprocess.Popen(command, cwd=self.folder, env=self._environment, stdout=output, stderr=output)

    def run(self, where: str, count: int, *words: str) -> int:
        return self.start(where, count, *words).wait(240)

    def output(self) -> str:
        return (self.folder / "output.txt").read_text()

    def last(self) -> tracking.StoredRun:
        return tracking.find("last", self.uri)


@pytest.fixture
def runs(tmp_path, data_dir):
    return lambda name: Runs(tmp_path / name, data_dir)


def weights(run: tracking.StoredRun) -> bytes:
    with zipfile.ZipFile(run.download("model.keras")) as model:
        return model.read("model.weights.h5")


def state(run: tracking.StoredRun) -> dict[str, np.ndarray]:
    newest = max(run.download("checkpoints").glob("last-*.npz"))
    with np.load(newest) as arrays:
        return {name: arrays[name] for name in arrays.files if name.startswith(("state/", "random/"))}


def assert_same(one: tracking.StoredRun, other: tracking.StoredRun) -> None:
    assert one.status == other.status == "FINISHED"
    assert [one.tags[key] for key in ("outcome", "reason")] == [other.tags[key] for key in ("outcome", "reason")]
    assert one.params == other.params
    assert set(one.metrics) == set(other.metrics)
    for name in one.metrics:
        mine, theirs = one.history(name), other.history(name)
        assert [step for step, _ in mine] == [step for step, _ in theirs], name
        if not name.endswith(TIMED):
            assert repr(mine) == repr(theirs), name
    assert weights(one) == weights(other)
    mine, theirs = state(one), state(other)
    assert list(mine) == list(theirs)
    for name, values in mine.items():
        np.testing.assert_array_equal(values, theirs[name])
    assert sorted(one.artifacts()) == sorted(other.artifacts())


@pytest.mark.slow
@pytest.mark.parametrize(("model", "loop"), [("mnist_fcn", "tape"), ("mnist_fcn", "fit"), ("lstm", "tape")])
def test_a_run_that_is_killed_within_writes_and_between_steps_ends_with_the_same_bits(model, loop, text, runs):
    words = [*MODELS[model], *(text if model == "lstm" else []), f"loop={loop}"]
    whole, killed = runs("whole"), runs("killed")
    assert whole.run("never", 0, *words) == 0, whole.output()
    moments = [("step", 3), ("checkpoint", 4), ("mlflow", 12)]
    for index, (where, count) in enumerate(moments):
        said = words if index == 0 else ["resume=last"]
        assert killed.run(where, count, *said) == -signal.SIGKILL, killed.output()
    assert killed.run("never", 0, "resume=last") == 0, killed.output()
    assert_same(killed.last(), whole.last())


@pytest.mark.slow
@pytest.mark.xdist_group("mlflow-server")
def test_a_run_whose_machine_is_gone_goes_on_elsewhere_from_what_its_server_holds(runs, tmp_path):
    server = MlflowServer(tmp_path)
    server.start()
    words = [*MODELS["mnist_fcn"], "epochs=40", "checkpoint.seconds=0.1"]
    try:
        whole, killed, elsewhere = runs("whole"), runs("killed"), runs("elsewhere")
        for one in (killed, elsewhere):
            one.serve(server.url)
        assert whole.run("never", 0, *words) == 0, whole.output()
        assert killed.run("mirrored", 2, *words) == -signal.SIGKILL, killed.output()
        shutil.rmtree(killed.folder)
        held = killed.last().artifacts("checkpoints")
        assert 1 <= sum("last-" in name for name in held) <= 2
        assert elsewhere.run("never", 0, "resume=last") == 0, elsewhere.output()
        assert elsewhere.last().id == killed.last().id
        assert_same(elsewhere.last(), whole.last())
    finally:
        server.stop()


@pytest.mark.full
@pytest.mark.parametrize("model", MODELS)
def test_a_run_that_is_killed_at_twenty_random_moments_ends_with_the_same_bits(model, text, runs):
    longer = {"mnist_fcn": ["data=mnist", "model.hidden=[256]", "epochs=60"], "lstm": ["epochs=40"]}
    words = [*(word for word in MODELS[model] if not word.startswith(("data=digits", "epochs"))), *longer[model]]
    words += text if model == "lstm" else []
    whole, killed = runs("whole"), runs("killed")
    began = time.monotonic()
    assert whole.run("never", 0, *words) == 0, whole.output()
    seconds, rng, kills = time.monotonic() - began, random.Random(0), 0
    moments = [("checkpoint", 3), ("mlflow", 14), ("checkpoint", 2), ("mlflow", 9)]
    while kills < 20:
        where, count = moments.pop() if moments else ("never", 0)
        process = killed.start(where, count, *(["resume=last"] if kills else words))
        try:
            process.wait(rng.uniform(4, 4 + seconds / 6))
        except subprocess.TimeoutExpired:
            process.kill()
        code = process.wait(60)
        if code == 0:
            pytest.fail(f"It ended after {kills} kills: {killed.output()[-2000:]}")
        database = killed.folder / "mlflow.db"
        begun = database.exists() and "Run " in killed.output()
        kills += begun
    assert killed.run("never", 0, "resume=last") == 0, killed.output()
    assert_same(killed.last(), whole.last())
