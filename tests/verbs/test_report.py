"""`python -m zoo report` as a user types it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zoo import tracking, verbs
from zoo.config import BadInput, Tracking

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with two small sweeps, and a run that is none."""
    folder = tmp_path_factory.mktemp("store")
    opened = tracking.connect(Tracking(name="mlflow", uri=f"sqlite:///{folder}/mlflow.db"), "xor_mlp")
    sweeps = []
    for best in ("adam", "sgd"):
        parent = opened.start(f"sweep for {best}")
        parent.set_tags({"sweep": "true"})
        for optimizer in ("adam", "sgd"):
            for seed in range(2):
                run = opened.start(f"{optimizer} {seed}", parent.id)
                run.log_params({"seed": seed, "optimizer.name": optimizer})
                own = {"model": "xor_mlp", "outcome": "completed", "monitored": "val_loss"}
                run.set_tags({**own, "choice": f'{{"optimizer": "{optimizer}"}}', "asked_for": best})
                run.log_metrics({"best_val_loss": (0.1 if optimizer == best else 0.5) + seed / 100}, 4)
                run.finish("FINISHED")
        parent.finish("FINISHED")
        sweeps.append(parent.id)
        time.sleep(0.002)  # MLflow's clock counts milliseconds
    return opened.uri, sweeps


def zoo(*words, cwd, uri):
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri, "COLUMNS": "80", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "zoo", "report", *words]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_a_sweep_is_reported_by_its_id_without_tensorflow(store, tmp_path):
    uri, (first, _) = store
    code = (
        "import sys; sys.argv[0] = 'zoo'; from zoo.verbs import main; code = main(); "
        "sys.exit(code or 100 * ('tensorflow' in sys.modules))"
    )
    environment = {**os.environ, "MLFLOW_TRACKING_URI": uri, "COLUMNS": "80"}
    words = ["report", f"sweep={first[:8]}"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "adam is best: median val_loss 0.105 over 2 seeds" in " ".join(done.stdout.split())
    folder = tmp_path / "outputs" / f"report-{first[:8]}"
    assert {"report.html", "leaderboard.csv", "spread.png", "spread.svg"} <= {path.name for path in folder.iterdir()}


def said(capsys):
    return " ".join(capsys.readouterr().out.split())


def test_last_is_the_newest_sweep(store, tmp_path, capsys):
    uri, _ = store
    assert verbs.run("report", "last", f"folder={tmp_path}/last", f"tracking.uri={uri}") == 0
    assert "sgd is best" in said(capsys)
    assert (tmp_path / "last" / "report.html").is_file()


def test_several_sweeps_are_reported_as_one(store, tmp_path, capsys):
    uri, (first, second) = store
    assert verbs.run("report", f"sweep={first},{second[:10]}", f"folder={tmp_path}", f"tracking.uri={uri}") == 0
    assert "sweep for adam and sweep for sgd" in (tmp_path / "report.html").read_text()
    assert "repeat another one" in said(capsys)


def test_a_filter_reports_on_any_runs(store, tmp_path, capsys):
    uri, _ = store
    assert verbs.run("report", "filter=tags.asked_for = 'adam'", f"folder={tmp_path}", f"tracking.uri={uri}") == 0
    assert "adam is best" in said(capsys)


def test_the_answer_is_put_on_the_sweeps_run_only_when_asked_for(store, tmp_path):
    uri, (first, _) = store
    verbs.run("report", f"sweep={first}", f"folder={tmp_path}", f"tracking.uri={uri}")
    assert tracking.find(first, uri).artifacts() == []
    verbs.run("report", f"sweep={first}", f"folder={tmp_path}", f"tracking.uri={uri}", "record=true")
    assert tracking.find(first, uri).artifacts() == ["report", "report.html"]
    assert tracking.find(first, uri).tags["best_choice"] == "adam"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "Say what to report on: last, sweep=ID, or filter"),
        (["sweep=last", "filter=x"], "Say what to report on"),
        (["sweeps=abc"], "Unknown word 'sweeps=abc'. Did you mean 'sweep'"),
        (["sweep="], "sweep needs a value"),
        (["sweep=,"], "sweep needs an id"),
        (["sweep=abcdef", "sweep=fedcba"], "sweep is given twice"),
        (["sweep=abcdef0"], "No run 'abcdef0' in"),
        (["last", "record=yes"], "record should be true or false. Received: record=yes"),
        (["filter=a", "record=true"], "record=true puts the answer on the run of one sweep"),
        (["last", f"folder={__file__}"], "folder should be a folder"),
    ],
)
def test_a_mistake_is_refused_in_words(words, says, store):
    with pytest.raises(BadInput) as caught:
        verbs.run("report", *words, f"tracking.uri={store[0]}")
    assert says in str(caught.value)


@pytest.mark.slow
def test_a_mistake_ends_with_exit_code_2_and_one_paragraph(store, tmp_path):
    for word in ("sweep=abcdef0", "swep=last"):
        done = zoo(word, cwd=tmp_path, uri=store[0])
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("zoo: ")
        assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_newest_sweep_of_a_store_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInput, match="No sweep is recorded in"):
        verbs.run("report", "last", f"tracking.uri=sqlite:///{tmp_path}/none.db")
    assert list(tmp_path.iterdir()) == []


def test_help_tells_the_words(capsys):
    assert verbs.run("report", "--help") == 0
    told = capsys.readouterr().out
    assert [word for word in ("sweep=ID", "filter=", "folder=", "record=true", "last") if word not in told] == []
