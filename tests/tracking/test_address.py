from pathlib import Path

import pytest

from zoo.config import BadInput
from zoo.tracking.address import artifact_root, database_file, mask, resolve, root, ui_command


def test_the_default_store_is_a_database_in_the_repository():
    repository = Path(__file__).parents[2]
    assert root() == repository
    assert resolve() == f"sqlite:///{repository}/mlflow.db"
    assert artifact_root(resolve()) == repository / "mlruns"


def test_the_environment_overrides_the_default_and_the_config_overrides_both(monkeypatch, tmp_path):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert resolve() == "http://127.0.0.1:5000"
    assert resolve("sqlite:///runs.db") == f"sqlite:///{tmp_path}/runs.db"


def test_an_sqlite_address_becomes_absolute_and_keeps_its_options(tmp_path):
    assert resolve("sqlite:///a/b.db?timeout=30") == f"sqlite:///{tmp_path}/a/b.db?timeout=30"
    assert resolve("sqlite:////a/../b.db") == "sqlite:////b.db"
    assert resolve("sqlite:///~/b.db") == f"sqlite:///{Path.home()}/b.db"
    assert database_file("sqlite:////a/b.db?timeout=30") == Path("/a/b.db")


@pytest.mark.parametrize("uri", ["./mlruns", "/data/mlruns", "file:///data/mlruns", "file:mlruns", "C:\\runs"])
def test_a_folder_of_files_is_refused_with_the_address_of_a_database_instead(uri):
    with pytest.raises(BadInput, match=r"tracking\.uri should be .* Try tracking\.uri=sqlite:///.*mlflow\.db\."):
        resolve(uri)


def test_the_database_offered_instead_of_a_folder_lies_in_that_folder():
    with pytest.raises(BadInput, match=r"Try tracking\.uri=sqlite:////data/mlruns/mlflow\.db\."):
        resolve("file:///data/mlruns")


@pytest.mark.parametrize("uri", ["sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite://mlflow.db"])
def test_an_sqlite_address_without_a_file_is_refused(uri):
    with pytest.raises(BadInput, match="should name a database file"):
        resolve(uri)


def test_plain_mlflow_ui_is_named_only_where_it_shows_the_run(monkeypatch, tmp_path):
    here = resolve("sqlite:///mlflow.db")
    assert ui_command(here, "1", "abc") == "mlflow ui"
    assert ui_command(resolve("sqlite:///other.db"), "1", "abc") == (
        f"mlflow ui --backend-store-uri sqlite:///{tmp_path}/other.db"
    )

    monkeypatch.setenv("MLFLOW_BACKEND_STORE_URI", "sqlite:///other.db")
    assert ui_command(here, "1", "abc") == f"mlflow ui --backend-store-uri {here}"
    monkeypatch.delenv("MLFLOW_BACKEND_STORE_URI")

    # An experiment of MLflow's former file store makes a bare `mlflow ui` look there.
    (tmp_path / "mlruns" / "0").mkdir(parents=True)
    (tmp_path / "mlruns" / "0" / "meta.yaml").touch()
    assert ui_command(here, "1", "abc") == f"mlflow ui --backend-store-uri {here}"


def test_the_ui_command_can_be_pasted_into_a_shell(tmp_path):
    uri = resolve("sqlite:///my runs/mlflow.db")
    assert ui_command(uri, "1", "abc") == f"mlflow ui --backend-store-uri 'sqlite:///{tmp_path}/my runs/mlflow.db'"


def test_a_server_is_seen_on_its_own_page():
    assert ui_command("https://me:secret@host/ml/", "1", "abc") == "https://host/ml/#/experiments/1/runs/abc"


def test_the_ui_command_holds_no_password(monkeypatch):
    uri = "postgresql://me:secret@host/runs"
    assert ui_command(uri, "1", "abc") == "mlflow ui --backend-store-uri 'postgresql://me:***@host/runs'"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    assert ui_command(uri, "1", "abc") == 'mlflow ui --backend-store-uri "$MLFLOW_TRACKING_URI"'


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("GET http://me:secret@host:5000/api failed", "GET http://me:***@host:5000/api failed"),
        ("postgresql+psycopg://me:s/e:c@ret@host/runs", "postgresql+psycopg://me:***@host/runs"),
        ("https://token@host", "https://***@host"),
        ("postgresql://me@host/runs", "postgresql://me@host/runs"),
        ("postgresql://host/runs?user=me&password=secret&a=b", "postgresql://host/runs?user=me&password=***&a=b"),
        ("sqlite:////folder/mlflow.db", "sqlite:////folder/mlflow.db"),
        ("write to me@host", "write to me@host"),
    ],
)
def test_secrets_of_addresses_are_masked(text, masked):
    assert mask(text) == masked
