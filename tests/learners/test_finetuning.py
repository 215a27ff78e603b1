"""Runs that start from the weights of others: what is taken, what begins anew, what is frozen, what is forgotten."""

import numpy as np
import pytest
from rich.console import Console

import zoo
from zoo import compose, tracking
from zoo.config import BadInput
from zoo.learners.network import Network
from zoo.run import run
from zoo.start import grid
from zoo.sweeps.execute import execute

SMALL = ["data=digits", "model.hidden=[32,16]", "epochs=30", "batch_size=16"]
LOW, HIGH = "data.classes=[0,1,2,3,4]", "data.classes=[5,6,7,8,9]"


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path)


def train(*words):
    result = run(compose(*words), console=Console(quiet=True))
    assert result.exit_code == 0, result.reason
    return result, tracking.find(result.run_id)


def weights(run_id):
    return {w.path: w.numpy() for w in zoo.load(run_id).model.weights}


def test_the_choices_of_the_source_are_composed_anew_with_the_users_on_top(store):
    _, source = train(*SMALL, LOW, "optimizer=rmsprop", "epochs=1", "name=first")
    config = compose(f"init_from={source.id[:10]}", HIGH, "optimizer=sgd", "seed=3")
    assert config.init_from == source.id
    assert (config.model.hidden, config.optimizer.name, config.seed, config.epochs) == ([32, 16], "sgd", 3, 1)
    assert (config.data.classes, config.name) == ([5, 6, 7, 8, 9], None)


def test_layers_are_taken_and_frozen_by_name_and_the_head_of_other_classes_begins_anew(store):
    _, source = train(*SMALL, LOW, "epochs=2")
    result, tuned = train(f"init_from={source.id}", HIGH, "data.limit=100", "freeze=[hidden_1]", "epochs=2")
    before, after = weights(source.id), weights(tuned.id)
    np.testing.assert_array_equal(after["hidden_1/kernel"], before["hidden_1/kernel"])
    assert not np.array_equal(after["hidden_2/kernel"], before["hidden_2/kernel"])
    log = tuned.download("run.log").read_text()
    assert f"Starts from run {source.id} ({source.name}): hidden_1, hidden_2; output begins anew." in log
    assert "Frozen: hidden_1." in log
    assert tuned.tags["init_from"] == source.id
    assert f"#/experiments/{source.experiment_id}/runs/{source.id}" in tuned.tags["mlflow.note.content"]
    assert "freeze=[hidden_1]" in tuned.name
    assert f"init_from={source.id[:8]}" in tuned.name
    assert result.metrics["source_test_accuracy_before"] == source.metrics["test_accuracy"]


def test_what_begins_anew_does_not_begin_where_the_source_began_under_the_same_seed(store):
    frozen = ["freeze=['hidden_*']", "optimizer=sgd", "optimizer.learning_rate=1e-9", "epochs=1"]
    _, source = train(*SMALL, LOW, "optimizer=sgd", "optimizer.learning_rate=1e-9", "epochs=1")
    _, tuned = train(f"init_from={source.id}", HIGH, *frozen)
    before, after = weights(source.id)["output/kernel"], weights(tuned.id)["output/kernel"]
    assert abs(np.corrcoef(before.ravel(), after.ravel())[0, 1]) < 0.5
    _, again = train(f"init_from={source.id}", HIGH, *frozen)
    np.testing.assert_array_equal(after, weights(again.id)["output/kernel"])


@pytest.mark.parametrize("loop", ["tape", "fit"])
def test_nothing_is_forgotten_where_all_that_the_source_used_is_frozen(loop, store):
    _, source = train(*SMALL, LOW, "epochs=3")
    result, _ = train(f"init_from={source.id}", HIGH, "freeze=['hidden_*']", f"loop={loop}", "epochs=3")
    assert result.metrics["source_test_accuracy"] == source.metrics["test_accuracy"]
    assert result.metrics["source_test_loss"] == pytest.approx(source.metrics["test_loss"], rel=1e-6)


def test_what_is_forgotten_of_a_source_that_was_never_tested_is_measured_before_and_after(store, monkeypatch):
    _, tested = train(*SMALL, LOW, "epochs=2")
    with monkeypatch.context() as patch:
        patch.setattr(Network, "test", lambda *_: {})
        _, source = train(*SMALL, LOW, "epochs=2", "name=untested")
    assert "test_accuracy" not in source.metrics
    result, _ = train(f"init_from={source.id}", HIGH, "epochs=1")
    for name in ("accuracy", "loss"):
        assert result.metrics[f"source_test_{name}_before"] == pytest.approx(tested.metrics[f"test_{name}"], rel=1e-6)
    assert result.metrics["source_test_accuracy"] < result.metrics["source_test_accuracy_before"]


@pytest.mark.slow
def test_digits_from_a_hundred_examples_a_class_are_learnt_better_from_others_than_from_scratch(store):
    _, source = train("experiment=digits_0_4", "epochs=3")
    gains, kept = [], []
    for seed in range(3):
        words = ["experiment=digits_5_9", f"seed={seed}"]
        alone, _ = train(*words)
        tuned, _ = train(*words, f"init_from={source.id}")
        gains.append(tuned.metrics["test_accuracy"] - alone.metrics["test_accuracy"])
        kept.append(tuned.metrics["source_test_accuracy"])
    assert min(gains) > 0
    assert max(kept) < source.metrics["test_accuracy"]


@pytest.mark.slow
def test_words_of_the_new_testament_that_the_old_has_too_keep_their_embeddings_and_help(store):
    shrunk = ["data.limit=40000", "epochs=1"]
    _, source = train("experiment=old_testament", *shrunk)
    alone, _ = train("experiment=new_testament", "data.limit=10000", "epochs=2")
    tuned, record = train("experiment=new_testament", "data.limit=10000", "epochs=2", f"init_from={source.id}")
    assert tuned.metrics["test_perplexity"] < 0.8 * alone.metrics["test_perplexity"]
    assert tuned.metrics["source_test_perplexity_before"] == source.metrics["test_perplexity"]
    assert tuned.metrics["source_test_perplexity"] != source.metrics["test_perplexity"]
    old, new = zoo.load(source.id).vocabulary, zoo.load(record.id).vocabulary
    both = len(set(old.tokens) & set(new.tokens))
    assert 1000 < both < len(new)
    assert f"lstm_1, embedding ({both:,} words), output ({both:,} words)" in record.download("run.log").read_text()


def test_a_word_keeps_its_embedding_wherever_the_other_vocabulary_has_it(store, tmp_path):
    for name, text in (("one", "a b c d\n" * 60), ("other", "d x b\n" * 60)):
        (tmp_path / f"{name}.txt").write_text(text)
    words = ["model=rnn", "data=text", "model.embedding=4", "model.units=4", "data.sequence_length=4", "batch_size=2"]
    _, source = train(*words, f"data.train={tmp_path}/one.txt", "epochs=1")
    frozen = ["freeze=[embedding,output]", "epochs=1", f"data.train={tmp_path}/other.txt"]
    _, tuned = train(f"init_from={source.id}", *frozen)
    one, other = zoo.load(source.id), zoo.load(tuned.id)
    before, after = (loaded.model.get_layer("embedding").get_weights()[0] for loaded in (one, other))
    head, new_head = (loaded.model.get_layer("output").get_weights() for loaded in (one, other))
    for word in ("d", "b", "<eos>"):
        there, here = one.vocabulary.ids[word], other.vocabulary.ids[word]
        np.testing.assert_array_equal(before[there], after[here])
        np.testing.assert_array_equal(head[0][:, there], new_head[0][:, here])
        assert head[1][there] == new_head[1][here]


def test_a_fine_tuned_run_is_made_again_by_its_id_and_swept_by_seeds(store):
    _, source = train(*SMALL, LOW, "epochs=2")
    result, tuned = train(f"init_from={source.id}", HIGH, "epochs=2")
    again, _ = train(f"rerun={tuned.id}")
    assert again.history["loss"] == result.history["loss"]
    swept = execute(
        grid.read([f"init_from=best:tags.config_hash = '{source.tags['config_hash']}'", HIGH, "epochs=2", "seed=0,1"])
    )
    assert [one.exit_code for one in swept.results] == [0, 0]
    assert swept.results[0].history["loss"] == result.history["loss"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["model.hidden=[8,16]"], "The weights of layer 'hidden_1' have other shapes than those to start from"),
        (["freeze=[hiden_1]"], "freeze names no layer with weights: 'hiden_1'. Did you mean 'hidden_1'"),
        (["freeze=['*']"], "leaves nothing to learn"),
        (["model=xor_mlp", "data=xor", "model.hidden=[3]"], "The weights of layer 'hidden_1' have other shapes"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_run_is_opened(words, says, store):
    _, source = train(*SMALL, "epochs=1")
    with pytest.raises(BadInput) as caught:
        run(compose(f"init_from={source.id}", *words), console=Console(quiet=True))
    assert says in str(caught.value)
    assert tracking.find("last").id == source.id


def test_a_run_that_is_not_there_is_refused_in_words(store):
    with pytest.raises(BadInput, match="No run 'abcdef12'"):
        compose("init_from=abcdef12")
