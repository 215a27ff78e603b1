import subprocess
import sys
import time

import pytest
from mlflow import MlflowClient

from zoo.config import BadInput
from zoo.tracking import find, open_run


@pytest.fixture
def runs(tracking):
    opened = [open_run(tracking, experiment="xor", name=f"run {number}") for number in range(2)]
    for run in opened:
        run.finish("FINISHED")
        time.sleep(0.002)  # run ids have no order; MLflow's clock counts milliseconds
    opened.append(open_run(tracking, experiment="lstm", name="run 2"))
    return opened


def test_a_run_is_found_by_its_id_its_beginning_or_as_the_last(tracking, runs):
    for run in runs:
        assert find(run.id, tracking.uri).name == run.name
        assert find(run.id[:8], tracking.uri).id == run.id
    last = find("last", tracking.uri)
    assert (last.id, last.status) == (runs[2].id, "RUNNING")


def test_the_store_is_found_through_the_environment(tracking, runs, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.uri)
    assert find(runs[0].id).name == "run 0"


@pytest.mark.parametrize(
    "run_id", ["0123456789abcdef0123456789abcdef", "zzzzzz", "../../etc/passwd", "' OR 1=1 --", "*"]
)
def test_an_unknown_id_is_refused_with_the_latest_runs(tracking, runs, run_id):
    with pytest.raises(BadInput) as caught:
        find(run_id, tracking.uri)
    assert str(caught.value).startswith(f"No run '{run_id}' in {tracking.uri}. The latest runs are {runs[2].id} (run 2")


def test_an_unknown_id_is_refused_without_importing_mlflow(tracking, runs):
    code = (
        "import sys\nfrom zoo.config import BadInput\nfrom zoo.tracking import find\n"
        f"try:\n    find('abcdef', '{tracking.uri}')\n"
        "except BadInput:\n    sys.exit(2 if 'mlflow' not in sys.modules else 3)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 2


def test_a_beginning_that_is_too_short_is_refused(tracking, runs):
    with pytest.raises(BadInput, match="too short"):
        find(runs[0].id[:5], tracking.uri)


def test_a_beginning_that_several_runs_share_is_refused_with_those_runs(tracking, runs, monkeypatch):
    monkeypatch.setattr("zoo.tracking.lookup._SHORTEST_PREFIX", 0)
    with pytest.raises(BadInput, match=rf"Several runs begin with '': .*{runs[0].id}"):
        find("", tracking.uri)


def test_a_deleted_run_is_not_found(tracking, runs):
    MlflowClient(tracking.uri).delete_run(runs[0].id)
    with pytest.raises(BadInput, match="No run"):
        find(runs[0].id, tracking.uri)


@pytest.mark.parametrize("run_id", ["last", "abcdef"])
def test_looking_where_nothing_is_recorded_says_so_and_makes_no_database(fresh, tmp_path, run_id):
    with pytest.raises(BadInput, match="nothing is recorded there"):
        find(run_id, fresh.uri)
    assert list(tmp_path.iterdir()) == []


def test_looking_into_a_database_that_is_not_mlflows_says_so(tmp_path):
    (tmp_path / "notes.db").write_text("not a database, but long enough to look like one\n" * 100)
    with pytest.raises(BadInput, match="not an SQLite database"):
        find("abcdef", f"sqlite:///{tmp_path}/notes.db")


def test_a_stored_run_gives_history_and_artifacts(tracking, runs, tmp_path):
    (tmp_path / "a.txt").write_text("a")
    run = runs[2]
    run.log_artifact(tmp_path / "a.txt", "texts")
    for step in (3, 1, 2):  # a resumed run may log an earlier step later
        run.log_metrics({"loss": step / 10}, step)
    run.finish("KILLED")
    stored = find(run.id, tracking.uri)
    assert stored.history("loss") == [(1, 0.1), (2, 0.2), (3, 0.3)]
    assert stored.history("nothing") == []
    assert stored.artifacts() == ["texts"]
    assert stored.artifacts("texts") == ["texts/a.txt"]
    assert stored.download("texts/a.txt").read_text() == "a"
    assert (stored.download("texts") / "a.txt").read_text() == "a"


@pytest.mark.parametrize("artifact", ["model.keras", "../../../mlflow.db", "/etc/passwd"])
def test_an_artifact_that_is_not_there_is_refused_with_those_that_are(tracking, runs, tmp_path, artifact):
    (tmp_path / "a.txt").write_text("a")
    runs[0].log_artifact(tmp_path / "a.txt")
    with pytest.raises(BadInput, match=r"has no artifact .* It has: a\.txt\."):
        find(runs[0].id, tracking.uri).download(artifact)
