"""Many runs read at once: what MLflow's own client would say of them, and curves as they were measured."""

import contextlib
import math
import os
import socket
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from mlflow import MlflowClient

from zoo import tracking as record
from zoo.config import BadInput
from zoo.tracking import find, open_run


def child(tracking, parent, number, values=(0.5, 0.25)):
    run = open_run(tracking, experiment="xor", name=f"child {number}", parent=parent)
    run.log_params({"seed": number, "optimizer": {"name": "adam"}})
    run.set_tags({"outcome": "completed"})
    for step, value in enumerate(values, start=1):
        run.log_metrics({"val_loss": value, "epoch": step}, step * 4)
    run.log_metrics({"best_val_loss": min(values)}, len(values) * 4)
    run.finish("FINISHED")
    time.sleep(0.002)  # MLflow's clock counts milliseconds
    return run.id


@pytest.fixture
def sweep(tracking):
    parent = open_run(tracking, experiment="xor", name="sweep")
    parent.set_tags({"sweep": "true"})
    ids = [child(tracking, parent.id, number) for number in range(3)]
    parent.finish("FINISHED")
    return parent.id, ids


def test_children_are_what_mlflows_client_says_of_them(tracking, sweep):
    parent, ids = sweep
    found = record.children([parent], tracking.uri)
    assert [one.id for one in found] == ids
    client = MlflowClient(tracking.uri)
    for one in found:
        run = client.get_run(one.id)
        assert (one.name, one.status, one.experiment_id) == (
            run.info.run_name,
            run.info.status,
            run.info.experiment_id,
        )
        assert (one.params, one.tags, one.metrics) == (run.data.params, run.data.tags, run.data.metrics)
        assert (one.parent, one.started) == (parent, run.info.start_time)


def test_children_of_several_parents_are_found_together(tracking, sweep):
    other = open_run(tracking, experiment="mnist", name="other")
    more = child(tracking, other.id, 7)
    assert [one.id for one in record.children([sweep[0], other.id], tracking.uri)] == [*sweep[1], more]


def test_a_deleted_child_is_left_out(tracking, sweep):
    MlflowClient(tracking.uri).delete_run(sweep[1][1])
    assert [one.id for one in record.children([sweep[0]], tracking.uri)] == [sweep[1][0], sweep[1][2]]


def test_a_parent_that_does_not_exist_is_refused_with_the_latest_runs(tracking, sweep):
    with pytest.raises(BadInput, match=r"No run 'deadbeef' in .* The latest runs are"):
        record.children([sweep[0], "deadbeef"], tracking.uri)


def test_a_run_without_children_is_refused_unless_none_are_asked_for(tracking, sweep):
    with pytest.raises(BadInput, match=r"\(child 0\) has no runs of its own"):
        record.children([sweep[1][0]], tracking.uri)
    assert record.children([sweep[1][0]], tracking.uri, or_none=True) == []


def test_reading_where_nothing_is_recorded_makes_no_database(fresh, tmp_path):
    for ask in (lambda: record.children(["a" * 32], fresh.uri), lambda: record.newest_sweep(fresh.uri)):
        with pytest.raises(BadInput, match="recorded"):
            ask()
    with pytest.raises(BadInput, match="No run in"):
        record.matching("tags.model = 'xor'", fresh.uri)
    assert record.curves(["a" * 32], ["loss"], fresh.uri) == {}
    assert list(tmp_path.iterdir()) == []


def test_curves_are_those_of_the_client_with_nan_and_infinity_as_they_were_measured(tracking):
    parent = open_run(tracking, experiment="xor", name="sweep")
    values = (0.5, math.nan, math.inf, -math.inf, 0.1)
    run = child(tracking, parent.id, 0, values)
    plain = child(tracking, parent.id, 1)
    curves = record.curves([run, plain], ["val_loss", "epoch", "nothing"], tracking.uri)
    np.testing.assert_array_equal(curves[run]["val_loss"], np.transpose([[4, 8, 12, 16, 20], values]))
    np.testing.assert_array_equal(curves[run]["epoch"][:, 1], [1, 2, 3, 4, 5])
    assert set(curves[run]) == {"val_loss", "epoch"}
    assert list(map(tuple, curves[plain]["val_loss"])) == find(plain, tracking.uri).history("val_loss")


def test_of_points_at_one_step_the_latest_counts(tracking):
    run = open_run(tracking, experiment="xor", name="resumed")
    for value in (0.9, 0.2):
        run.log_metrics({"loss": value}, 4)
        run.flush()
        time.sleep(0.002)
    run.log_metrics({"loss": 0.1}, 2)
    run.finish("FINISHED")
    np.testing.assert_array_equal(record.curves([run.id], ["loss"], tracking.uri)[run.id]["loss"], [[2, 0.1], [4, 0.2]])


def test_more_runs_than_fit_into_one_query_are_read(tracking, monkeypatch):
    monkeypatch.setattr("zoo.tracking.queries._IDS", 2)
    parent = open_run(tracking, experiment="xor", name="sweep")
    ids = [child(tracking, parent.id, number) for number in range(5)]
    assert [one.id for one in record.children([parent.id], tracking.uri)] == ids
    assert set(record.curves(ids, ["val_loss"], tracking.uri)) == set(ids)


def test_a_filter_finds_runs_and_leaves_the_parents_of_sweeps_out(tracking, sweep):
    _, ids = sweep
    assert [one.id for one in record.matching("", tracking.uri)] == ids
    found = record.matching("params.seed = '1'", tracking.uri)
    assert [(one.id, one.params, one.metrics["best_val_loss"]) for one in found] == [
        (ids[1], {"seed": "1", "optimizer.name": "adam"}, 0.25)
    ]


def test_a_filter_that_finds_nothing_or_cannot_be_read_is_refused(tracking, sweep):
    with pytest.raises(BadInput, match=r"No run in .* fits filter=\"tags.model = 'nothing'\""):
        record.matching("tags.model = 'nothing'", tracking.uri)
    with pytest.raises(BadInput, match='can\'t read filter="model is xor"'):
        record.matching("model is xor", tracking.uri)


def test_the_newest_sweep_is_the_parent_that_was_started_last(tracking, sweep):
    assert record.newest_sweep(tracking.uri) == sweep[0]
    time.sleep(0.002)
    newer = open_run(tracking, experiment="other", name="newer")
    newer.set_tags({"sweep": "true"})
    assert record.newest_sweep(tracking.uri) == newer.id


def test_a_run_that_has_ended_is_extended_and_keeps_its_status(tracking, sweep, tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a.txt").write_text("a")
    record.extend(
        sweep[0], tracking.uri, tags={"best_choice": "adam"}, metrics={"best_value": 0.5}, artifacts=tmp_path / "kept"
    )
    record.extend(sweep[0], tracking.uri, metrics={"best_value": 0.25})
    found = find(sweep[0], tracking.uri)
    assert (found.status, found.tags["best_choice"], found.metrics["best_value"]) == ("FINISHED", "adam", 0.25)
    assert found.artifacts() == ["a.txt"]


def test_databases_and_servers_say_where_their_pages_are(monkeypatch):
    assert record.ui_address("http://me:secret@host:5000/") == ("http://host:5000", "")
    base, command = record.ui_address("sqlite:////tmp/runs.db")
    assert base is None
    assert command == "mlflow ui --backend-store-uri sqlite:////tmp/runs.db"


def test_children_are_read_without_importing_mlflow(tracking, sweep):
    code = (
        "import sys\nfrom zoo import tracking\n"
        f"runs = tracking.children([{sweep[0]!r}], {tracking.uri!r})\n"
        "sys.exit(0 if len(runs) == 3 and 'mlflow' not in sys.modules else 1)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.fixture
def server(tracking, tmp_path):
    """Serve the store over http, and stop the server with all its processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", tracking.uri, "--workers", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--artifacts-destination", str(tmp_path / "served")]
    environment = {**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (tmp_path / "server.log").open("wb") as log:
        process = psutil.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        for one in [*process.children(recursive=True), process]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        process.wait(20)


@pytest.mark.slow
def test_a_server_gives_what_its_database_gives(tracking, sweep, server):
    parent, ids = sweep
    by_server, by_database = (record.children([parent], uri) for uri in (server, tracking.uri))
    assert by_server == by_database
    assert record.matching("params.seed = '1'", server) == by_database[1:2]
    assert record.newest_sweep(server) == parent
    asked = ids, ["val_loss", "epoch", "nothing"]
    found, expected = record.curves(*asked, server), record.curves(*asked, tracking.uri)
    assert found.keys() == expected.keys()
    for run in ids:
        assert found[run].keys() == expected[run].keys()
        for metric, curve in expected[run].items():
            np.testing.assert_array_equal(found[run][metric], curve)
    with pytest.raises(BadInput, match="has no runs of its own"):
        record.children([ids[0]], server)
    record.extend(parent, server, tags={"best_choice": "adam"}, metrics={"best_value": 0.5})
    assert find(parent, tracking.uri).tags["best_choice"] == "adam"
