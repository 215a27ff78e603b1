"""What a node has to have in common with the client, told before anything is recorded."""

from dataclasses import replace

import pytest

import zoo
from zoo import tracking
from zoo.start.launcher import Slurm
from zoo.sweeps.cluster.site import Site, fault_of_node, versions
from zoo.sweeps.cluster.spread import site


@pytest.fixture
def here(tmp_path, data_dir):
    """What a sweep asks for, and one of its configs."""
    config = zoo.compose("model=xor_mlp", f"tracking.uri=sqlite:///{tmp_path}/mlflow.db")
    with site(tracking.connect(config.tracking, "xor_mlp"), Slurm(name="slurm")) as found:
        yield found, config


def test_a_node_that_has_what_is_needed_takes_part(here):
    asked, config = here
    assert fault_of_node(asked, [config]) == ""


def test_other_versions_of_what_decides_about_results_are_named(here):
    asked, config = here
    fault = fault_of_node(replace(asked, versions={**versions(), "tensorflow": "2.0.0", "keras": "2.0.0"}), [config])
    assert f"tensorflow {versions()['tensorflow']} rather than 2.0.0" in fault
    assert "keras" in fault
    assert "numpy" not in fault


def test_a_database_that_the_node_does_not_see_is_named_and_none_is_made(here, tmp_path):
    asked, config = here
    fault = fault_of_node(replace(asked, token=tmp_path / "elsewhere" / "token"), [config])
    assert "does not see" in fault
    assert "tracking server" in fault
    assert not (tmp_path / "elsewhere").exists()


def test_a_server_that_the_node_does_not_reach_is_named(here):
    asked, config = here
    away = zoo.compose("model=xor_mlp", "tracking.uri=http://127.0.0.1:9").tracking
    assert "127.0.0.1:9" in fault_of_node(replace(asked, token=None, store=away), [config])


def test_data_that_the_node_can_t_have_is_named(here, tmp_path):
    asked, _ = here
    text = tmp_path / "my.txt"
    config = zoo.compose("model=lstm", "data=text", f"data.train={text}")
    assert "my.txt" in fault_of_node(asked, [config])


def test_the_mark_beside_the_database_goes_with_the_sweep(tmp_path):
    config = zoo.compose("model=xor_mlp", f"tracking.uri=sqlite:///{tmp_path}/mlflow.db")
    with site(tracking.connect(config.tracking, "xor_mlp"), Slurm(name="slurm")) as found:
        assert found.token.exists()
    assert not found.token.exists()


def test_passwords_travel_with_a_task_and_are_not_shown(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "secret-word")
    config = zoo.compose("model=xor_mlp", f"tracking.uri=sqlite:///{tmp_path}/mlflow.db")
    with site(tracking.connect(config.tracking, "xor_mlp"), Slurm(name="slurm")) as found:
        assert found.environment["MLFLOW_TRACKING_PASSWORD"] == "secret-word"
        assert "secret-word" not in repr(found)
        assert isinstance(found, Site)
