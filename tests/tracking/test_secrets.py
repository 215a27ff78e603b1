"""Passwords in addresses and in the environment: nothing that a run leaves, sends or prints holds one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tracking.mlflow_server import MlflowServer
from zoo import verbs

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mlflow-server")]
ROOT = Path(__file__).parents[2]
WORD = "xyzzyPlugh4711"
VARIABLES = (
    "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "DATABRICKS_TOKEN", "GITHUB_TOKEN", "MY_OWN_SECRET",
)  # fmt: skip
FAILS = """
import os
import keras

class Fails(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise RuntimeError(f"No answer from {os.environ['MLFLOW_TRACKING_URI']}/api\\nand that was all")
"""
LINEAR = ("model=linear", "epochs=3")
COUNTED = ("model=trigram", "data=text", "data.train=plain.txt")


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    found = MlflowServer(tmp_path_factory.mktemp("server"))
    found.start()
    yield found
    found.stop()


@pytest.fixture
def here(tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "plain.txt").write_text("one two three four five\n" * 400)
    (folder / "fails.py").write_text(FAILS)
    return folder


def python(*arguments, here, uri):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
    environment |= dict.fromkeys(VARIABLES, WORD)
    environment |= {"MLFLOW_TRACKING_URI": uri, "ZOO_SPOOL_DIR": str(here / "spool"), "NO_PROXY": "127.0.0.1"}
    environment |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{here}", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=200)


def train(*words, here, uri):
    return python(str(ROOT / "train.py"), *words, here=here, uri=uri)


def assert_secret(*folders: Path, printed: subprocess.CompletedProcess[str]) -> None:
    assert WORD not in printed.stdout + printed.stderr
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(files) > len(folders)
    for path in files:
        assert WORD.encode() not in path.read_bytes(), path


def address(server: MlflowServer) -> str:
    return server.url.replace("http://", f"http://somebody:{WORD}@")


def test_a_run_on_a_server_leaves_no_password(running, here):
    words = (*LINEAR, f"tracking.uri={address(running)}")
    printed = train(*words, here=here, uri=address(running))
    assert printed.returncode == 0, printed.stderr
    assert running.url in printed.stdout
    assert_secret(here, running.folder, printed=printed)


def test_a_run_that_fails_leaves_no_password(running, here):
    words = (*LINEAR, "callbacks=[fails.Fails]")
    printed = train(*words, here=here, uri=address(running))
    assert printed.returncode == 1
    assert "No answer from http://somebody:***@127.0.0.1" in printed.stdout
    assert list(here.rglob("traceback.txt"))
    assert_secret(here, running.folder, printed=printed)


def test_a_sweep_whose_runs_fail_leaves_no_password(running, here):
    words = ("-m", *LINEAR, "seed=0,1", "callbacks=[fails.Fails]")
    printed = train(*words, here=here, uri=address(running))
    assert printed.returncode == 1
    assert_secret(here, running.folder, printed=printed)


def test_what_waits_for_a_server_that_is_away_holds_no_password(running, here):
    away = address(running).rpartition(":")[0] + ":9"
    words = (*COUNTED, "tracking.offline=spool")
    printed = train(*words, here=here, uri=away)
    assert printed.returncode == 0, printed.stderr
    assert list((here / "spool").glob("*.jsonl"))
    assert_secret(here, printed=printed)
    printed = python("-m", "zoo", "sync", here=here, uri=away)
    assert printed.returncode == 1
    assert_secret(here, printed=printed)


@pytest.mark.parametrize(
    "uri",
    [
        "http://somebody:{}@127.0.0.1:9",
        "http://{}@127.0.0.1:9",
        "https://somebody:{}@127.0.0.1:9/?token={}",
        "postgresql://somebody:{}@127.0.0.1:9/runs",
        "postgresql://somebody@127.0.0.1:9/runs?password={}",
        "ftp://somebody:{}@127.0.0.1/runs",
        "nonsense://somebody:{}@/",
    ],
)
@pytest.mark.parametrize("words", [("train", *COUNTED), ("doctor",)], ids=["train", "doctor"])
def test_an_address_that_is_refused_is_told_without_its_password(here, uri, words, monkeypatch, capfd):
    monkeypatch.chdir(here)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.format(WORD, WORD))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["zoo", *words])
    assert verbs.main() == 2
    printed = capfd.readouterr()
    assert printed.err.startswith("zoo: ")
    assert WORD not in printed.out + printed.err
    assert {path.name for path in here.iterdir()} == {"plain.txt", "fails.py"}
