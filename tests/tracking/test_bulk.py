import logging
import math
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow import MlflowClient

import zoo.tracking.bulk as bulk
from zoo.config import Tracking
from zoo.tracking import DatasetUsed, FinishedRun, Store, TrackingError, connect, find, schema

BEGAN = 1_700_000_000.25
DATA = DatasetUsed("xor", "0123456789abcdef" * 4, "made by https://me:secret@host", {"train": 4, "valid": 4, "test": 4})


def finished(name: str = "run", **changes: Any) -> FinishedRun:
    """Return a small run that has ended, with some of its record changed."""
    record: dict[str, Any] = {
        "name": name,
        "params": {"model": {"name": "xor_mlp", "hidden": [2]}, "seed": 0},
        "tags": {"model": "xor_mlp", "outcome": "completed"},
        "steps": np.arange(4, 44, 4),
        "curves": {"loss": np.geomspace(1, 0.01, 10), "epoch": np.arange(1, 11)},
        "summary": {"best/loss": 0.01, "seconds": 2.0},
        "last_step": 40,
        "status": "FINISHED",
        "began": BEGAN,
        "ended": BEGAN + 2.5,
    }
    return FinishedRun(**record | changes)


# Every kind of record that a store treats in a way of its own.
KINDS = {
    "usual": finished(dataset=DATA),
    "empty": finished(params={}, tags={}, steps=np.array([], int), curves={}, summary={}, last_step=0),
    "diverged": finished(
        status="FAILED",
        tags={"outcome": "diverged", "reason": "loss of NaN\nat step 12 " + "y" * 9000},
        curves={
            "loss": np.array([1, 2, np.inf, -np.inf, *[np.nan] * 6]),
            "accuracy": np.linspace(0, 1, 10, dtype=np.float32),
            "zero": np.array([0.0, -0.0] * 5),
        },
        summary={"lost": math.nan, "up": math.inf, "down": -math.inf, "count": 3},
    ),
    "interrupted at once": finished(status="KILLED", ended=BEGAN, last_step=0, steps=np.zeros(10, np.int64)),
    "odd names": finished(
        params={"a=b": 1, "größe": "ä\n", "x" * 300: None, "empty": "", "text": "z" * 7000, "../up": True},
        tags={"a@b": "größe", "y" * 300: "1", "number": 5, "url": "postgresql://me:secret@host/runs"},
        curves={"f1@0.5": np.arange(10) / 3, "../gradient//norm": np.arange(10) * 1e-300},
        summary={"z" * 300: 1.0},
    ),
    "many": finished(params={f"many.{n}": n for n in range(250)}, tags={f"t{n}": str(n) for n in range(130)}),
    "long": finished(
        steps=np.arange(1500), last_step=1499, curves={"loss": np.arange(1500) / 7, "accuracy": np.arange(1500) % 2}
    ),
    "summary of a curve": finished(summary={"loss": 0.01, "epoch": 9.0}),
    "names that become one": finished(curves={"f@1": np.arange(10), "f_1": np.full(10, 4.0)}, summary={"f=1": 9.0}),
    "not in order": finished(
        steps=np.array([1, 2, 3, 3, 3, 2, 40, 7, 7, 1]), curves={"loss": np.array([0, 1, 2, 2, 0, 1, 5, 3, 3, 0])}
    ),
    "tags of MLflow's own": finished(tags={"mlflow.user": "ada", "mlflow.note.content": "text", "mlflow.runName": "n"}),
    "another data set": finished(dataset=DatasetUsed("iris", "ab" * 32, "scikit-learn", {"train": 90, "folds": 60})),
    "no splits": finished(dataset=DatasetUsed("iris", "ab" * 32, "scikit-learn", {})),
}


@pytest.fixture
def store(tracking: Tracking) -> Store:
    return connect(tracking, "xor")


@pytest.fixture
def client(tracking: Tracking, store: Store) -> MlflowClient:
    return MlflowClient(tracking.uri)


@contextmanager
def one_by_one() -> Iterator[None]:
    """Leave the writing to MLflow's client, as for an MLflow that is not known."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "KNOWN_VERSION", "0.")
        yield


def rows_of(database: Path, run_id: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return all that a database holds of a run, with the types it is stored as, but the ids that MLflow draws."""
    queries = {
        "runs": "SELECT * FROM runs WHERE run_uuid = :id",
        "tags": "SELECT key, value, typeof(value) FROM tags WHERE run_uuid = :id ORDER BY key",
        "params": "SELECT key, value, typeof(value) FROM params WHERE run_uuid = :id ORDER BY key",
        **{
            table: f"""SELECT key, value, timestamp, step, is_nan, typeof(value), typeof(timestamp), typeof(step),
                typeof(is_nan) FROM {table} WHERE run_uuid = :id ORDER BY 1, 3, 4, 2, 5"""
            for table in ("metrics", "latest_metrics")
        },
        "inputs": """SELECT d.dataset_uuid, d.experiment_id, d.name, d.digest, dataset_source_type, dataset_source,
            dataset_schema, dataset_profile, source_type, destination_type, i.step, length(i.input_uuid), t.name,
            t.value FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id JOIN input_tags t USING (input_uuid)
            WHERE destination_id = :id ORDER BY d.digest""",
    }
    with closing(sqlite3.connect(database)) as connection:
        found = {table: connection.execute(query, {"id": run_id}).fetchall() for table, query in queries.items()}
    return {
        table: [tuple(str(cell).replace(run_id, "ID") for cell in row) for row in rows] for table, rows in found.items()
    }


def seen_by(client: MlflowClient, run_id: str) -> dict[str, Any]:
    """Return what MLflow's client tells of a run, without its id."""
    run = client.get_run(run_id)
    info = {key: value for key, value in dict(run.info).items() if key not in {"run_id", "run_uuid"}}
    info["artifact_uri"] = info["artifact_uri"].replace(run_id, "ID")
    data = {"params": run.data.params, "tags": run.data.tags, "metrics": repr(sorted(run.data.metrics.items()))}
    histories = {
        key: repr([(point.step, point.timestamp, point.value) for point in client.get_metric_history(run_id, key)])
        for key in run.data.metrics
    }
    inputs = sorted(str(one.to_dictionary()) for one in run.inputs.dataset_inputs)
    return {"info": info, **data, "histories": histories, "inputs": inputs}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_at_once_is_what_the_client_writes(kind, store, client, tmp_path, caplog):
    parent = store.start("sweep")
    with caplog.at_level(logging.INFO, "zoo"), one_by_one():
        [by_client] = store.add([KINDS[kind]], parent.id)
    assert "through MLflow's client: this is MLflow" in caplog.text
    caplog.clear()
    with caplog.at_level(logging.INFO, "zoo"):
        [at_once] = store.add([KINDS[kind]], parent.id)
    assert caplog.text == ""

    assert by_client != at_once
    assert seen_by(client, at_once) == seen_by(client, by_client)
    assert rows_of(tmp_path / "mlflow.db", at_once) == rows_of(tmp_path / "mlflow.db", by_client)
    assert find(at_once[:8], store._uri).parent == parent.id


def test_a_run_written_at_once_looks_like_one_recorded_as_it_went(store, client):
    run = finished(dataset=DATA)
    live = store.start("run")
    live.log_params(run.params)
    live.set_tags(run.tags)
    live.log_dataset(DATA.name, DATA.digest, DATA.source, DATA.sizes)
    for point, step in enumerate(run.steps.tolist()):
        live.log_metrics({name: curve[point] for name, curve in run.curves.items()}, step)
    live.log_metrics(run.summary, run.last_step)
    live.finish("FINISHED")

    [run_id] = store.add([run])
    as_it_went, at_once = seen_by(client, live.id), seen_by(client, run_id)
    for times in ("start_time", "end_time"):
        del as_it_went["info"][times], at_once["info"][times]
    del as_it_went["histories"], at_once["histories"]
    for tag in ("process", "heartbeat"):  # of a run that goes on
        del as_it_went["tags"][tag]
    assert at_once == as_it_went
    for key in run.curves:
        assert find(run_id, store._uri).history(key) == find(live.id, store._uri).history(key)


def test_a_data_set_that_is_new_is_written_as_the_client_writes_it(tracking, client):
    with one_by_one():
        [by_client] = connect(tracking, "first").add([finished(dataset=DATA)])
    [at_once] = connect(tracking, "second").add([finished(dataset=DATA)])
    inputs = seen_by(client, at_once)["inputs"]
    assert inputs == seen_by(client, by_client)["inputs"]
    assert len(inputs) == 3
    assert "me:***@host" in inputs[0]


def test_a_run_has_the_times_it_was_made_at(store, client):
    [run_id] = store.add([finished(steps=np.array([10, 20, 40]), curves={"loss": np.ones(3)})])
    info = client.get_run(run_id).info
    assert (info.start_time, info.end_time) == (1_700_000_000_250, 1_700_000_002_750)
    points = client.get_metric_history(run_id, "loss")
    assert [point.timestamp - info.start_time for point in points] == [625, 1250, 2500]
    assert [point.timestamp for point in client.get_metric_history(run_id, "seconds")] == [info.end_time]


def test_runs_written_both_ways_are_found_by_params_metrics_tags_and_data(store, client):
    runs = [finished(f"run {n}", params={"seed": n}, summary={"val_loss": n / 10}, dataset=DATA) for n in range(3)]
    with one_by_one():
        by_client = store.add(runs)
    at_once = store.add(runs)
    experiment = client.get_experiment_by_name("xor").experiment_id
    for condition, expected in {
        "params.seed = '1'": [1],
        "metrics.val_loss > 0.05": [1, 2],
        "tags.outcome = 'completed' AND attributes.run_name = 'run 2'": [2],
        "datasets.name = 'xor' AND dataset.context = 'validation'": [0, 1, 2],
        "attributes.status = 'FAILED'": [],
    }.items():
        found = {run.info.run_id for run in client.search_runs([experiment], condition)}
        assert found == {ids[n] for ids in (by_client, at_once) for n in expected}, condition
    ordered = client.search_runs([experiment], order_by=["metrics.val_loss DESC", "attributes.end_time"])
    assert [run.info.run_name for run in ordered] == [f"run {n}" for n in (2, 2, 1, 1, 0, 0)]


def test_ids_come_in_the_order_of_the_runs_and_across_batches(store, tracking, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH_ROWS", 100)
    ids = store.add([finished(f"run {n}") for n in range(20)])
    assert [find(run_id, tracking.uri).name for run_id in ids] == [f"run {n}" for n in range(20)]


def test_runs_are_taken_batch_by_batch_so_that_a_generator_bounds_the_memory(store, client, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH_ROWS", 1)
    experiment = client.get_experiment_by_name("xor").experiment_id

    def one_after_another() -> Iterator[FinishedRun]:
        for n in range(3):
            assert len(client.search_runs([experiment])) == n
            yield finished(f"run {n}")

    assert len(store.add(one_after_another())) == 3


def test_no_runs_are_none(store):
    assert store.add([]) == []


def test_neither_way_touches_the_experiment_or_makes_a_folder_of_artifacts(store, client, tmp_path):
    before = dict(client.get_experiment_by_name("xor"))
    with one_by_one():
        store.add([finished()])
    store.add([finished()])
    assert dict(client.get_experiment_by_name("xor")) == before
    assert not (tmp_path / "mlruns").exists()


def test_files_are_kept_with_runs_that_have_ended(store, client, tmp_path):
    (tmp_path / "files" / "deep").mkdir(parents=True)
    (tmp_path / "files" / "model.keras").write_bytes(b"model")
    (tmp_path / "files" / "deep" / "error.txt").write_text("error")
    first, second = store.add([finished("first"), finished("second")])
    before = seen_by(client, first)
    store.keep(first, tmp_path / "files")
    stored = find(first, store._uri)
    assert stored.artifacts() == ["deep", "model.keras"]
    assert stored.download("deep/error.txt").read_text() == "error"
    assert seen_by(client, first) == before
    assert find(second, store._uri).artifacts() == []
    with pytest.raises(TrackingError, match="nowhere"):
        store.keep(first, tmp_path / "nowhere")
    with pytest.raises(TrackingError, match="not found"):
        store.keep("0" * 32, tmp_path / "files")


def test_with_tracking_off_runs_have_no_ids_and_leave_nothing(tmp_path):
    store = connect(Tracking(name="off"), "xor")
    assert store.add(finished() for _ in range(2)) == [None, None]
    store.keep(None, tmp_path / "nowhere")
    assert list(tmp_path.iterdir()) == []


def refuse(database: Path, step: int, reason: str = "disk full") -> None:
    """Let a database refuse the metrics of a step."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute(
            f"CREATE TRIGGER refuse BEFORE INSERT ON metrics WHEN NEW.step = {step} "
            f"BEGIN SELECT RAISE(ABORT, '{reason}'); END"
        )


def counts(database: Path) -> dict[str, int]:
    tables = ("runs", "tags", "params", "metrics", "latest_metrics", "datasets", "inputs", "input_tags")
    with closing(sqlite3.connect(database)) as connection:
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


def test_a_batch_that_fails_leaves_nothing_and_those_before_it_stay(store, tmp_path, monkeypatch):
    monkeypatch.setattr(bulk, "BATCH_ROWS", 100)
    store.add([finished(), finished(), finished()])  # more than 100 rows: one batch
    once = counts(tmp_path / "mlflow.db")
    assert once["runs"] == 3
    refuse(tmp_path / "mlflow.db", step=999)
    bad = finished(steps=np.arange(990, 1000), dataset=DATA)
    with pytest.raises(TrackingError, match="none of which is recorded: disk full") as caught:
        store.add([*[finished()] * 3, finished(), bad, finished()])
    assert "can't take 3 run(s)" in str(caught.value)
    assert counts(tmp_path / "mlflow.db") == {table: 2 * count for table, count in once.items()}


def test_a_failure_tells_no_secret_and_repeats_no_rows(store, tmp_path):
    refuse(tmp_path / "mlflow.db", step=4, reason="no way to https://me:hidden@host")
    with pytest.raises(TrackingError, match=r"no way to https://me:\*\*\*@host") as caught:
        store.add([finished(curves={"loss": np.full(10, 0.123456)})])
    assert "0.123456" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_run_that_the_client_cannot_record_whole_is_deleted_again(store, client, tmp_path):
    refuse(tmp_path / "mlflow.db", step=4)
    with one_by_one(), pytest.raises(TrackingError, match="disk full"):
        store.add([finished()])
    assert client.search_runs([client.get_experiment_by_name("xor").experiment_id]) == []


@pytest.mark.parametrize("way", [nullcontext, one_by_one])
def test_two_params_that_become_one_are_refused(way, store):
    with way(), pytest.raises(TrackingError, match="a_b"):
        store.add([finished(params={"a=b": 1, "a@b": 2})])


def test_runs_of_an_experiment_that_was_deleted_meanwhile_are_refused(store, client):
    client.delete_experiment(client.get_experiment_by_name("xor").experiment_id)
    with pytest.raises(TrackingError, match="mlflow experiments restore --experiment-id 1"):
        store.add([finished()])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("ALTER TABLE metrics RENAME COLUMN is_nan TO lost", "the table 'metrics' has no column 'is_nan'"),
        ("DROP TABLE metrics", "the database has no table 'metrics'"),
        ("ALTER TABLE metrics RENAME TO old; CREATE TABLE metrics (region TEXT NOT NULL, {})", "the column 'region'"),
    ],
)
def test_a_database_that_is_not_as_known_is_left_to_the_client_and_the_log_says_why(
    change, reason, store, client, tmp_path, caplog
):
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.executescript(change.format("key, value, timestamp, step, is_nan, run_uuid"))
    run = finished(steps=np.array([], int), curves={}, summary={})  # the client, too, could not write metrics there
    with caplog.at_level(logging.INFO, "zoo"):
        [run_id] = store.add([run])
    assert reason in caplog.text
    assert client.get_run(run_id).info.status == "FINISHED"


def test_columns_of_others_that_need_no_value_are_in_nobodys_way(store, client, tmp_path, caplog):
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as connection:
        connection.execute("ALTER TABLE runs ADD COLUMN team TEXT")
        connection.execute("ALTER TABLE runs ADD COLUMN cost REAL NOT NULL DEFAULT 0")
    with caplog.at_level(logging.INFO, "zoo"):
        [run_id] = store.add([finished()])
    assert caplog.text == ""
    assert client.get_run(run_id).info.status == "FINISHED"


def test_a_database_that_another_process_writes_to_is_waited_for(store, tracking, tmp_path):
    with closing(sqlite3.connect(tmp_path / "mlflow.db", check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        release = threading.Timer(0.5, other.rollback)
        release.start()
        [run_id] = store.add([finished()])
        release.join()
    assert find(run_id, tracking.uri).status == "FINISHED"


TWENTY_RUNS = """
import sys
import numpy as np
import zoo.tracking.bulk as bulk
from zoo.config import Tracking
from zoo.tracking import DatasetUsed, FinishedRun, connect

bulk.BATCH_ROWS = 200
store = connect(Tracking(name="mlflow", uri=sys.argv[1]), "race")
print("ready", flush=True)
sys.stdin.readline()
steps = np.arange(100)
data = DatasetUsed("xor", "ab" * 32, "made", {"train": 4, "test": 4})
ids = store.add(
    FinishedRun(f"{sys.argv[2]}.{n}", {"seed": n}, {}, steps, {"loss": steps / (n + 1)}, {}, 99, "FINISHED", 1, 2, data)
    for n in range(20)
)
print(*ids)
"""


def test_three_processes_can_write_at_once_and_nothing_is_lost(tracking):
    command = [sys.executable, "-c", TWENTY_RUNS, tracking.uri]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    processes = [subprocess.Popen([*command, str(number)], **pipes) for number in range(3)]
    try:
        for process in processes:
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        printed = [process.communicate(timeout=120)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert [process.returncode for process in processes] == [0, 0, 0], printed
    client = MlflowClient(tracking.uri)
    runs = client.search_runs([client.get_experiment_by_name("race").experiment_id])
    assert {run.info.run_id for run in runs} == set(" ".join(printed).split())
    assert {run.info.run_name for run in runs} == {f"{process}.{n}" for process in range(3) for n in range(20)}
    datasets = {(one.dataset.name, one.dataset.digest) for run in runs for one in run.inputs.dataset_inputs}
    assert len(datasets) == 2
    for run in runs:
        assert len(run.inputs.dataset_inputs) == 2
        points = client.get_metric_history(run.info.run_id, "loss")
        assert [point.step for point in points] == list(range(100))
        assert run.data.metrics == {"loss": points[-1].value}


def test_no_file_is_left_beside_the_database(store, tmp_path):
    store.add([finished()])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlflow.db", "mlflow.db.lock"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"curves": {"loss": np.ones(9)}},
            r"one value for each of the steps, \(10,\). Received: 'loss' of shape \(9,\)",
        ),
        ({"name": ""}, "should have a name"),
        ({"ended": BEGAN - 1}, "end no earlier than it began"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        finished(**changes)
