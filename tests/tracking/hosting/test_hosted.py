"""A tracking server on PostgreSQL: what it keeps, of whom it takes it, and how it is backed up."""

import json
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
import requests
from mlflow import MlflowClient
from mlflow.server import get_app_client

import zoo
from tests.tracking.test_bulk import KINDS, finished, seen_by
from zoo import tracking, verbs
from zoo.config import BadInput, Tracking
from zoo.tracking import TrackingError, connect, open_run, service, upload
from zoo.tracking.hosting import postgres
from zoo.tracking.hosting.server import TrackingServer

pytestmark = pytest.mark.slow


def test_runs_sent_at_once_read_back_as_those_that_the_client_records(as_admin: TrackingServer, client: MlflowClient):
    store = connect(Tracking(name="mlflow", uri=as_admin.url), "alike")
    assert service.is_at(as_admin.url)
    sent = store.add(KINDS.values(), parent="f" * 32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(service, "is_at", lambda uri: False)
        recorded = store.add(KINDS.values(), parent="f" * 32)
    for kind, one, other in zip(KINDS, sent, recorded, strict=True):
        assert seen_by(client, one) == seen_by(client, other), kind


def test_runs_sent_twice_are_recorded_once(as_admin: TrackingServer, client: MlflowClient):
    experiment = client.create_experiment("twice")
    runs = [replace(finished(f"run {n}"), id=f"{n:032x}") for n in range(3)]
    for _ in range(2):
        assert upload.send(as_admin.url, experiment, runs, {"mlflow.user": "ada"}) == [run.id for run in runs]
    found = client.search_runs([experiment])
    assert sorted(run.info.run_id for run in found) == [run.id for run in runs]
    assert [point.step for point in client.get_metric_history(runs[0].id, "loss")] == [*range(4, 44, 4)]


@pytest.mark.parametrize(
    ("body", "code", "said"),
    [
        (b"{", 400, "Expecting"),
        (b"\xff\xfe\xff", 400, "codec"),
        (b"[]", 400, "should be an object"),
        (b'{"experiment_id": "x", "origin": {}, "runs": [1]}', 400, "experiment_id should be a number"),
        (b'{"experiment_id": "0", "origin": {}, "runs": [1]}', 400, "origin"),
        (b'{"experiment_id": "0", "origin": {"mlflow.user": "a"}, "runs": [{}]}', 400, "no run that has ended"),
    ],
)
def test_a_malformed_request_is_refused_and_nothing_is_recorded(
    as_admin: TrackingServer, client: MlflowClient, body: bytes, code: int, said: str
):
    before = len(client.search_runs(["0"]))
    answer = _post(as_admin, body)
    assert (answer.status_code, said in answer.text) == (code, True), answer.text
    assert len(client.search_runs(["0"])) == before


@pytest.mark.parametrize(
    "change",
    [
        {"id": "../../etc"},
        {"id": "F" * 32},
        {"name": 3},
        {"curves": {"loss": [1, 2]}},
        {"steps": ["one"]},
        {"params": {"a": {"b": 1}}},
        {"ended": 0.0},
        {"summary": {"loss": "low"}},
        {"dataset": {"name": "xor"}},
    ],
)
def test_a_run_that_is_not_one_is_refused_with_all_beside_it(
    as_admin: TrackingServer, client: MlflowClient, change: dict[str, object]
):
    good = upload.to_json(replace(finished(), id="a" * 32))
    body = {"experiment_id": "0", "origin": {"mlflow.user": "ada"}, "runs": [good, {**good, "id": "b" * 32, **change}]}
    assert _post(as_admin, json.dumps(body).encode()).status_code == 400
    assert not client.search_runs(["0"])


def test_a_gigantic_request_is_refused_unread(as_admin: TrackingServer):
    answer = _post(as_admin, b"x" * (service.LARGEST + 1))
    assert answer.status_code == 413


def test_a_sweep_reads_the_same_at_once_and_through_the_client(
    as_admin: TrackingServer, monkeypatch: pytest.MonkeyPatch
):
    store = connect(Tracking(name="mlflow", uri=as_admin.url), "read")
    parent = store.start("sweep", None)
    ids = store.add([KINDS["usual"], KINDS["diverged"], KINDS["many"]], parent.id)
    parent.finish("FINISHED")
    at_once = tracking.children([parent.id], as_admin.url), tracking.curves(ids, ["loss", "zero"], as_admin.url)
    monkeypatch.setattr(service, "is_at", lambda uri: False)
    slowly = tracking.children([parent.id], as_admin.url), tracking.curves(ids, ["loss", "zero"], as_admin.url)
    by_client = {one.id: one for one in slowly[0]}
    assert by_client.keys() == set(ids)
    for one in at_once[0]:
        told, kept = vars(one), vars(by_client[one.id])
        # MLflow's answers over http hold the largest number in place of a NaN.
        numbers = {name for name, value in told["metrics"].items() if not math.isnan(value)}
        measured = [{name: of["metrics"][name] for name in numbers} for of in (told, kept)]
        assert measured[0] == measured[1]
        assert {**told, "metrics": None} == {**kept, "metrics": None}
    assert at_once[1].keys() == slowly[1].keys() == set(ids)
    for run_id, curves in slowly[1].items():
        for metric, curve in curves.items():
            told = at_once[1][run_id][metric]
            np.testing.assert_array_equal(told, np.where(np.isnan(told), told, curve))


def test_what_a_user_may_not_read_is_not_told(
    as_admin: TrackingServer, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
):
    accounts = get_app_client("basic-auth", as_admin.url)
    accounts.create_user("stranger", "a long password")
    experiment = client.create_experiment("hidden")
    accounts.grant_user_permission("stranger", "experiment", experiment, "DENY")
    (run_id,) = upload.send(
        as_admin.url, experiment, [finished()], {"mlflow.user": "a", "mlflow.parentRunId": "e" * 32}
    )
    assert service.children(as_admin.url, ["e" * 32])[0].id == run_id
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "stranger")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a long password")
    for refused in (
        lambda: service.children(as_admin.url, ["e" * 32]),
        lambda: service.curves(as_admin.url, [run_id], ["loss"]),
    ):
        with pytest.raises(TrackingError, match="Permission denied"):
            refused()


def test_a_wrong_password_is_refused_and_named(as_admin: TrackingServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "wrong")
    with pytest.raises(BadInput, match="refuses the user name or password"):
        open_run(Tracking(name="mlflow", uri=as_admin.url), experiment="closed", name="run")
    with pytest.raises(TrackingError, match=r"401|authenticated"):
        upload.send(as_admin.url, "0", [finished()], {"mlflow.user": "ada"})
    with pytest.raises(BadInput, match="refuses the user name or password"):
        verbs.run("list", f"tracking.uri={as_admin.url.replace('//', '//ada:secret@')}")


def test_runs_are_taken_only_from_those_who_may_change_the_experiment(
    as_admin: TrackingServer, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
):
    accounts = get_app_client("basic-auth", as_admin.url)
    accounts.create_user("reader", "a long password")
    experiment = client.create_experiment("of admin")
    accounts.grant_user_permission("reader", "experiment", experiment, "READ")
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "reader")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "a long password")
    with pytest.raises(TrackingError, match="Permission denied"):
        upload.send(as_admin.url, experiment, [finished()], {"mlflow.user": "reader"})
    assert client.search_runs([experiment]) == []


def test_credentials_reach_no_file_of_client_or_server(
    as_admin: TrackingServer, client: MlflowClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    password = as_admin.admin_file.read_text()
    uri = as_admin.url.replace("//", f"//admin:{password}@")
    trained = zoo.train("model=xor_mlp", "epochs=20", f"tracking.uri={uri}")
    assert trained.outcome == "completed"
    assert client.get_run(trained.run_id).data.params["epochs"] == "20"
    holders = {as_admin.admin_file.name, "auth.ini", "pgpass", "session-key"}
    for folder in (tmp_path, as_admin.folder):
        for file in folder.rglob("*"):
            if file.is_file() and file.name not in holders:
                assert password.encode() not in file.read_bytes(), file
    for name in holders:
        assert (as_admin.folder / name).stat().st_mode & 0o077 == 0, name
    for line in _command_lines():
        assert password not in line


def test_a_backup_holds_all_and_makes_the_same_server_again(
    as_admin: TrackingServer,
    client: MlflowClient,
    tmp_path: Path,
    open_folders: Path,
    capsys: pytest.CaptureFixture[str],
):
    store = connect(Tracking(name="mlflow", uri=as_admin.url), "kept")
    (one,) = store.add([KINDS["usual"]])
    (tmp_path / "notes.txt").write_text("kept")
    client.log_artifact(one, str(tmp_path / "notes.txt"))
    before = seen_by(client, one)

    backup = tmp_path / "backup.tar"
    assert verbs.run("server", f"folder={as_admin.folder}", f"backup={backup}") == 0
    assert backup.stat().st_mode & 0o077 == 0
    with pytest.raises(BadInput, match="is there already"):
        verbs.run("server", f"folder={as_admin.folder}", f"backup={backup}")
    with pytest.raises(BadInput, match="is not empty"):
        verbs.run("server", f"folder={as_admin.folder}", f"restore={backup}")
    again = TrackingServer(open_folders / "again", as_admin.port + 1, workers=1, auth=True)
    assert verbs.run("server", f"folder={again.folder}", f"restore={backup}") == 0

    with again.running():
        restored = MlflowClient(again.url, again.url)
        assert seen_by(restored, one) == before
        assert Path(restored.download_artifacts(one, "notes.txt", str(tmp_path))).read_text() == "kept"


@pytest.mark.parametrize("damage", [b"", b"no archive", "cut", "cut between two entries"])
def test_a_damaged_backup_is_refused_and_leaves_nothing(
    as_admin: TrackingServer, tmp_path: Path, open_folders: Path, damage: bytes | str
):
    backup = tmp_path / "backup.tar"
    if isinstance(damage, str):
        verbs.run("server", f"folder={as_admin.folder}", f"backup={backup}")
        with tarfile.open(backup) as archive:
            last = archive.getmembers()[-2]
        os.truncate(backup, last.offset if "between" in damage else backup.stat().st_size // 3)
    else:
        backup.write_bytes(damage)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"backup\.tar|pg_restore failed"):
        verbs.run("server", f"folder={open_folders / 'damaged'}", f"restore={backup}")
    assert not (open_folders / "damaged").exists()


def test_a_second_server_is_told_of_the_first(server: TrackingServer, open_folders: Path, free_port: int):
    with pytest.raises(BadInput, match=f"Port {server.port} of 127.0.0.1 can't be had"), server.running():
        pass
    same_folder = replace(server, port=server.port + 2)
    with pytest.raises(BadInput, match=r"PostgreSQL does not start.*postmaster"), same_folder.running():
        pass


def _log(url: str, process: int, runs: int, points: int, queue: "multiprocessing.Queue[float]") -> None:
    longest = 0.0
    for number in range(runs):
        began = time.monotonic()
        one = open_run(Tracking(name="mlflow", uri=url), experiment="load", name=f"{process}-{number}")
        longest = max(longest, time.monotonic() - began)
        one.log_params({"process": process, "number": number})
        for step in range(points):
            one.log_metrics({"loss": process + number / 1000 + step}, step)
        began = time.monotonic()
        one.finish("FINISHED")
        longest = max(longest, time.monotonic() - began)
    queue.put(longest)


@pytest.mark.parametrize(
    ("processes", "runs", "points"), [(3, 4, 200), pytest.param(16, 100, 200, marks=pytest.mark.full)]
)
def test_many_processes_record_at_once_and_nothing_is_lost_or_doubled(
    as_admin: TrackingServer, client: MlflowClient, processes: int, runs: int, points: int, record_property
):
    spawned = multiprocessing.get_context("spawn")
    queue = spawned.Queue()
    workers = [spawned.Process(target=_log, args=(as_admin.url, n, runs, points, queue)) for n in range(processes)]
    for worker in workers:
        worker.start()
    record_property("longest wait in seconds", max(queue.get(timeout=600) for _ in workers))
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * processes
    found = [
        one for one in tracking.matching("tags.`mlflow.runName` LIKE '%-%'", as_admin.url) if "process" in one.params
    ]
    assert sorted((one.params["process"], one.params["number"]) for one in found) == sorted(
        (str(process), str(number)) for process in range(processes) for number in range(runs)
    )
    for run_id, curves in tracking.curves([one.id for one in found], ["loss"], as_admin.url).items():
        (one,) = [one for one in found if one.id == run_id]
        start = int(one.params["process"]) + int(one.params["number"]) / 1000
        np.testing.assert_array_equal(curves["loss"], [[step, start + step] for step in range(points)])
    for one in found:
        assert len(client.get_metric_history(one.id, "loss")) == points


def _post(server: TrackingServer, body: bytes) -> requests.Response:
    account = ("admin", server.admin_file.read_text())
    return requests.post(server.url + service.RUNS, data=body, auth=account, timeout=60)


def _command_lines() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


def test_ctrl_c_ends_the_command_with_all_that_it_started(open_folders: Path, free_port: int):
    folder = open_folders / "command"
    command = [sys.executable, "-m", "zoo", "server", f"folder={folder}", f"port={free_port + 3}", "workers=1"]
    started = psutil.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=_hear_ctrl_c
    )
    assert started.stdout is not None
    said = next(line for line in started.stdout if "answers at" in line)
    assert f"http://127.0.0.1:{free_port + 3}" in said
    family = started.children(recursive=True)
    assert len(family) > 2
    listening = {one.laddr.ip for member in family for one in member.net_connections() if one.status == "LISTEN"}
    assert listening == {"127.0.0.1"}
    started.send_signal(signal.SIGINT)
    assert started.wait(60) == 0
    assert "Stopped." in started.stdout.read()
    assert [member for member in family if member.is_running()] == []


def _hear_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_what_is_not_installed_is_named_with_the_command_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(postgres, "_DEBIAN", tmp_path)
    with pytest.raises(BadInput, match="apt install postgresql"):
        verbs.run("server", f"folder={tmp_path / 'server'}")
    assert not (tmp_path / "server").exists()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"pip install -e '\.\[server\]'"):
        verbs.run("server", f"folder={tmp_path / 'server'}")
