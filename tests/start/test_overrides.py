"""The user's words, read one by one."""

import pytest

from zoo.config import BadInput
from zoo.start.overrides import axes, is_hydras, parse, read


def test_words_are_choices_and_values():
    said = read(["model=lstm", "optimizer.learning_rate=1e-3", "name='two words'", "+model.width=3", "experiment=null"])
    assert said.choices == {"model": "lstm", "experiment": None}
    assert said.values == {"optimizer.learning_rate": 0.001, "name": "two words", "model.width": 3}
    assert said.added == {"model.width"}
    assert said.mistakes == []


def test_the_last_word_about_a_key_counts():
    assert parse(["epochs=1", "epochs=2"]) == {"epochs": 2}


def test_words_about_hydra_itself_are_left_to_it():
    assert is_hydras("hydra.run.dir=here")
    assert is_hydras("hydra/launcher=joblib")
    assert not is_hydras("data.hydra=1")
    assert parse(["hydra.run.dir=here", "seed=1"]) == {"seed": 1}


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("hello", "expected key=value"),
        ("model.hidden=[3", "every [ needs a ]"),
        ("model.hidden={3", "every { needs a }"),
        ("seed=range(1", "every ( needs a )"),
        ("data.train=a:b=[", "every [ needs a ]"),
        ("seed=log(1)", "unknown function 'log'"),
        ("~optimizer", "a run needs every key"),
        ("~optimizer.momentum", "a run needs every key"),
        ("model@other=lstm", "by an @"),
        ("model=lstm,gru", "names several values. Add -m to train one after the other."),
        ("callbacks=a.B,c.D", "or write a list as callbacks=[a.B,c.D]"),
        ("seed=range(3)", "names several values. Add -m"),
        ("optimizer=glob(*)", "names several values. Add -m"),
        ("+experiment=mnist_98", "Write experiment=mnist_98, without the plus"),
        ("optimizer.name=sgd", "Choose another: optimizer=sgd"),
        ("model=lstmm", "Unknown model 'lstmm'. Did you mean 'lstm'?"),
        ("model=null", "Every run has one option of model"),
        ("model=", "Every run has one option of model"),
        ("optimizer=[adam]", "Unknown optimizer '[adam]'"),
        ("tracking=false", "Unknown tracking 'false'"),
    ],
)
def test_a_word_that_a_run_cannot_use_is_explained(word, sentence):
    mistakes = read([word]).mistakes
    assert len(mistakes) == 1
    assert sentence in mistakes[0]


def test_two_choices_from_one_group_are_a_mistake_and_one_choice_twice_is_none():
    assert read(["model=lstm", "model=lstm"]).mistakes == []
    said = read(["model=lstm", "model=gru"])
    assert said.mistakes == ["model is chosen twice: lstm and gru. Keep one of them."]
    assert said.unclear == {"model"}


def test_each_key_of_a_sweep_takes_its_values_in_turn_and_the_last_word_about_it_counts():
    assert axes(["model=rnn,gru", "epochs=1", "seed=9", "seed=range(2)"]) == {
        "model": ["model=rnn", "model=gru"],
        "epochs": ["epochs=1"],
        "seed": ["seed=0", "seed=1"],
    }


def test_a_sweep_over_lists_texts_and_patterns_keeps_them_whole():
    assert axes(["model.hidden=[1,2],[3]"]) == {"model.hidden": ["model.hidden=[1,2]", "model.hidden=[3]"]}
    assert axes(["name='a b','c,d'"]) == {"name": ["name='a b'", "name='c,d'"]}
    assert axes(["optimizer=glob(ada*,exclude=adad*)"])["optimizer"][:2] == ["optimizer=adafactor", "optimizer=adagrad"]
    assert axes([]) == {}


@pytest.mark.parametrize("word", ["optimizer.learning_rate=interval(0,1)", "optimizer=glob(zzz)", "seed=glob(*)", "a"])
def test_a_sweep_whose_values_are_not_named_is_refused(word):
    with pytest.raises(BadInput, match="'"):
        axes([word])
