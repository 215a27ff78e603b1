"""Sweeps on Ray: on several nodes, of which one is lost, and on a cluster that is started for the sweep."""

import json
import threading
import time

import pytest

from zoo import tracking
from zoo.config import BadInput
from zoo.start.launcher import Ray

pytest.importorskip("ray", reason="Ray is not installed")


@pytest.fixture
def nodes(monkeypatch):
    """Ray's own test cluster: two nodes on this machine, of one core each."""
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.second = cluster.add_node(num_cpus=1)
    yield cluster
    cluster.shutdown()


@pytest.mark.slow
def test_what_a_lost_node_has_not_finished_is_made_once_by_another_with_the_same_bits(nodes, sweep, store, numbers):
    words = ["model=mnist_fcn", "data=digits", "epochs=60", "seed=range(6)", "sweep.vectorize=false"]

    def lose_a_node():
        deadline = time.monotonic() + 240
        while time.monotonic() < deadline:
            time.sleep(0.2)
            try:
                children = tracking.children([tracking.newest_sweep(store)], store, or_none=True)
            except BadInput:  # nothing is recorded yet
                continue
            if sum(child.status == "RUNNING" for child in children) == 2:
                time.sleep(0.5)
                nodes.remove_node(nodes.second, allow_graceful=False)
                return

    loser = threading.Thread(target=lose_a_node)
    loser.start()
    swept, parent, children, log = sweep(*words, launcher=Ray(name="ray", address=nodes.address), folder="there")
    loser.join()
    assert swept.exit_code == 0
    assert "is given out again" in log
    assert parent.status == "FINISHED"
    assert parent.metrics["runs"] == 6
    lost = [child for child in children if child.tags["outcome"] == "interrupted"]
    assert len(lost) == 1
    assert lost[0].status == "KILLED"
    assert "node was lost" in lost[0].tags["reason"]
    assert {child.tags["mlflow.parentRunId"] for child in children} == {parent.id}

    _, _, here, _ = sweep(*words, folder="here")
    assert numbers(children) == numbers(here)


@pytest.mark.slow
def test_a_population_is_cut_into_tasks_and_goes_on_where_it_has_ended(sweep, numbers):
    words = ["model=xor_mlp", "optimizer=sgd,adam", "epochs=30"]
    launcher = Ray(name="ray")
    _, parent, some, log = sweep(*words, "seed=range(70)", launcher=launcher, folder="there")
    assert "140 runs in 4 tasks on Ray" in log
    assert len(some) == 140
    swept, _, children, _ = sweep(
        *words, "seed=range(90)", f"sweep.resume={parent.id}", launcher=launcher, folder="more"
    )
    assert len(swept.results) == 40
    assert tracking.find(parent.id).metrics["runs"] == 180
    kept = [child for child in children if "model" in str(tracking.find(child.id).artifacts())]
    assert {json.loads(child.tags["choice"])["optimizer"] for child in kept} == {"sgd", "adam"}

    _, _, here, _ = sweep(*words, "seed=range(90)", folder="here")
    assert numbers(children) == numbers(here)


def test_a_cluster_that_does_not_answer_is_named_before_anything_is_recorded(sweep, store):
    with pytest.raises(BadInput, match=r"No Ray cluster answers at 127.0.0.1:9"):
        sweep("model=xor_mlp", "seed=0,1", launcher=Ray(name="ray", address="127.0.0.1:9"))
    with pytest.raises(BadInput, match="No sweep is recorded"):
        tracking.newest_sweep(store)
