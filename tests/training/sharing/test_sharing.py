"""Steps that are shared out: real processes on loopback, and virtual devices of the CPU."""

import itertools
import json
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

import zoo
from tests.training.sharing.processes import ENOUGH, Group, alone, started
from zoo import verbs
from zoo.training.checkpoint_files import CheckpointFolder

DIGITS = ("data=digits", "batch_size=50", "epochs=3", "seed=3")  # 1,294 rows: the last batch is smaller, and odd parts
WORDS = (
    "model=lstm", "data=text", "data.train=text.txt", "batch_size=6", "data.sequence_length=9", "model.units=12",
    "model.embedding=8", "model.layers=2", "optimizer=adam", "epochs=4",
)  # fmt: skip


@pytest.fixture
def place(tmp_path, data_dir, monkeypatch):
    """A folder with a text and a tracking database of its own."""
    rng = np.random.default_rng(0)
    sentences = [" ".join(rng.choice(["in", "the", "end", "was", "a", "word", "of", "light"], 9)) for _ in range(600)]
    (tmp_path / "text.txt").write_text(".\n".join(sentences), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    return tmp_path


def runs(place):
    client = MlflowClient(f"sqlite:///{place / 'mlflow.db'}")
    experiments = [one.experiment_id for one in client.search_experiments()]
    return client.search_runs(experiments, order_by=["attributes.start_time"])


def state(run):
    """Return all that the training's last checkpoint holds but for how long things took."""
    found = CheckpointFolder(Path(run.data.tags["folder"]) / "checkpoints").load()
    found = found or CheckpointFolder(Path(run.info.artifact_uri.removeprefix("file://")) / "checkpoints").load()
    return {name: values for name, values in found.arrays.items() if not name.endswith(("_seconds", "_per_second"))}


def farthest(one, other):
    """Return how far two trainings have ended from each other, in any weight or variable of the optimizer."""
    states = [[found[name] for name in sorted(found) if name.startswith("state/")] for found in (one, other)]
    # Behind them stand recurrent states, of which each device has its own.
    same = list(itertools.takewhile(lambda pair: pair[0].shape == pair[1].shape, zip(*states, strict=False)))
    assert len(same) >= 9
    return max(float(np.abs(one.astype(float) - other.astype(float)).max()) for one, other in same)


@pytest.mark.parametrize("loop", ["tape", "fit"])
@pytest.mark.parametrize("words", [DIGITS, (*WORDS, "model.dropout=0")], ids=["mnist_fcn", "lstm"])
def test_two_processes_end_where_one_does(place, words, loop):
    with Group((*words, f"loop={loop}")) as group:
        codes, printed = group.ended()
    assert codes == [0, 0], printed
    zoo.train(*words, f"loop={loop}")
    together, single = runs(place)  # the second process records nothing
    assert together.info.status == single.info.status == "FINISHED"
    one, other = state(together), state(single)
    assert farthest(one, other) < 1e-5
    assert all(np.allclose(one[name], other[name], rtol=1e-5) for name in one if name.startswith("history/"))
    assert together.data.metrics["test_loss"] == pytest.approx(single.data.metrics["test_loss"], rel=1e-5)
    assert re.search(r"epoch +3/", printed[1])
    assert verbs.run("evaluate", together.info.run_id, f"folder={place / 'seen'}") == 0
    evaluated = MlflowClient().get_run(together.info.run_id).data.metrics
    assert evaluated["eval_test_loss"] == together.data.metrics["test_loss"]


@pytest.mark.parametrize("loop", ["tape", "fit"])
def test_three_processes_share_batches_that_do_not_divide(place, loop):
    words = (*DIGITS, f"loop={loop}", "data.limit=1052")  # a last batch of two rows, where one process has none
    group = Group(words, count=3)
    with group:
        codes, printed = group.ended()
    assert codes == [0, 0, 0], printed
    zoo.train(*words)
    assert farthest(*map(state, runs(place))) < 1e-5


def test_short_epochs_are_shared_to_the_same_end(place):
    """Alone they would run several to a call, as many as take a quarter of a second."""
    words = (*DIGITS, "model.hidden=[16]", "epochs=90", "stop.metric=loss", "stop.value=0.5")
    with Group(words) as group:
        codes, printed = group.ended()
    assert codes == [0, 0], printed
    zoo.train(*words)
    together, single = runs(place)
    assert together.data.tags["reason"] == single.data.tags["reason"]
    for name in ("loss", "val_loss", "test_loss", "best_epoch"):
        assert together.data.metrics[name] == pytest.approx(single.data.metrics[name], rel=1e-4)


def test_text_in_files_is_shared_as_it_is_from_memory(place):
    for streaming in ("false", "true"):
        with Group((*WORDS, f"data.streaming={streaming}")) as group:
            codes, printed = group.ended()
        assert codes == [0, 0], printed
    one, other = map(state, runs(place))
    assert [name for name in one if not np.array_equal(one[name], other[name], equal_nan=True)] == []


@pytest.mark.parametrize("killed", [0, 1], ids=["the chief", "a worker"])
def test_a_killed_process_ends_the_run_which_then_goes_on_exactly(place, killed):
    words = (*WORDS, "model.dropout=0.3", "epochs=20", "checkpoint.seconds=0.01")
    with Group(words) as group:
        group.until("^epoch +[2-9]")
        group.processes[killed].kill()
        began = time.monotonic()
        codes, printed = group.ended()
        assert time.monotonic() - began < 60
    name = ["The chief", "Worker 1"][killed]
    assert (codes[1 - killed], codes[killed]) == (1, -signal.SIGKILL)
    assert re.search(rf"{name} \(127\.0\.0\.1:\d+\) is gone", printed[1 - killed])
    (ended,) = runs(place)
    if killed:  # else nobody is left to say so but `zoo doctor`
        assert (ended.info.status, ended.data.tags["outcome"]) == ("FAILED", "error")
        assert "is gone" in ended.data.tags["reason"]

    with Group((f"resume={ended.info.run_id}",)) as group:
        codes, printed = group.ended()
    assert codes == [0, 0], printed
    with Group(words) as group:
        assert group.ended()[0] == [0, 0]
    resumed, straight = map(state, runs(place))
    assert resumed.keys() == straight.keys()
    assert [name for name in resumed if not np.array_equal(resumed[name], straight[name], equal_nan=True)] == []


@pytest.mark.parametrize("killed", [0, 1], ids=["the chief", "a worker"])
def test_a_process_that_is_killed_before_tensorflow_has_connected_them_ends_the_other(place, killed):
    with Group(DIGITS) as group:
        group.until("processes have come")  # they load data and TensorFlow next
        group.processes[killed].kill()
        codes, printed = group.ended()
    name = ["The chief", "Worker 1"][killed]
    assert codes[1 - killed] in (1, 2)
    assert re.search(rf"{name} \(127\.0\.0\.1:\d+\) is gone", printed[1 - killed])
    assert runs(place) == []


def test_a_process_that_has_other_data_is_named(place):
    class Other(Group):
        def words_of(self, index):
            (place / f"{index}").mkdir()
            (place / f"{index}" / "text.txt").write_text(f"it was process {index}\n" * 500, encoding="utf-8")
            return (*self.words, f"data_dir={place / str(index)}")

        def folder_of(self, index):
            return place / str(index)

    with Other(WORDS) as group:
        codes, printed = group.ended()
    assert codes == [2, 2], printed
    assert all(re.search(r"worker 1 .* has data=\w+ where the chief has \w+", one) for one in printed)
    assert runs(place) == []


def test_two_trainings_of_one_process_are_shared(place):
    """As in a notebook: TensorFlow connects the processes once."""
    (place / "twice.py").write_text(
        "import zoo\n"
        f"for seed in (1, 2): zoo.train(*{DIGITS!r}, 'strategy=multiworker', f'seed={{seed}}')\n",
        encoding="utf-8",
    )  # fmt: skip

    with Group((), program=str(place / "twice.py")) as group:
        codes, printed = group.ended()
    assert codes == [0, 0], printed
    assert [run.info.status for run in runs(place)] == ["FINISHED", "FINISHED"]


@pytest.mark.parametrize("asked", [0, 1])
def test_all_processes_end_where_one_is_asked_to(place, asked):
    with Group((*DIGITS, "epochs=2000")) as group:
        group.until("^epoch ")
        group.processes[asked].send_signal(signal.SIGTERM)
        codes, printed = group.ended()
    assert codes == [143, 143], printed
    (run,) = runs(place)
    assert (run.info.status, run.data.tags["reason"]) == ("KILLED", "Interrupted by SIGTERM.")
    assert len(state(run)) > 5


@pytest.mark.parametrize(
    ("words", "loop"), [(DIGITS, "fit"), ((*WORDS, "model.dropout=0"), "tape")], ids=["mnist_fcn", "lstm"]
)
def test_two_devices_end_where_one_does(place, words, loop):
    code, printed = alone(*words, f"loop={loop}", "strategy=mirrored", "strategy.devices=2")
    assert code == 0, printed
    zoo.train(*words, f"loop={loop}")
    assert farthest(*map(state, runs(place))) < 1e-5


def test_processes_that_were_asked_for_other_things_are_refused_and_nothing_is_recorded(place):
    class Other(Group):
        def words_of(self, index):
            return (*self.words, f"optimizer.learning_rate={0.1 / (index + 1)}")

    with Other(DIGITS) as group:
        codes, printed = group.ended()
    assert codes == [2, 2], printed
    assert all("optimizer.learning_rate=0.05 where the chief has 0.1" in one for one in printed)
    assert runs(place) == []


def test_a_process_that_does_not_come_is_named(place):
    config = {"cluster": {"worker": ["127.0.0.1:45999", "127.0.0.1:45998"]}, "task": {"type": "worker", "index": 0}}
    with started("data=digits", "strategy=multiworker", "strategy.wait=1", TF_CONFIG=json.dumps(config)) as process:
        printed, _ = process.communicate(timeout=ENOUGH)
    assert process.returncode == 2
    assert "worker 1 (127.0.0.1:45998) did not come within 1 s" in printed
    assert runs(place) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["strategy=mirrored"], "strategy.devices=2 makes two virtual devices"),
        (["strategy=mirrored", "strategy.devices=1"], "at least 2"),
        (["strategy=multiworker"], "TF_CONFIG, and it is not set"),
        (["strategy=mirrored", "strategy.devices=2", "model.batch_normalization=true"], "normalization by the batch"),
        (["strategy=mirrored", "strategy.devices=2", "loop.jit=true"], "loop.jit=true"),
        (["strategy=mirrored", "strategy.devices=60"], "batch_size=50 is too small"),
    ],
)
def test_what_cannot_be_shared_is_refused(place, words, said):
    code, printed = alone(*DIGITS, *words)
    assert (code, said in printed) == (2, True), printed
    assert runs(place) == []
