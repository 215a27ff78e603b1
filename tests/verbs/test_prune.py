"""`zoo prune`: what it names first, what it removes, and above all what it leaves alone."""

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient

import zoo
from tests.tracking.mlflow_server import MlflowServer
from tests.verbs.conftest import SMALL, Runs, make
from zoo import kept, served, tracking, verbs
from zoo.config import BadInput, Tracking
from zoo.tracking import registry

ALL = ["keep=none", "yes=true"]


@pytest.fixture(scope="module")
def made(tmp_path_factory, data_dir):
    return make(tmp_path_factory.mktemp("made"), "digits", "worse digits", "words", "trigram")


@pytest.fixture
def store(made, tmp_path, monkeypatch):
    """A copy for each test; the paths in its database are those of the copy."""
    folder = tmp_path / "runs"
    shutil.copytree(made.folder, folder)
    with closing(sqlite3.connect(folder / "mlflow.db")) as database:
        for table, column in (("experiments", "artifact_location"), ("runs", "artifact_uri"), ("tags", "value")):
            database.execute(f"UPDATE {table} SET {column} = replace({column}, ?, ?)", (str(made.folder), str(folder)))
        database.commit()
    uri = f"sqlite:///{folder}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    return Runs(folder, made.ids)


def held(store, name):
    """Return the names of the large files of a run, in its record and in its own folder."""
    run = tracking.find(store.ids[name], store.uri)
    folders = [run.artifact_folder, Path(run.tags["folder"])]
    return {path.name for folder in folders for path in folder.rglob("*") if path.suffix in (".keras", ".npz")}


def everything(store):
    return {name: held(store, name) for name in store.ids}


def test_a_dry_run_lists_sizes_and_touches_nothing(store, capsys):
    before = everything(store)
    assert verbs.run("prune", "keep=none") == 0
    shown = capsys.readouterr().out
    assert "Nothing was removed. yes=true would free" in shown
    for run_id in store.ids.values():
        assert run_id[:8] in shown
    assert "kB" in shown
    assert everything(store) == before
    assert all(before.values())


def test_what_is_said_is_removed_and_the_record_stays(store, capsys):
    run = tracking.find(store.ids["words"])
    expected = sum(path.stat().st_size for path in (run.artifact_folder / "checkpoints").iterdir())
    verbs.run("prune", f"run={store.ids['words']}", "what=checkpoints", *ALL)
    assert "Freed" in capsys.readouterr().out
    assert expected > 0
    assert held(store, "words") == {"model.keras"}
    verbs.run("prune", f"run={store.ids['words']}", "what=models", *ALL)
    assert held(store, "words") == set()
    now = tracking.find(store.ids["words"])
    assert set(run.params) == set(now.params)
    assert run.metrics == now.metrics
    assert {"learning_curves.png", "sample.txt", "vocabulary.json", "config.yaml"} <= set(now.artifacts())
    assert set(json.loads(now.tags["pruned"])) == {"checkpoints", "models"}
    verbs.run("prune", f"run={store.ids['words']}", "keep=none")
    assert "nothing to free" in capsys.readouterr().out


def test_a_pruned_run_answers_in_words(store):
    verbs.run("prune", *ALL)
    assert not any(everything(store).values())
    run_id = store.ids["digits"]
    with pytest.raises(BadInput, match=r"was pruned of its models on .*rerun="):
        zoo.load(run_id)
    with pytest.raises(BadInput, match=r"was pruned of its models on .*rerun="):
        verbs.run("export", run_id)
    with pytest.raises(BadInput, match=r"was pruned of its checkpoints on .*rerun="):
        zoo.compose(f"resume={run_id}", "epochs=9")
    with pytest.raises(BadInput, match="was pruned of its models"):
        zoo.train(f"init_from={run_id}", "epochs=1")
    assert zoo.train(f"rerun={run_id}").outcome == "completed"


def test_the_best_of_each_model_and_data_set_is_kept_unless_none_is(store, capsys):
    verbs.run("prune", "yes=true")
    assert "the best of mnist_fcn on digits" in capsys.readouterr().out
    assert held(store, "digits") >= {"model.keras"}
    assert held(store, "worse digits") == set()
    assert held(store, "words")
    assert held(store, "trigram") == {"trigram.npz"}


def test_a_run_that_is_named_is_the_best_only_if_no_other_of_its_kind_is_better(store, capsys):
    verbs.run("prune", f"run={store.ids['worse digits']}", "yes=true")
    assert "the best" not in capsys.readouterr().out
    assert held(store, "worse digits") == set()
    verbs.run("prune", f"run={store.ids['digits']}", "yes=true")
    assert "Left alone: 1 run, the best of mnist_fcn on digits." in capsys.readouterr().out
    assert held(store, "digits")


def test_models_of_words_and_of_characters_have_a_best_each(store, capsys):
    made = store.train("model=lstm", "data.level=char", "data=text", f"data.train={store.folder}/text.txt", *SMALL)
    verbs.run("prune", "yes=true")
    assert "the best of lstm on text by char" in capsys.readouterr().out
    assert held(store, "words")
    assert "model.keras" in tracking.find(made).artifacts()
    with pytest.raises(BadInput, match=r"do not compare.* Narrow the filter: best:params.`data.level` = "):
        zoo.load("best:tags.model = 'lstm'")
    assert zoo.load("best:tags.model = 'lstm' and params.`data.level` = 'char'").run.id == made


def test_a_filter_says_which(store):
    verbs.run("prune", "filter=tags.model = 'lstm'", *ALL)
    assert held(store, "words") == set()
    assert held(store, "digits")
    with pytest.raises(BadInput, match="No run"):
        verbs.run("prune", "filter=tags.model = 'nothing'")
    with pytest.raises(BadInput, match="MLflow can't read"):
        verbs.run("prune", "filter=tags.model =")
    with pytest.raises(BadInput, match=r'read filter="tags[.]model =": '):
        verbs.run("show", "best:tags.model =")


def test_a_run_at_work_is_never_touched(store, capsys):
    client = MlflowClient(store.uri, store.uri)
    client.update_run(store.ids["words"], status="RUNNING")
    before = held(store, "words")
    verbs.run("prune", *ALL)
    assert "1 run, at work" in capsys.readouterr().out
    assert held(store, "words") == before
    assert held(store, "digits") == set()


def test_a_run_that_has_gone_to_work_since_the_list_was_made_is_not_touched(store):
    found = tracking.survey(None, None, ("checkpoints", "models"), "none")
    MlflowClient(store.uri, store.uri).update_run(store.ids["words"], status="RUNNING")
    before = held(store, "words")
    freed = {one.run.id: found.prune(one) for one in found.found}
    assert freed[store.ids["words"]] == 0
    assert freed[store.ids["digits"]] > 0
    assert held(store, "words") == before


def test_a_registered_run_is_kept_and_one_that_was_only_logged_loses_its_copy(store, capsys):
    verbs.run("register", store.ids["trigram"], "name=counted")
    found = kept.find(store.ids["digits"])
    model = registry.log(found.run, lambda folder, model_id: served.save(found, folder, model_id))
    folder = store.folder / "mlruns" / found.run.experiment_id / "models" / model.model_id
    assert folder.is_dir()
    verbs.run("prune", *ALL)
    assert "registered as counted" in capsys.readouterr().out
    assert held(store, "trigram") == {"trigram.npz"}
    assert not folder.exists()
    assert registry.logged(found.run) is None
    verbs.run("generate", "models:/counted/1", "length=3")


def test_files_of_others_and_what_links_lead_to_stay(store, tmp_path):
    run = tracking.find(store.ids["words"])
    other = tmp_path / "other"
    other.mkdir()
    (other / "last-00000001-0123456789abcdef.npz").write_text("not yours")
    shutil.rmtree(run.artifact_folder / "checkpoints")
    (run.artifact_folder / "checkpoints").symlink_to(other)
    (run.artifact_folder / "mine.npz").write_text("mine")
    mine = tracking.find(store.ids["digits"]).artifact_folder / "checkpoints" / "mine.txt"
    mine.write_text("mine")
    tracking.extend(run.id, tags={"folder": str(tmp_path)})
    (tmp_path / "model.keras").write_text("another's")
    (tmp_path / "config.yaml").write_text("another: true")
    verbs.run("prune", *ALL)
    assert list(other.iterdir())
    assert (run.artifact_folder / "mine.npz").exists()
    assert mine.exists()
    assert (tmp_path / "model.keras").exists()


def test_the_runs_of_a_sweep_are_pruned_by_its_id(store):
    swept = zoo.sweep(
        "data=digits", "model.hidden=[8]", "epochs=1", "seed=0,1", "sweep.vectorize=false", "sweep.keep=all"
    )
    verbs.run("prune", f"run={swept.run_id}", *ALL)
    for result in swept.results:
        assert not {"model.keras", "checkpoints"} & set(tracking.find(result.run_id).artifacts())
    assert held(store, "digits")


@pytest.mark.slow
def test_runs_of_a_server_are_pruned_too(tmp_path, data_dir, monkeypatch, capsys):
    server = MlflowServer(tmp_path)
    server.start()
    try:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
        monkeypatch.chdir(tmp_path)
        run_id = zoo.train("data=digits", "model.hidden=[8]", "epochs=1").run_id
        assert tracking.find(run_id).artifacts("checkpoints")
        verbs.run("prune", *ALL)
        assert "Freed" in capsys.readouterr().out
        assert "model.keras" not in tracking.find(run_id).artifacts()
        assert not tracking.find(run_id).artifacts("checkpoints")
        assert not list(tmp_path.glob("outputs/**/*.keras"))
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["what=everything"], "what should be checkpoints or models"),
        (["keep=some"], "keep should be best or none"),
        (["yes=maybe"], "yes should be true or false"),
        (["run=abcdef12", "filter=x"], "not both"),
        (["wat=models"], "Did you mean 'what'?"),
    ],
)
def test_a_wrong_word_is_refused(words, says, made):
    with pytest.raises(BadInput) as caught:
        verbs.run("prune", *words, f"tracking.uri={made.uri}")
    assert says in str(caught.value)


def test_an_empty_store_has_nothing_to_free(tmp_path):
    with pytest.raises(BadInput, match="No run"):
        verbs.run("prune", f"tracking.uri=sqlite:///{tmp_path}/none.db")
    assert not (tmp_path / "none.db").exists()
    uri = f"sqlite:///{tmp_path}/empty.db"
    tracking.connect(Tracking(name="mlflow", uri=uri), "any").start("any").finish("FINISHED")
    assert verbs.run("prune", f"tracking.uri={uri}") == 0
