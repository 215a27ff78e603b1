"""Runs by other names than their ids: the best of a filter, a sweep, a registered model."""

import pytest
from mlflow import MlflowClient

from zoo import tracking
from zoo.config import BadInput, Tracking


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with runs by two metrics, a sweep, and a registered model."""
    folder = tmp_path_factory.mktemp("store")
    opened = tracking.connect(Tracking(name="mlflow", uri=f"sqlite:///{folder}/mlflow.db"), "many")
    ids = {}
    parent = opened.start("sweep", tags={"sweep": "true"})
    for name, metric, value, status, above in [
        ("small", "val_loss", 0.5, "FINISHED", None),
        ("smaller", "val_loss", 0.2, "FINISHED", None),
        ("broken", "val_loss", 0.1, "FAILED", None),
        ("right", "val_accuracy", 0.9, "FINISHED", parent.id),
        ("wrong", "val_accuracy", 0.3, "FINISHED", parent.id),
    ]:
        run = opened.start(name, above, {"monitored": metric, "kind": metric})
        run.log_metrics({f"best_{metric}": value}, 3)
        run.finish(status)
        ids[name] = run.id
    parent.finish("FINISHED")
    client = MlflowClient(tracking_uri=opened.uri)
    client.create_registered_model("digits")
    client.create_model_version("digits", "models", run_id=ids["small"])
    client.set_registered_model_alias("digits", "champion", "1")
    return opened.uri, {**ids, "sweep": parent.id}


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("best:tags.kind = 'val_loss'", "smaller"),
        ("best:tags.kind = 'val_accuracy'", "right"),
        ("models:/digits@champion", "small"),
        ("models:/digits/1", "small"),
    ],
)
def test_a_reference_stands_for_one_run(reference, name, store):
    uri, ids = store
    assert tracking.refer(reference, uri).id == ids[name]


def test_a_sweep_stands_for_the_best_of_its_runs_and_an_id_for_itself(store):
    uri, ids = store
    assert tracking.refer(ids["sweep"], uri).id == ids["right"]
    assert tracking.refer(ids["broken"][:12], uri).id == ids["broken"]


def test_a_sweep_that_has_ended_stands_for_the_run_that_its_leaderboard_picked(store):
    uri, ids = store
    for tag, meant in ((ids["wrong"], "wrong"), ("0" * 32, "right")):  # the latter has been deleted since
        tracking.extend(ids["sweep"], uri, tags={tracking.BEST_RUN: tag})
        assert tracking.refer(ids["sweep"], uri).id == ids[meant]
        assert tracking.named(ids["sweep"], uri).id == ids["sweep"]
    tracking.extend(ids["sweep"], uri, tags={tracking.BEST_RUN: ids["wrong"]})
    tracking.extend(ids["wrong"], uri, tags={"pruned": '{"models": "2026-01-01"}'})
    assert tracking.refer(ids["sweep"], uri).id == ids["right"]
    tracking.extend(ids["sweep"], uri, tags={tracking.BEST_RUN: ""})


def test_last_stands_for_a_whole_sweep_where_its_newest_run_is_what_was_started_last(store):
    uri, ids = store
    assert tracking.find("last", uri).id == ids["sweep"]
    assert tracking.refer("last", uri).id == ids["right"]


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("best:tags.kind LIKE 'val%'", "judged by different metrics (val_accuracy, val_loss)"),
        ("best:attributes.status = 'FAILED'", "has finished, so that it could be the best"),
        ("best:tags.kind = 'other'", "No run in"),
        ("models:/digits@challenger", "There is no model models:/digits@challenger in the registry"),
        ("models:/nothing/3", "There is no model models:/nothing/3"),
        ("models:/digits", "should be models:/NAME@ALIAS or models:/NAME/VERSION"),
    ],
)
def test_a_reference_that_stands_for_none_or_several_is_refused_in_words(reference, says, store):
    with pytest.raises(BadInput) as caught:
        tracking.refer(reference, store[0])
    assert says in str(caught.value)
