"""`zoo list` and `zoo show`, over a store with runs, a sweep and a run of a server."""

import json
import subprocess
import sys
import time

import pytest

from zoo import tracking, verbs
from zoo.config import BadInput, Tracking


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with three runs in two experiments, and a sweep of two."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('store')}/mlflow.db"
    ids = {}

    def record(experiment, name, metric, value, parent=None, status="FINISHED", **tags):
        run = tracking.connect(Tracking(name="mlflow", uri=uri), experiment).start(name, parent)
        run.log_params({"model.name": experiment, "data.name": "digits", "parameters": 1234})
        run.set_tags({"monitored": metric, "overrides": "model=x seed=3", "config_hash": "abc", **tags})
        test = f"test_{metric.removeprefix('val_')}"
        run.log_metrics({f"best_{metric}": value, test: value + 0.01, "best_epoch": 7, "train_seconds": 65.0}, 5)
        run.finish(status)
        ids[name] = run.id
        time.sleep(0.002)  # MLflow's clock counts milliseconds

    record("lstm", "lstm small", "val_loss", 4.5, outcome="completed", reason="All 9 epochs were trained.")
    record("mnist_fcn", "mnist_fcn wide", "val_accuracy", 0.97, outcome="interrupted", status="KILLED")
    parent = tracking.connect(Tracking(name="mlflow", uri=uri), "mnist_fcn").start("mnist_fcn: seed, 2 runs")
    parent.set_tags({"sweep": "true"})
    for seed, value in enumerate((0.91, 0.95)):
        record("mnist_fcn", f"seed={seed}", "val_accuracy", value, parent.id, outcome="completed")
    parent.set_tags({"compared_by": "val_accuracy", "sweep.best": ids["seed=1"], "answer": "seed=1 is best.",
                     "sweep.command": "python train.py -m seed=0,1"})  # fmt: skip
    parent.log_metrics({"best_value": 0.93, "best_test": 0.94, "best_run": 0.95, "best_run_test": 0.96, "runs": 2}, 0)
    parent.finish("FINISHED")
    return uri, {**ids, "sweep": parent.id}


@pytest.fixture
def said(store, capsys, monkeypatch):
    """Return what a verb prints."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store[0])
    monkeypatch.setenv("COLUMNS", "100")

    def run(*words):
        assert verbs.run(*words) == 0
        return capsys.readouterr().out

    return run


def test_the_latest_runs_are_listed_first_and_a_sweep_is_one_row(said, store):
    lines = said("list").splitlines()
    assert lines[0].split() == ["run", "name", "best", "test", "outcome", "started", "trained"]
    assert [line.split()[0] for line in lines[1:]] == [
        store[1][name][:8] for name in ("sweep", "mnist_fcn wide", "lstm small")
    ]
    assert "val_accuracy 0.9700" in lines[2]
    assert "0.9800" in lines[2]
    assert "interrupted" in lines[2]
    assert "1.1 min" in lines[2]


def test_a_list_is_narrowed_by_number_experiment_and_filter(said, store):
    assert len(said("list", "last=1").splitlines()) == 2
    assert "lstm small" in said("list", "experiment=lstm").splitlines()[1]
    assert len(said("list", "experiment=lstm").splitlines()) == 2
    with pytest.raises(BadInput, match=r"No run is recorded in experiment 'lsmt'. Did you mean 'lstm'\?"):
        said("list", "experiment=lsmt")
    found = said("list", "filter=metrics.best_val_accuracy > 0.9")
    assert "seed=0" in found
    assert "lstm" not in found


def test_the_runs_of_a_sweep_are_listed_the_best_first(said, store):
    for name in ("last", store[1]["sweep"][:9]):
        assert [line.split()[1] for line in said("list", f"sweep={name}").splitlines()] == ["name", "seed=1", "seed=0"]


def test_the_row_of_a_sweep_has_what_its_best_run_has_reached(said):
    row = said("list").splitlines()[1]
    assert "val_accuracy 0.9500  0.9600" in row


def test_what_a_sweep_list_is_narrowed_by_counts_or_is_refused(said):
    assert "seed=1" in said("list", "sweep=last", "last=1").splitlines()[1]
    assert len(said("list", "sweep=last", "last=1").splitlines()) == 2
    (_, row) = said("list", "sweep=last", "filter=metrics.best_val_accuracy < 0.92").splitlines()
    assert "seed=0" in row
    with pytest.raises(BadInput, match=r"A sweep is in one experiment. Leave out experiment=lstm, or sweep=last."):
        said("list", "sweep=last", "experiment=lstm")
    (_, row) = said("list", "experiment=lstm", "filter=attributes.status = 'FINISHED'").splitlines()
    assert "lstm small" in row
    for other in ("sweep=last", "experiment=lstm"):
        with pytest.raises(BadInput, match=r"No run of (sweep|experiment) .* fits filter"):
            said("list", other, "filter=metrics.best_val_accuracy > 2")


@pytest.mark.parametrize(
    ("columns", "heads"),
    [
        (40, "run name best"),
        (60, "run name best outcome"),
        (80, "run name best test outcome started"),
        (200, "run name best test outcome started trained"),
    ],
)
def test_a_narrow_terminal_does_without_whole_columns_and_cuts_no_number(columns, heads, said, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = said("list").splitlines()
    assert max(map(len, lines)) <= max(columns, 43)
    assert lines[0].split() == heads.split()
    assert "val_accuracy 0.9700" in lines[2]
    assert ("interrupted" in lines[2]) == ("outcome" in heads)
    assert ("mnist_fcn: seed, 2 runs" in lines[1]) == (columns == 200)
    assert ("…" in lines[1]) == (columns < 200)


def test_a_program_that_reads_a_list_gets_a_row_a_line(said, monkeypatch):
    wide = said("list").splitlines()
    monkeypatch.delenv("COLUMNS")
    assert said("list").splitlines() == wide


def test_machines_get_all_that_is_recorded(said, store):
    found = json.loads(said("list", "json=true"))
    assert [one["id"] for one in found][-1] == store[1]["lstm small"]
    assert found[-1]["metrics"]["best_val_loss"] == 4.5
    assert json.loads(said("show", store[1]["lstm small"], "json=true"))["params"]["parameters"] == "1234"


def test_a_run_is_shown_with_its_outcome_and_how_to_go_on(said, store):
    shown = said("show", store[1]["mnist_fcn wide"][:10])
    for words in (
        "mnist_fcn wide",
        "interrupted",
        "1,234 parameters",
        "val_accuracy 0.9700",
        f"python train.py resume={store[1]['mnist_fcn wide'][:8]}",
    ):
        assert words in shown
    assert "epoch 7" in shown
    assert "go on" not in said("show", store[1]["lstm small"])


def test_a_sweep_is_shown_with_its_answer_its_command_and_where_its_best_run_is(said, store):
    sweep, best = store[1]["sweep"], store[1]["seed=1"]
    lines = said("show", sweep).splitlines()
    assert lines[0] == "mnist_fcn: seed, 2 runs"
    for line in (
        f"  sweep     {sweep}",
        "  outcome   finished",
        "  said      python train.py -m seed=0,1",
        f"  runs      2, all of them: zoo list sweep={sweep[:8]}",
        "  answer    seed=1 is best.",
        "  best      val_accuracy 0.9500  test_accuracy 0.9600",
        f"  best run  {best}, seed=1: zoo show {best[:8]}",
    ):
        assert line in lines
    assert json.loads(said("show", "last", "json=true"))["id"] == sweep
    assert said("show", best).splitlines()[0] == "seed=1"


def test_a_sweep_without_a_best_run_yet_says_so(said, store):
    parent = tracking.connect(Tracking(name="mlflow", uri=store[0]), "gru").start("gru: search", tags={"sweep": "true"})
    parent.set_tags({"search": "tpe"})
    parent.finish("KILLED")
    shown = said("show", parent.id)
    assert f"search    {parent.id}" in shown
    assert "runs      0 begun so far" in shown
    assert "has no runs of its own" in shown
    assert f"go on     python train.py search.resume={parent.id[:8]}" in shown
    tracking.extend(parent.id, store[0], tags={"sweep": "", "mlflow.parentRunId": "none"})


@pytest.mark.parametrize(
    ("status", "tags", "line"),
    [
        ("RUNNING", {}, "running. Recorded up to epoch 3 of 9, val_loss 2.50."),
        ("KILLED", {"outcome": "interrupted", "reason": "Interrupted by SIGINT."},
         "interrupted. Interrupted by SIGINT. Recorded up to epoch 3 of 9, val_loss 2.50."),
    ],
)  # fmt: skip
def test_a_run_that_has_not_come_to_its_end_says_how_far_it_is_and_nothing_that_it_has_not(status, tags, line, said):
    uri = tracking.resolve(None)
    run = tracking.connect(Tracking(name="mlflow", uri=uri), "lstm").start(
        "lstm at work", "none", {"monitored": "val_loss"}
    )
    run.log_params({"model.name": "lstm", "epochs": 9})
    run.log_metrics({"epoch": 3, "val_loss": 2.5}, 30)
    run.set_tags(tags)
    if status == "RUNNING":
        run.flush()
    else:
        run.finish(status)
    shown = said("show", run.id)
    assert f"  outcome   {line}" in shown.splitlines()
    assert "–" not in shown
    assert "trained for" not in shown
    assert said("list", "filter=attributes.run_name = 'lstm at work'").splitlines()[1].split()[4] == "–"
    run.finish("FAILED")


def test_evaluations_are_shown_each_with_its_own_metrics(said, store):
    run = store[1]["lstm small"]
    metrics = {"eval_ones_loss": 1.5, "eval_ones_more_loss": 2.5, "eval_ones_accuracy": 0.5}
    tags = {"eval_ones": "9 examples of data=digits", "eval_ones_more": "8 examples of the run's own test split"}
    tracking.extend(run, store[0], metrics=metrics, tags=tags)
    lines = said("show", run).splitlines()
    assert "  evaluated ones: accuracy 0.5000  loss 1.50 (9 examples of data=digits)" in lines
    assert "  evaluated ones_more: loss 2.50 (8 examples of the run's own test split)" in lines


def test_an_empty_store_says_how_to_make_a_run(capsys, tmp_path):
    assert verbs.run("list", f"tracking.uri=sqlite:///{tmp_path}/none.db") == 0
    assert "python train.py" in capsys.readouterr().out
    assert not (tmp_path / "none.db").exists()
    with pytest.raises(BadInput, match="nothing is recorded there"):
        verbs.run("show", "last", f"tracking.uri=sqlite:///{tmp_path}/none.db")


def test_a_database_is_listed_without_tensorflow_and_mlflow(store):
    code = (
        "import sys; from zoo import verbs; verbs.run('list', sys.argv[1]); "
        "sys.exit('tensorflow' in sys.modules or 'mlflow' in sys.modules)"
    )
    command = [sys.executable, "-c", code, f"tracking.uri={store[0]}"]
    assert subprocess.run(command, capture_output=True, timeout=60).returncode == 0
