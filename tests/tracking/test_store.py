import logging
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from mlflow import MlflowClient

from tests.tracking.test_bulk import finished
from zoo.config import BadInput, Tracking
from zoo.tracking import connect, find, open_run

ONE_RUN = """
import sys
from zoo.config import Tracking
from zoo.tracking import open_run

run = open_run(Tracking(name="mlflow", uri=sys.argv[1]), experiment="race", name=sys.argv[2])
for step in range(100):
    run.log_metrics({"loss": step}, step)
run.finish("FINISHED")
"""


def test_importing_the_tracking_package_does_not_import_mlflow():
    code = "import sys, zoo.tracking; sys.exit('mlflow' in sys.modules or 'sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_four_processes_can_open_a_fresh_database_at_once(fresh):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ONE_RUN, fresh.uri, f"run {number}"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for number in range(4)
    ]  # fmt: skip
    try:
        said = [process.communicate(timeout=80)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    # Nothing is said: no line of MLflow's or of its migrations' log, no warning, no progress bar.
    assert said == [""] * 4
    assert [process.returncode for process in processes] == [0] * 4

    client = MlflowClient(fresh.uri)
    experiments = {experiment.name for experiment in client.search_experiments()}
    assert experiments == {"Default", "race"}
    runs = client.search_runs([client.get_experiment_by_name("race").experiment_id])
    assert sorted(run.info.run_name for run in runs) == [f"run {number}" for number in range(4)]
    for run in runs:
        assert run.info.status == "FINISHED"
        assert find(run.info.run_id, fresh.uri).history("loss") == [(step, float(step)) for step in range(100)]


def test_runs_that_name_the_same_new_data_set_at_once_all_have_it(fresh):
    runs = [open_run(fresh, experiment="race", name=f"run {number}") for number in range(6)]
    together = threading.Barrier(len(runs))

    def log(run):
        for digest in range(10):
            together.wait(timeout=60)
            run.log_dataset("digits", str(digest) * 64, "made", {"train": 5, "test": 2})
        run.finish("FINISHED")

    with ThreadPoolExecutor(len(runs)) as pool:
        for done in [pool.submit(log, run) for run in runs]:
            done.result(timeout=60)
    client = MlflowClient(fresh.uri)
    found = [
        {(used.dataset.name, used.dataset.digest) for used in client.get_run(run.id).inputs.dataset_inputs}
        for run in runs
    ]
    assert [len(data) for data in found] == [20] * 6
    assert all(data == found[0] for data in found)


def test_a_folder_with_unusual_letters_keeps_database_and_artifacts(tmp_path):
    folder = tmp_path / "größe 100% #1"
    run = open_run(Tracking(name="mlflow", uri=f"sqlite:///{folder}/mlflow.db"), experiment="xor", name="letters")
    (tmp_path / "a.txt").write_text("a")
    run.log_artifact(tmp_path / "a.txt")
    run.finish("FINISHED")
    assert sorted(path.name for path in folder.iterdir() if path.suffix != ".lock") == ["mlflow.db", "mlruns"]
    found = find(run.id, f"sqlite:///{folder}/mlflow.db").download("a.txt")
    assert found.read_text() == "a"
    assert found.is_relative_to(folder / "mlruns")


def test_what_a_killed_process_left_of_a_new_database_is_in_nobodys_way(fresh, tmp_path):
    (tmp_path / "mlflow.db.new").write_bytes(b"half a database")
    (tmp_path / "mlflow.db").touch()
    run = open_run(fresh, experiment="xor", name="after")
    run.finish("FINISHED")
    assert find(run.id, fresh.uri).status == "FINISHED"
    assert not (tmp_path / "mlflow.db.new").exists()


def test_a_database_that_was_deleted_while_the_process_lives_is_made_anew(tracking, tmp_path):
    open_run(tracking, experiment="xor", name="before").finish("FINISHED")
    (tmp_path / "mlflow.db").unlink()
    run = open_run(tracking, experiment="xor", name="after")
    run.finish("FINISHED")
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        assert connection.execute("SELECT name FROM runs").fetchall() == [("after",)]
    connection.close()


def test_the_users_own_mlflow_settings_stand(tracking, monkeypatch):
    for name in ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES", "MLFLOW_LOGGING_LEVEL"):
        monkeypatch.setenv(name, "3" if "HTTP" in name else "WARNING")
    open_run(tracking, experiment="xor", name="settings")
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "3"
    assert os.environ["MLFLOW_LOGGING_LEVEL"] == "WARNING"


def test_patience_with_servers_is_short_only_while_a_run_is_opened(tracking):
    open_run(tracking, experiment="xor", name="patience")
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" not in os.environ
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ


def refused(uri: str | None, caplog: pytest.LogCaptureFixture) -> str:
    """Return the words in which a store is refused, after checking that they come alone and within ten seconds."""
    caplog.clear()
    start = time.monotonic()
    with caplog.at_level(logging.WARNING), pytest.raises(BadInput) as caught:
        open_run(Tracking(name="mlflow", uri=uri), experiment="xor", name="refused")
    assert time.monotonic() - start < 10
    assert caplog.records == []
    assert caught.value.__suppress_context__
    message = str(caught.value)
    assert "tracking=off" in message
    assert "\n" not in message
    return message


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.mark.parametrize("scheme", ["http", "postgresql"])
def test_a_server_that_is_not_there_is_named_without_its_password(scheme, caplog):
    message = refused(f"{scheme}://me:secret@127.0.0.1:{closed_port()}/runs", caplog)
    assert "nothing listens there" in message
    assert "secret" not in message
    assert "me:***@127.0.0.1" in message


def test_a_server_that_never_answers_is_given_up_soon(caplog):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert "does not answer" in refused(f"http://127.0.0.1:{silent.getsockname()[1]}", caplog)


@pytest.mark.parametrize("uri", ["ftp://host/runs", "http://127.0.0.1:notaport", "http://", "oracle+a+b://host/x"])
def test_an_address_of_the_environment_that_mlflow_does_not_know_is_refused(uri, caplog, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert uri in refused(None, caplog)


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path, caplog):
    (tmp_path / "notes.txt").write_text("not a database, but long enough to look like one\n" * 100)
    before = (tmp_path / "notes.txt").read_bytes()
    assert "not an SQLite database" in refused(f"sqlite:///{tmp_path}/notes.txt", caplog)
    assert (tmp_path / "notes.txt").read_bytes() == before


def test_a_folder_that_cannot_be_made_is_refused(tmp_path, caplog):
    (tmp_path / "file").touch()
    assert "file" in refused(f"sqlite:///{tmp_path}/file/mlflow.db", caplog)


def test_a_database_of_an_older_mlflow_is_refused_with_the_command_that_mends_it(tracking, tmp_path, caplog):
    open_run(tracking, experiment="xor", name="old").finish("FINISHED")
    (tmp_path / "mlflow.db").rename(tmp_path / "old.db")
    with sqlite3.connect(tmp_path / "old.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'cfd24bdc0731'")
    connection.close()
    assert "mlflow db upgrade" in refused(f"sqlite:///{tmp_path}/old.db", caplog)


def test_a_deleted_experiment_is_refused_with_the_command_that_brings_it_back(tracking):
    open_run(tracking, experiment="xor", name="a").finish("FINISHED")
    client = MlflowClient(tracking.uri)
    client.delete_experiment(client.get_experiment_by_name("xor").experiment_id)
    with pytest.raises(BadInput, match="mlflow experiments restore --experiment-id 1"):
        open_run(tracking, experiment="xor", name="b")


def test_sqlite_is_told_how_its_tables_have_grown_so_that_searches_are_planned_well(tracking: Tracking):
    def known() -> list[int]:
        with closing(sqlite3.connect(tracking.uri.removeprefix("sqlite:///"))) as database:
            if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_stat1'").fetchone():
                return []
            found = database.execute("SELECT stat FROM sqlite_stat1 WHERE tbl = 'runs'")
            return [int(row[0].split()[0]) for row in found]

    store = connect(tracking, "grown")
    store.add([finished()])
    assert known() == [1]
    store.add([finished()] * 3)
    assert known() == [1]
    store.add([finished()] * 6)
    assert known() == [10]
