"""What is about training is refused where a model is counted, and where nobody says it, it does not matter."""

import pytest

from zoo.config import BadInput
from zoo.config.counted import without_effect
from zoo.start import compose


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ("epochs=3", "epochs"),
        ("optimizer=adam", "optimizer"),
        ("optimizer.learning_rate=0.1 schedule=cosine", "optimizer.learning_rate and schedule"),
        ("init=he_normal init.bias=0.1", "init and init.bias"),
        ("batch_size=20", "batch_size"),
        ("precision=mixed_bfloat16", "precision"),
        ("early_stopping={patience:3}", "early_stopping"),
        ("stop.metric=val_loss stop.value=3", "stop.metric and stop.value"),
        ("callbacks=[keras.callbacks.Callback]", "callbacks"),
        ("loss=categorical_crossentropy label_smoothing=0.1", "loss and label_smoothing"),
        ("loop.jit=true", "loop.jit"),
        ("data.stride=20", "data.stride"),
        ("sweep.lr_scale=0.1", "sweep.lr_scale"),
        ("experiment=kjv_lstm epochs=2", "epochs"),
    ],
)
def test_what_is_about_training_is_refused_where_the_user_says_it(words, named):
    with pytest.raises(BadInput) as refused:
        compose("model=trigram", *words.split())
    assert str(refused.value) == (
        f"model=trigram is counted, not trained, so that {named} would change nothing. "
        "Leave out what is about training."
    )


@pytest.mark.parametrize(
    "words",
    [
        "", "debug=smoke", "loop=fit", "loop=tape", "seed=3", "model.vocab_size=200", "model.discount=0.5",
        "name=epochs", "data.sequence_length=3",
        "data=tiny_shakespeare data.level=char data.limit=1000", "monitor=val_perplexity", "experiment=kjv_lstm",
    ],
)  # fmt: skip
def test_what_has_an_effect_and_what_nobody_says_is_accepted(words):
    config = compose("model=trigram", *words.split())
    assert config.model.learns == "counting"
    assert without_effect(config).startswith("model=trigram is counted, not trained: ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("model=trigram data=xor", "model=trigram reads tokens, but data=xor gives vectors"),
        ("model=trigram loop=by_hand", "loop=by_hand knows the formulas of sigmoid layers"),
        ("model=trigram model.discount=1", "model.discount should be a number between 0 and 1. Received"),
        ("model=trigram model.learns=guessing", "model.learns should be training or counting"),
        ("model=trigram model.reads=vectors data=xor", "model.learns=counting is for a model that reads tokens"),
        ("model=trigram model.units=3", "model=trigram has no key 'model.units'"),
        ("model=lstm model.discount=0.5", "These have it: model=trigram"),
    ],
)
def test_what_else_does_not_go_together_is_said_in_words(words, said):
    with pytest.raises(BadInput) as refused:
        compose(*words.split())
    assert said in str(refused.value)
