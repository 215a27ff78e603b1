"""Sweeps from their words to their record: one parent, truthful children, an exit code that says what came of them."""

import json

import pytest
from rich.console import Console

import zoo
from zoo import compose, tracking
from zoo.config import BadInput
from zoo.start import grid
from zoo.sweeps.execute import execute

XOR = ["model=xor_mlp", "epochs=30"]


@pytest.fixture
def sweep(store, data_dir, tmp_path):
    """Run a sweep, and return it with its parent and children as they were recorded."""

    def run(*words):
        swept = execute(grid.read(words), folder=tmp_path / "sweep", console=Console(quiet=True))
        return swept, tracking.find(swept.run_id), tracking.children([swept.run_id], store)

    return run


def test_children_belong_to_one_parent_that_says_what_was_asked(sweep):
    swept, parent, children = sweep(*XOR, "optimizer=sgd,adam", "seed=range(3)")
    assert swept.exit_code == 0
    assert parent.status == "FINISHED"
    assert parent.params["optimizer"] == "sgd, adam"
    assert json.loads(parent.tags["sweep.swept"]) == ["optimizer", "seed"]
    assert "optimizer=sgd,adam" in parent.tags["sweep.command"]
    assert len(children) == 6
    assert {child.tags["mlflow.parentRunId"] for child in children} == {parent.id}
    assert {(child.tags["optimizer"], child.tags["seed"]) for child in children} == {
        (optimizer, str(seed)) for optimizer in ("sgd", "adam") for seed in range(3)
    }
    assert {child.status for child in children} == {"FINISHED"}
    assert parent.metrics["runs"] == 6
    assert "report.html" in str(parent.artifacts()) + str(parent.artifacts("report"))


def test_runs_that_train_together_leave_the_record_of_runs_that_train_alone(sweep):
    words = [*XOR, "optimizer=adam", "seed=0,1", "stop.metric=val_loss", "stop.value=0.6931"]
    _, _, together = sweep(*words, "sweep.vectorize=true")
    _, _, alone = sweep(*words, "sweep.vectorize=false")
    key = lambda child: child.tags["seed"]  # noqa: E731
    for one, other in zip(sorted(together, key=key), sorted(alone, key=key), strict=True):
        assert one.name == other.name
        assert one.params == other.params
        same = {"outcome", "reason", "choice", "config_hash", "monitored", "model", "optimizer"}
        assert {tag: one.tags[tag] for tag in same} == {tag: other.tags[tag] for tag in same}
        times = {name for name in other.metrics if name.endswith(("_seconds", "_per_second"))}
        assert set(other.metrics) - times <= set(one.metrics)
        for name in set(other.metrics) - times:
            assert one.metrics[name] == pytest.approx(other.metrics[name], rel=1e-4, abs=1e-6), name
        curves = [tracking.find(run.id).history("val_loss") for run in (one, other)]
        assert curves[0] == [(step, pytest.approx(value)) for step, value in curves[1]]


def test_a_run_that_cannot_begin_is_recorded_as_failed_and_the_others_run(sweep, tmp_path, monkeypatch):
    (tmp_path / "nets_of_mine.py").write_text(
        "import keras\n\ndef build(spec, width):\n"
        "    if width == 13:\n        raise RuntimeError('Unlucky.')\n"
        "    inputs = keras.Input(spec.shape)\n"
        "    return keras.Model(inputs, keras.layers.Dense(1, name='output')(inputs))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    swept, parent, children = sweep(
        "model=custom", "data=xor", "model.build=nets_of_mine.build", "+model.width=2,13,4", "epochs=2"
    )
    assert swept.exit_code == 1
    assert parent.status == "FAILED"
    outcomes = {child.params["model.width"]: child.tags["outcome"] for child in children}
    assert outcomes == {"2": "completed", "13": "error", "4": "completed"}
    (failed,) = [child for child in children if child.status == "FAILED"]
    assert failed.tags["reason"] == "RuntimeError: Unlucky."
    trace = tracking.find(failed.id).download("traceback.txt").read_text()
    assert "in build" in trace


def test_a_diverged_run_is_a_result(sweep):
    swept, parent, children = sweep(*XOR, "optimizer=sgd", "model.activation=relu", "optimizer.learning_rate=0.1,1e30")
    assert swept.exit_code == 0
    assert parent.status == "FINISHED"
    assert sorted(child.tags["outcome"] for child in children) == ["completed", "diverged"]


def test_a_sweep_that_goes_on_runs_only_what_is_new(sweep):
    _, parent, children = sweep(*XOR, "seed=0,1")
    swept, again, more = sweep(*XOR, "seed=0,1,2,3", f"sweep.resume={parent.id}")
    assert swept.run_id == parent.id
    assert len(swept.results) == 2
    assert sorted(child.tags["seed"] for child in more) == ["0", "1", "2", "3"]
    assert {child.id for child in children} < {child.id for child in more}
    assert again.metrics["runs"] == 4
    assert again.tags["sweep.command"].endswith(f"sweep.resume={parent.id}")  # the grid has grown


def test_a_sweep_that_goes_on_stays_in_its_experiment_and_tells_of_all_that_was_swept(sweep):
    _, parent, _ = sweep("model=xor_mlp,linear", "data=xor", "epochs=2", "optimizer=sgd", "seed=0")
    swept, again, children = sweep("model=linear", "data=xor", "epochs=2", "seed=0,1", f"sweep.resume={parent.id}")
    assert len(swept.results) == 1
    assert len(children) == 3
    assert {child.experiment_id for child in children} == {parent.experiment_id}
    assert json.loads(again.tags["sweep.swept"]) == ["model", "seed"]


def test_the_model_of_the_best_run_of_each_choice_is_kept(sweep):
    _, _, children = sweep(*XOR, "optimizer=sgd,adam", "seed=range(3)")
    for optimizer in ("sgd", "adam"):
        own = [child for child in children if child.tags["optimizer"] == optimizer]
        best = min(own, key=lambda child: child.metrics[f"best_{child.tags['monitored']}"])
        kept = [child for child in own if "model.keras" in tracking.find(child.id).artifacts()]
        assert len(kept) == 1
        metric = f"best_{best.tags['monitored']}"
        assert kept[0].metrics[metric] == best.metrics[metric] or "accuracy" in metric


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sweep.resume=0123456789abcdef", "seed=1,2"], "No run '0123456789abcdef'"),
        (["sweep.resume=last", "seed=1,2", "tracking=off"], "tracking=off"),
    ],
)
def test_a_sweep_that_is_not_there_cannot_go_on(words, said, store, data_dir, tmp_path):
    with pytest.raises(BadInput, match=said):
        execute(grid.read([*XOR, *words]), folder=tmp_path / "sweep", console=Console(quiet=True))


def test_another_model_cannot_go_on_with_a_sweep(sweep, tmp_path):
    _, parent, _ = sweep(*XOR, "seed=0,1")
    with pytest.raises(BadInput, match=r"is about model=xor_mlp\. Received: model=linear"):
        execute(grid.read(["model=linear", "seed=0,1", f"sweep.resume={parent.id}"]), console=Console(quiet=True))
    child = tracking.children([parent.id], parent.uri)[0]
    with pytest.raises(BadInput, match="is no sweep"):
        execute(grid.read([*XOR, "seed=0,1", f"sweep.resume={child.id}"]), console=Console(quiet=True))


def test_the_hash_of_a_config_leaves_out_where_it_is_recorded():
    from zoo.start import naming

    one, other = compose(*XOR, "tracking=off", "name=one"), compose(*XOR)
    assert naming.fingerprint(one) == naming.fingerprint(other)
    assert naming.fingerprint(one) != naming.fingerprint(compose(*XOR, "seed=1"))


def test_where_runs_cannot_train_together_each_fails_or_runs_by_itself(sweep, tmp_path, monkeypatch):
    (tmp_path / "convnet_of_mine.py").write_text(
        "import keras\n\ndef build(spec):\n"
        "    inputs = keras.Input(spec.shape)\n"
        "    picture = keras.layers.Reshape((8, 8, 1))(inputs)\n"
        "    maps = keras.layers.Conv2D(2, 3, strides=3, activation='relu', name='maps')(picture)\n"
        "    return keras.Model(inputs, keras.layers.Dense(10, name='output')(keras.layers.Flatten()(maps)))\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    words = ["model=custom", "data=digits", "model.build=convnet_of_mine.build", "data.limit=64", "epochs=1"]
    swept, parent, children = sweep(*words, "init=he_normal,identity,glorot_uniform", "sweep.vectorize=true")
    assert {child.tags["init"]: child.tags["outcome"] for child in children} == {
        "he_normal": "completed", "identity": "error", "glorot_uniform": "completed",
    }  # fmt: skip
    assert (swept.exit_code, parent.status, len(children)) == (1, "FAILED", 3)


def test_more_left_out_than_a_tag_holds_does_not_keep_the_answer_from_coming(sweep):
    words = [*XOR, "epochs=2", "optimizer=glob(*m)", "optimizer.momentum=0.5,0.9"]
    table = grid.read(words)
    assert sum(map(len, table.skipped)) > 0
    table.skipped.extend(f"{index}: {sentence}" for index in range(200) for sentence in table.skipped[:1])
    swept = execute(table, console=Console(quiet=True))
    parent = tracking.find(swept.run_id)
    assert parent.status == "FINISHED"
    assert json.loads(parent.tags["sweep.skipped"])[-1].endswith(" more")


def test_a_sweep_whose_answer_fails_still_ends_truthfully(sweep, monkeypatch):
    from zoo.sweeps import answer

    def fail(*arguments):
        raise RuntimeError("No space for pictures.")

    monkeypatch.setattr(answer, "answer", fail)
    swept, parent, children = sweep(*XOR, "seed=0,1")
    assert (swept.exit_code, parent.status) == (1, "FAILED")
    assert {child.status for child in children} == {"FINISHED"}


def test_runs_of_one_program_follow_each_other(monkeypatch):
    from zoo.sweeps.plan import plan

    words = ["model=lstm", "seed=range(2)", "optimizer=sgd,adam"]
    table = grid.read(words)
    (group,) = plan(table.cells, table.settings)
    order = [(cell.config.optimizer.name, cell.config.seed) for cell in group.cells]
    assert order == [("sgd", 0), ("sgd", 1), ("adam", 0), ("adam", 1)]


def test_a_job_that_finds_its_input_bad_after_it_was_opened_is_recorded_once(sweep, tmp_path, monkeypatch):
    (tmp_path / "callbacks_of_mine.py").write_text(
        "import keras\n\nclass Nothing(keras.callbacks.Callback):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    swept, _, children = sweep(*XOR, "callbacks=[callbacks_of_mine.Nothing]", "monitor=val_f1", "seed=0,1")
    assert swept.exit_code == 1
    assert [child.tags["outcome"] for child in children] == ["error", "error"]


def test_a_sweep_over_the_length_of_sequences_draws_the_error_against_it(sweep, tmp_path):
    words = ["model=rnn", "data=adding", "debug=smoke", "model.layers=1", "epochs=1", "data.length=10,11,12"]
    swept, parent, children = sweep(*words)
    assert swept.exit_code == 0
    assert parent.params["data.length"] == "10, 11, 12"
    assert parent.download("report/by_length.png").read_bytes().startswith(b"\x89PNG")
    assert "By length" in parent.download("report.html").read_text()
    assert all(child.metrics["test_constant_mse"] > 0.1 for child in children)


def test_discounts_of_a_trigram_are_compared_and_each_keeps_its_counts(sweep):
    words = ["model=trigram", "debug=smoke", "model.discount=0.3,0.75,0.95"]
    swept, parent, children = sweep(*words)
    assert (swept.exit_code, parent.status, len(children)) == (0, "FINISHED", 3)
    best = min(children, key=lambda child: child.metrics["best_val_loss"])
    assert parent.tags["best_choice"] == f"discount={best.params['model.discount']}"
    for child in children:
        loaded = zoo.load(child.id)
        assert loaded.model.discount == float(child.params["model.discount"])
    again, _, more = sweep(*words, f"sweep.resume={parent.id}")
    assert (len(again.results), len(more)) == (0, 3)


def test_a_trigram_and_a_network_are_compared_on_the_same_text(sweep):
    swept, parent, children = sweep("model=trigram,lstm", "debug=smoke")
    assert (swept.exit_code, parent.status) == (0, "FINISHED")
    trigram, lstm = sorted(children, key=lambda child: child.tags["model"], reverse=True)
    assert trigram.metrics["test_perplexity"] == pytest.approx(lstm.metrics["test_trigram_perplexity"])
    assert set(tracking.find(trigram.id).artifacts()) >= {"trigram.npz", "vocabulary.json"}
    assert set(tracking.find(lstm.id).artifacts()) >= {"model.keras", "vocabulary.json"}


def test_a_sweep_gives_signs_of_life_while_one_of_its_runs_trains(sweep, monkeypatch, store):
    monkeypatch.setattr("zoo.tracking.process.BEAT_SECONDS", 0.05)
    heard = []
    real = tracking.process.beat

    def beat():
        heard.append(1)
        return {**real(), "heartbeat": str(len(heard))}

    monkeypatch.setattr("zoo.tracking.process.beat", beat)
    _, parent, _ = sweep("model=mnist_fcn", "data=digits", "epochs=40", "seed=0")
    assert int(parent.tags["heartbeat"]) > 3
