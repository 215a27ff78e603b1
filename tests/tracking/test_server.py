"""A real MLflow server: what a bare `mlflow ui` shows, and recording over http."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.tracking.mlflow_server import MlflowServer
from zoo.config import BadInput, Tracking
from zoo.tracking import Run, find, open_run

pytestmark = pytest.mark.slow


def ask(url: str, body: dict[str, Any] | None = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=10) as answer:
        text = answer.read().decode()
    return json.loads(text) if text.startswith("{") else text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def recorded(folder: Path) -> Run:
    """Record a run in the folder as `mlflow ui` expects it there."""
    (folder / "report.txt").write_text("good")
    run = open_run(Tracking(name="mlflow", uri=f"sqlite:///{folder}/mlflow.db"), experiment="xor", name="local run")
    run.log_params({"model": {"hidden": [2]}})
    run.log_metrics({"loss": 0.25}, 1)
    run.log_artifact(folder / "report.txt", "reports")
    run.finish("FINISHED")
    return run


@pytest.fixture(scope="module")
def server(folder: Path, recorded: Run) -> Iterator[str]:
    """Start `mlflow ui` in the folder and stop it with all its processes."""
    running = MlflowServer(folder)
    running.start()
    yield running.url
    running.stop()


def test_a_bare_mlflow_ui_in_the_root_shows_the_run_and_its_artifacts(server, recorded, folder, monkeypatch):
    experiment = ask(f"{server}/api/2.0/mlflow/experiments/get-by-name?experiment_name=xor")["experiment"]
    found = ask(f"{server}/api/2.0/mlflow/runs/search", {"experiment_ids": [experiment["experiment_id"]]})["runs"]
    assert [run["info"]["run_id"] for run in found if run["info"]["run_name"] == "local run"] == [recorded.id]
    listed = ask(f"{server}/api/2.0/mlflow/artifacts/list?run_id={recorded.id}&path=reports")["files"]
    assert [file["path"] for file in listed] == ["reports/report.txt"]
    assert ask(f"{server}/get-artifact?path=reports/report.txt&run_uuid={recorded.id}") == "good"


def test_the_command_that_the_run_names_is_the_one_that_was_used(recorded, folder, monkeypatch):
    monkeypatch.chdir(folder)
    run = open_run(Tracking(name="mlflow", uri="sqlite:///mlflow.db"), experiment="xor", name="command")
    run.finish("FINISHED")
    assert run.ui_command == "mlflow ui"


def test_a_run_is_recorded_over_http_and_found_again(server, folder, capfd):
    with_password = server.replace("http://", "http://me:secret@")
    run = open_run(Tracking(name="mlflow", uri=with_password), experiment="over http", name="remote run")
    run.log_params({"model": {"hidden": [2]}})
    run.set_tags({"model": "xor_mlp"})
    for step in range(1500):
        run.log_metrics({"loss": 1 / (step + 1)}, step)
    run.log_metrics({"odd": float("nan"), "infinite": float("inf")}, 0)
    run.log_dataset("xor", "ab" * 32, "made", {"train": 4, "valid": 4, "test": 4})
    run.log_artifact(folder / "report.txt")
    run.finish("KILLED")
    assert run.ui_command.startswith(f"{server}/#/experiments/")
    assert run.ui_command.endswith(run.id)

    stored = find(run.id[:10], with_password)
    assert stored.name == "remote run"
    assert stored.status == "KILLED"
    assert stored.params == {"model.hidden": "[2]"}
    assert stored.tags["model"] == "xor_mlp"
    assert stored.history("loss") == [(step, 1 / (step + 1)) for step in range(1500)]
    assert stored.download("report.txt").read_text() == "good"
    assert find("last", server).id == run.id
    with pytest.raises(BadInput, match=r"No run 'abcdefabcdef' in http://me:\*\*\*@127.* The latest runs are "):
        find("abcdefabcdef", with_password)
    with pytest.raises(BadInput, match=r"has no artifact 'model\.keras'"):
        stored.download("model.keras")
    assert capfd.readouterr() == ("", "")


def test_what_answers_but_is_not_mlflow_is_refused(server):
    with pytest.raises(BadInput, match="not an MLflow server"):
        open_run(Tracking(name="mlflow", uri=f"{server}/elsewhere"), experiment="xor", name="a")
