"""A tracking server that refuses, hangs, restarts or answers errors: every metric is on it once in the end."""

import http.server
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tracking.mlflow_server import MlflowServer
from zoo import tracking, verbs
from zoo.config import BadInput, Tracking
from zoo.tracking import mlflow_run, open_run

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mlflow-server")]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    found = MlflowServer(tmp_path_factory.mktemp("server"))
    found.start()
    yield found
    found.freeze(False)
    found.stop()


@pytest.fixture
def spool(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ZOO_SPOOL_DIR", str(tmp_path / "spool"))
    monkeypatch.setattr(mlflow_run, "DRAIN_SECONDS", 60.0)
    monkeypatch.setattr(mlflow_run, "WRITE_SECONDS", 0.0)
    for key, value in {"MLFLOW_HTTP_REQUEST_TIMEOUT": "2", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}.items():
        monkeypatch.setenv(key, value)
    return tmp_path / "spool"


def new_run(url: str, **settings: str) -> tracking.Run:
    return open_run(Tracking(name="mlflow", uri=url, **settings), experiment="outage", name="run")


def log(run: tracking.Run, first: int, last: int) -> None:
    for step in range(first, last):
        run.log_metrics({"loss": 1 / (step + 1)}, step)


def stored(run_id: str, url: str) -> tracking.StoredRun:
    return tracking.find(run_id, url)


def assert_whole(run_id: str, url: str, steps: int) -> None:
    found = stored(run_id, url)
    assert found.history("loss") == [(step, 1 / (step + 1)) for step in range(steps)]
    assert (found.status, found.params["seed"], found.tags["outcome"]) == ("FINISHED", "1", "completed")


def test_a_server_that_is_switched_off_and_on_again_holds_every_metric_once(running, spool):
    run = new_run(running.url)
    run.log_params({"seed": 1})
    log(run, 0, 20)
    running.stop()
    log(run, 20, 40)
    run.set_tags({"outcome": "completed"})
    running.start()
    log(run, 40, 60)
    run.finish("FINISHED")
    assert_whole(run.id, running.url, 60)
    assert not list(spool.glob("*"))


def test_a_server_that_hangs_for_a_while_holds_every_metric_once(running, spool):
    run = new_run(running.url)
    run.log_params({"seed": 1})
    log(run, 0, 20)
    running.freeze(True)
    log(run, 20, 40)
    threading.Event().wait(5)  # longer than a request may take
    running.freeze(False)
    log(run, 40, 60)
    run.set_tags({"outcome": "completed"})
    run.finish("FINISHED")
    assert_whole(run.id, running.url, 60)


def test_what_a_server_was_away_for_is_sent_by_sync_and_only_once(running, spool, capsys, monkeypatch):
    monkeypatch.setattr(mlflow_run, "DRAIN_SECONDS", 2.0)
    run = new_run(running.url)
    run.log_params({"seed": 1})
    log(run, 0, 20)
    running.stop()
    log(run, 20, 40)
    run.set_tags({"outcome": "completed"})
    run.finish("FINISHED")
    assert [file.name for file in spool.glob("*")] == [f"{run.id}.jsonl"]
    monkeypatch.setattr(tracking.process, "is_gone", lambda tags: True)
    assert verbs.run("sync") == 1
    assert "can't be sent" in capsys.readouterr().out
    running.start()
    assert verbs.run("sync") == 0
    assert run.id in capsys.readouterr().out
    assert_whole(run.id, running.url, 40)
    assert verbs.run("sync") == 0
    assert "Nothing waits" in capsys.readouterr().out


def test_a_run_begun_while_the_server_was_away_is_on_it_when_it_is_back(running, spool, capsys, monkeypatch):
    running.stop()
    with pytest.raises(BadInput, match=r"tracking\.offline=spool"):
        new_run(running.url)
    run = new_run(running.url, offline="spool")
    assert run.id.startswith("offline-")
    run.log_params({"seed": 1})
    log(run, 0, 20)
    running.start()
    log(run, 20, 40)
    run.set_tags({"outcome": "completed"})
    run.finish("FINISHED")
    assert not run.id.startswith("offline-")
    assert_whole(run.id, running.url, 40)


def test_a_run_that_never_saw_the_server_is_made_there_by_sync(running, spool, monkeypatch):
    monkeypatch.setattr(mlflow_run, "DRAIN_SECONDS", 2.0)
    running.stop()
    run = new_run(running.url, offline="spool")
    run.log_params({"seed": 1})
    log(run, 0, 20)
    run.set_tags({"outcome": "completed"})
    run.finish("FINISHED")
    monkeypatch.setattr(tracking.process, "is_gone", lambda tags: True)
    running.start()
    assert verbs.run("sync") == 0
    [found] = tracking.matching(f"tags.offline_id = '{run.id}'", running.url)
    assert_whole(found.id, running.url, 20)


class Faulty(http.server.BaseHTTPRequestHandler):
    """Passes requests on to a server, or answers 500."""

    broken = False
    target = ""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        if self.broken:
            self.send_error(500)
            return
        headers = {"Content-Type": self.headers["Content-Type"] or "application/json"}
        request = urllib.request.Request(f"{self.target}{self.path}", body or None, headers, method=self.command)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
                code, content = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            code, content = error.code, error.read()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_GET(self) -> None:
        self.headers["Content-Length"] = self.headers["Content-Length"] or "0"
        self.do_POST()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def test_a_server_that_answers_500_for_a_while_holds_every_metric_once(running, spool):
    handler = type("Between", (Faulty,), {"target": running.url})
    between = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=between.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{between.server_port}"
    try:
        run = new_run(url)
        run.log_params({"seed": 1})
        log(run, 0, 20)
        handler.broken = True
        log(run, 20, 40)
        threading.Event().wait(1)
        assert spool.exists()
        handler.broken = False
        log(run, 40, 60)
        run.set_tags({"outcome": "completed"})
        run.finish("FINISHED")
        assert_whole(run.id, running.url, 60)
    finally:
        between.shutdown()
        between.server_close()
