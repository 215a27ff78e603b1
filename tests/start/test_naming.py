"""Names and tags of runs."""

import pytest

from zoo.start import compose
from zoo.start.naming import LONGEST, name, tags


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", "mnist_fcn"),
        ("model=lstm", "lstm"),
        ("model=lstm optimizer=adam data=kjv epochs=5 optimizer.learning_rate=0.001 seed=0 loop=tape", "lstm"),
        ("model=lstm optimizer=adam optimizer.learning_rate=0.01 seed=3", "lstm learning_rate=0.01 seed=3"),
        ("seed=3 optimizer=sgd data=digits model.hidden=[300,100]", "mnist_fcn sgd digits seed=3 hidden=[300,100]"),
        ("experiment=mnist_98", "mnist_fcn mnist_98"),
        ("experiment=mnist_98 optimizer=sgd", "mnist_fcn mnist_98 sgd"),
        ("model=xor_mlp optimizer=rprop batch_size=full", "xor_mlp rprop batch_size=full"),
        ("stop.metric=val_loss stop.value=0.1", "mnist_fcn stop.metric=val_loss stop.value=0.1"),
        ("early_stopping={patience:3}", "mnist_fcn early_stopping.patience=3"),
        ("schedule=cosine schedule.final=0.1 init=he_normal", "mnist_fcn cosine he_normal final=0.1"),
        ("data.limit=1e3 precision=mixed_bfloat16", "mnist_fcn limit=1000 precision=mixed_bfloat16"),
        ("tracking=off deterministic=true data_dir=/tmp/x dry_run=true debug=smoke", "mnist_fcn"),
        ("model=lstm data=text data.train=/a/long/way/corpus.txt", "lstm text train=corpus.txt"),
        ("model=custom model.build=zoo.models.mlp.build +model.hidden=[3]", "custom build=mlp.build hidden=[3]"),
        ("loop.jit=false optimizer.clipnorm=1", "mnist_fcn jit=false clipnorm=1"),
        ("name=mine model=lstm", "mine"),
    ],
)
def test_a_run_is_named_by_the_choices_that_differ_from_the_default(words, expected):
    assert name(compose(*words.split())) == expected


def test_a_long_name_is_cut():
    long = name(compose(f"model.hidden=[{','.join('7' * 200)}]"))
    assert len(long) == LONGEST
    assert long.endswith("...")


def test_the_choices_of_a_run_are_its_tags():
    found = tags(compose("experiment=mnist_98", "seed=3", "init=he_normal"))
    assert found | {"model": "mnist_fcn", "data": "mnist", "optimizer": "adam", "init": "he_normal"} == found
    assert found | {"schedule": "cosine", "loop": "tape", "seed": "3", "experiment": "mnist_98"} == found
    assert found["overrides"] == "experiment=mnist_98 seed=3 init=he_normal"
    assert "experiment" not in tags(compose())
