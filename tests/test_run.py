"""The life of a run: what it records, what it keeps, how it ends, and that what it kept loads again."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml
from rich.console import Console

import zoo
from zoo import compose, tracking
from zoo.config import BadInput
from zoo.run import run

PNG = b"\x89PNG"
SMALL_LSTM = ["model=lstm", "model.units=16", "model.embedding=8", "model.vocab_size=200", "data.limit=3000"]
SMALL_LSTM += ["data.sequence_length=7", "batch_size=8", "epochs=2"]


@pytest.fixture
def store(tmp_path, data_dir, monkeypatch):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.chdir(tmp_path)
    return uri


def tracked(*overrides, folder):
    result = run(compose(*overrides), folder=folder, console=Console(quiet=True))
    return result, tracking.find(result.run_id)


@pytest.mark.parametrize("loop", ["fit", "tape"])
def test_a_run_records_choices_metrics_data_and_code(loop, store, tmp_path):
    words = ["model=mnist_fcn", "data=digits", f"loop={loop}", "epochs=3", "seed=4", "schedule=cosine"]
    result, record = tracked(*words, folder=tmp_path / "files")
    assert (result.outcome, result.exit_code, record.status) == ("completed", 0, "FINISHED")
    assert record.params["optimizer.learning_rate"] == "0.001"
    assert record.params["model.hidden"] == "[256]"
    assert record.params["parameters"] == str(64 * 256 + 256 + 2570)
    for tag, value in {"model": "mnist_fcn", "data": "digits", "loop": loop, "seed": "4", "schedule": "cosine"}.items():
        assert record.tags[tag] == value
    assert record.tags["outcome"] == "completed"
    names = ["loss", "val_loss", "accuracy", "val_accuracy", "learning_rate", "epoch", "epoch_seconds"]
    for name in [*names, "examples_per_second"]:
        history = record.history(name)
        assert [step for step, _ in history] == [21, 42, 63]
        np.testing.assert_allclose([value for _, value in history], result.history[name], rtol=1e-6)
    assert record.metrics["best_val_accuracy"] == max(result.history["val_accuracy"])
    assert record.metrics["test_accuracy"] > 0.7
    assert record.metrics["test_loss"] == result.metrics["test_loss"]
    assert result.target == record.metrics["best_val_accuracy"]
    config = yaml.safe_load(record.download("config.yaml").read_text())
    assert config["seed"] == 4
    assert yaml.safe_load(record.download("overrides.yaml").read_text()) == words
    versions = json.loads(record.download("environment.json").read_text())
    assert {"tensorflow", "keras", "mlflow", "hydra-core", "python"} <= set(versions)
    assert "All 3 epochs were trained." in record.download("run.log").read_text()


def test_a_run_keeps_pictures_and_reports_of_a_classifier(store, tmp_path):
    _, record = tracked("data=digits", "epochs=2", folder=tmp_path / "files")
    for name in ("learning_curves.png", "gradient_norms.png", "confusion_matrix.png"):
        assert record.download(name).read_bytes().startswith(PNG)
    with record.download("confusion_matrix.csv").open() as file:
        rows = list(csv.reader(file))
    assert sum(int(cell) for row in rows[1:] for cell in row) == 359
    assert "macro avg" in record.download("classification_report.txt").read_text()
    with record.download("history.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 2


def test_xor_leaves_its_decision_boundary_weights_and_predictions(store, tmp_path):
    result, record = tracked(
        "model=xor_mlp", "optimizer=rprop", "batch_size=full", "epochs=300", "seed=2", folder=tmp_path / "files"
    )
    assert record.download("decision_boundary.png").read_bytes().startswith(PNG)
    with record.download("predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == ["0", "1", "1", "0"]
    solved = all(row["result"] == "right" for row in rows)
    assert record.metrics["solved"] == result.metrics["solved"] == solved
    weights = json.loads(record.download("weights.json").read_text())
    assert [entry["name"] for entry in weights] == ["hidden_1/kernel", "hidden_1/bias", "output/kernel", "output/bias"]


def test_a_language_model_leaves_a_sample_and_its_vocabulary(store, tmp_path):
    result, record = tracked(*SMALL_LSTM, folder=tmp_path / "files")
    assert len(record.download("sample.txt").read_text().split()) > 50
    np.testing.assert_allclose(result.metrics["test_perplexity"], np.exp(result.metrics["test_loss"]), rtol=1e-6)
    loaded = zoo.load(result.run_id)
    assert len(loaded.vocabulary) == 200
    ids = loaded.vocabulary.encode("in the beginning god created the heaven")
    for batch in (1, 5):
        assert loaded.model(np.tile(ids, (batch, 1))).shape == (batch, len(ids), 200)


@pytest.mark.parametrize("model", ["lstm", "feedback"])
def test_a_run_on_sequences_says_how_far_back_its_gradient_reaches_and_what_a_constant_costs(model, store, tmp_path):
    width = "model.hidden=[8]" if model == "feedback" else "model.units=8"
    words = [f"model={model}", width, "data=adding", "data.samples=400", "data.length=12", "batch_size=32", "epochs=2"]
    result, record = tracked(*words, folder=tmp_path / "files")
    assert record.params["model.output"] == "values"
    for name in ("gradient_by_time.png", "learning_curves.png"):
        assert record.download(name).read_bytes().startswith(PNG)
    assert "<svg" in record.download("gradient_by_time.svg").read_text()
    with record.download("gradient_by_time.csv").open() as file:
        rows = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
    assert len(rows) == 12
    for place, when in ((1, "before"), (2, "after")):
        np.testing.assert_allclose(record.metrics[f"gradient_reach_{when}"], rows[0][place] / rows[-1][place])
    with record.download("predictions.csv").open() as file:
        found = [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]
    value, predicted, _ = np.array(found).T
    np.testing.assert_allclose(record.metrics["test_loss"], np.mean((predicted - value) ** 2), rtol=1e-4)
    assert record.metrics["test_constant_mse"] == pytest.approx(np.var(value), rel=0.1)
    x = np.random.default_rng(0).uniform(size=(2, 20, 2)).astype(np.float32)
    assert zoo.load(result.run_id).model(x).shape == (2, 1)  # longer ones than it has learnt from


def test_a_dry_run_counts_the_steps_of_a_sequence(store, capsys):
    words = ["model=gru", "data=adding", "data.samples=300", "data.validation=50", "model.units=8", "model.layers=1"]
    run(compose(*words, "dry_run=true"), console=Console(width=120, soft_wrap=True))
    shown = capsys.readouterr().out
    for part in ("[190, 50, 2]", "output: values", "Estimated time", "Estimated memory"):
        assert part in shown


def test_a_kept_model_loads_with_plain_keras_in_another_process(store, tmp_path):
    result, record = tracked("data=digits", "epochs=2", "data.augment=[shift]", folder=tmp_path / "files")
    x = np.linspace(0, 1, 3 * 64, dtype=np.float32).reshape(3, 64)
    here = np.asarray(zoo.load(result.run_id[:10]).model(x))
    code = (
        "import keras, numpy as np, sys; m = keras.saving.load_model(sys.argv[1]);"
        "x = np.linspace(0, 1, 192, dtype='float32').reshape(3, 64); print(np.asarray(m(x)).tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(record.download("model.keras"))],
        capture_output=True, text=True, check=True, env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    np.testing.assert_allclose(json.loads(done.stdout.strip().splitlines()[-1]), here, atol=1e-5)


def test_a_diverged_run_is_recorded_as_failed_with_its_reason(store, tmp_path):
    result, record = tracked("model=linear", "optimizer.learning_rate=2.0", folder=tmp_path / "files")
    assert (result.outcome, result.exit_code, record.status) == ("diverged", 3, "FAILED")
    assert "was not finite" in record.tags["reason"]


def test_an_error_is_recorded_with_its_traceback(store, tmp_path, monkeypatch):
    from zoo.training import train

    def broken(*arguments, **options):
        raise RuntimeError("out of cheese\nand more")

    monkeypatch.setattr(train, "train", broken)
    result, record = tracked("data=digits", folder=tmp_path / "files")
    assert (result.outcome, result.exit_code, record.status) == ("error", 1, "FAILED")
    assert record.tags["reason"] == "RuntimeError: out of cheese"
    assert "out of cheese" in record.download("traceback.txt").read_text()
    assert "Traceback" in record.download("run.log").read_text()


def test_untracked_runs_leave_their_files_and_no_database(store, tmp_path):
    result = run(
        compose("model=linear", "tracking=off", "epochs=3"), folder=tmp_path / "f", console=Console(quiet=True)
    )
    assert result.run_id is None
    assert (tmp_path / "f" / "model.keras").exists()
    assert not (tmp_path / "mlflow.db").exists()


def test_a_dry_run_shows_everything_and_leaves_nothing(store, tmp_path, capsys):
    result = run(compose("data=digits", "dry_run=true"), console=Console(width=120, soft_wrap=True))
    shown = capsys.readouterr().out
    for words in ("learning_rate: 0.001", "[1294, 64]", "19,210", "Estimated time", "Estimated memory", "Dry run"):
        assert words in shown
    assert result.run_id is None
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_run_id_is_an_error_in_words(store, tmp_path):
    with pytest.raises(BadInput, match="No run 'deadbeef'"):
        zoo.load("deadbeef")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_run_truthfully(number, code, store, tmp_path):
    root = tracking.root()
    process = subprocess.Popen(
        [sys.executable, str(root / "train.py"), "data=digits", "epochs=100000", "early_stopping.patience=null"],
        stdout=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("epoch"):
            break
    time.sleep(0.5)
    process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == code
    record = tracking.find("last")
    assert (record.status, record.tags["outcome"]) == ("KILLED", "interrupted")
    assert signal.Signals(number).name in record.tags["reason"]
    assert "model.keras" in record.artifacts()
    assert "interrupted" in out


SLOW_END = """
import time
import keras

class SlowEnd(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        print("stepped", flush=True)
        time.sleep(30)  # of a step that takes its time
"""


@pytest.mark.slow
def test_a_second_ctrl_c_stops_a_run_at_once(store, tmp_path):
    (tmp_path / "slow_end.py").write_text(SLOW_END)
    process = subprocess.Popen(
        [sys.executable, str(tracking.root() / "train.py"), "data=digits", "callbacks=[slow_end.SlowEnd]"],
        stdout=subprocess.PIPE, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert process.stdout is not None
    assert any("stepped" in line for line in process.stdout)
    process.send_signal(signal.SIGINT)
    time.sleep(1)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=25)
    assert process.returncode == 130
    record = tracking.find("last")
    assert (record.status, record.tags["outcome"]) == ("KILLED", "interrupted")
    assert record.tags["reason"] == "Stopped at once by a second Ctrl-C."
    assert f"resume={record.id}" in out


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows closes terminals without a signal")
def test_a_terminal_that_is_closed_ends_the_run_truthfully(store, tmp_path):
    import fcntl
    import pty
    import termios

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, str(tracking.root() / "train.py"), "data=digits", "epochs=100000"],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=tmp_path, start_new_session=True, preexec_fn=take_terminal,
        env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    try:
        seen = b""
        while b"loss" not in seen:
            seen += os.read(ours, 65536)
    finally:
        os.close(ours)
    assert process.wait(timeout=60) == 128 + signal.SIGHUP
    record = tracking.find("last")
    assert (record.status, record.tags["outcome"]) == ("KILLED", "interrupted")
    assert "model.keras" in record.artifacts()
