"""What the data settles about a model is in the config, and what contradicts it is refused."""

import pytest

from zoo.config import BadInput, Config
from zoo.start import compose


@pytest.mark.parametrize("model", ["rnn", "gru", "lstm", "feedback"])
def test_a_model_that_reads_sequences_is_recorded_to_put_out_values(model):
    config = compose(f"model={model}", "data=adding")
    assert config.tree()["model"]["output"] == "values"
    assert not config.model.carries_state
    assert (config.monitored, config.metric_names) == ("val_loss", ["loss", "val_loss"])
    if model != "feedback":
        assert (config.model.predict, config.model.carry_state) == ("last", False)


@pytest.mark.parametrize(("level", "names"), [("word", {"perplexity"}), ("char", {"perplexity", "bits_per_character"})])
def test_the_metrics_of_a_language_model_are_known_before_it_is_built(level, names):
    config = compose("model=gru", "data=kjv", f"data.level={level}")
    assert set(config.metric_names) == {"loss", "val_loss", *names, *(f"val_{name}" for name in names)}


def test_what_is_recorded_is_the_same_config_again():
    config = compose("model=lstm", "data=adding", "model.units=8")
    assert Config.check(config.tree(), config.overrides) == config


def test_a_model_of_the_users_reads_sequences_if_it_says_so():
    words = ["model=custom", "model.build=zoo.models.mlp.build", "data=adding"]
    with pytest.raises(BadInput, match="reads vectors, but data=adding gives sequences"):
        compose(*words)
    assert compose(*words, "model.reads=sequences").model.output == "values"
    assert compose(*words, "model.reads=[vectors,sequences]").model.kinds == ["vectors", "sequences"]
    with pytest.raises(BadInput, match=r"model\.reads should be vectors, sequences or tokens, or a list of them"):
        compose(*words, "model.reads=[]")


def test_text_and_vectors_settle_nothing():
    assert compose("model=lstm").model.predict == "every"
    assert compose("model=feedback").model.output == "probabilities"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("model.output=logits", "for which model.output can only be values. Received: model.output=logits"),
        ("model.predict=every", "for which model.predict can only be last"),
        ("model.carry_state=true", "for which model.carry_state can only be false"),
        ("model.tied_weights=true", "model.tied_weights=true shares the matrix of an embedding"),
        ("model.embedding=3", "model.embedding is about tokens, but data=adding gives sequences"),
        ("model.vocab_size=30", "model.vocab_size is about tokens"),
        ("loss=categorical_crossentropy", "loss=categorical_crossentropy needs logits or probabilities"),
        ("loss=probabilities_as_logits", "leave loss out"),
        ("label_smoothing=0.1", "not with the mean squared error"),
        ("class_weight=balanced", "class_weight does not apply to a target that is a number"),
        ("data.folds=5 data.fold=0", "a target that is a number has no classes. Received: data.folds=5"),
        ("data.classes=[0,1]", "data=adding has no key 'data.classes'"),
        ("monitor=val_accuracy", "unknown metric 'val_accuracy'"),
        ("model=mnist_fcn", "model=mnist_fcn reads vectors, but data=adding gives sequences. Choose data that gives"),
        ("model=xor_mlp", "model=xor_mlp reads vectors"),
        ("model=linear loop=by_hand", "model=linear reads vectors"),
        ("model=feedback model.iterations=3", "model.iterations is about vectors"),
        ("model=feedback model.output=probabilities", "model.output can only be values"),
        ("loop=by_hand", "loop=by_hand knows the formulas of sigmoid layers"),
    ],
)
def test_what_does_not_go_with_sequences_is_refused_with_a_way_out(words, sentence):
    with pytest.raises(BadInput) as refused:
        compose("data=adding", *([] if "model=" in words else ["model=lstm"]), *words.split())
    assert sentence in str(refused.value)
