"""The types of keys, against the option files in conf/."""

import pytest

from zoo.config import SECTIONS, BadInput, Config
from zoo.start import compose, options


def files():
    return [(group, option) for group in SECTIONS for option in options.groups()[group]]


@pytest.mark.parametrize(("group", "option"), files())
def test_every_key_of_every_option_file_has_a_type(group, option):
    untyped = set(options.declared(group, option)) - set(SECTIONS[group].model_fields)
    assert untyped == set()


@pytest.mark.parametrize("group", SECTIONS)
def test_every_typed_key_is_in_some_option_file(group):
    declared = set().union(*(options.declared(group, option) for option in options.groups()[group]))
    assert set(SECTIONS[group].model_fields) - declared == set()


@pytest.mark.parametrize(("group", "option"), files())
def test_the_defaults_of_every_option_file_have_the_right_types(group, option):
    tree = {**options.declared(group, option), **({"build": "a.b"} if option == "custom" else {})}
    SECTIONS[group].model_validate(tree)


def test_the_keys_of_the_primary_config_are_those_of_the_schema():
    brought = set(options.brought("model", "mnist_fcn")) - set(options.groups())
    ours = set(options.primary()) - {"defaults", "hydra"}
    assert (ours | brought | set(options.groups())) - {"experiment", "debug"} == set(Config.model_fields)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("epochs=1e3", ("epochs", 1000)),
        ("name=2024", ("name", "2024")),
        ("early_stopping.patience=0", ("early_stopping.patience", 0)),
        ("data.validation=0.25", ("data.validation", 0.25)),
        ("data.validation=100", ("data.validation", 100)),
        ("optimizer.learning_rate=1", ("optimizer.learning_rate", 1)),
        ("class_weight=[1,2,3,4,5,6,7,8,9,10]", ("class_weight", [float(i) for i in range(1, 11)])),
        ("model.hidden=[]", ("model.hidden", [])),
        ("batch_size=full", ("batch_size", "full")),
    ],
)
def test_what_is_meant_is_taken(words, expected):
    key, value = expected
    found = compose(words).tree()
    for part in key.split("."):
        found = found[part]
    assert found == value
    assert type(found) is type(value) or isinstance(found, float)


@pytest.mark.parametrize(
    ("choices", "key", "values"),
    [
        ("optimizer=adam", "optimizer.beta_1", ["1", "-0.1", "true", "nan"]),
        ("optimizer=adam", "optimizer.epsilon", ["0", "-1"]),
        ("optimizer=momentum", "optimizer.momentum", ["1", "-0.5", "a"]),
        ("optimizer=momentum", "optimizer.nesterov", ["1", "yes", "null"]),
        ("optimizer=rmsprop", "optimizer.centered", ["3"]),
        ("optimizer=muon", "optimizer.ns_steps", ["0", "1.5"]),
        ("optimizer=muon", "optimizer.exclude_layers", ["output", "['*']", "[1]"]),
        ("optimizer=rprop batch_size=full", "optimizer.eta_plus", ["1", "0.5"]),
        ("optimizer=rprop batch_size=full", "optimizer.eta_minus", ["1", "0"]),
        ("optimizer=rprop batch_size=full", "optimizer.step_min", ["100"]),
        ("optimizer=adafactor", "optimizer.beta_2_decay", ["0.8"]),
        ("init=random_normal", "init.stddev", ["0", "-1", "null"]),
        ("init=random_uniform", "init.minval", ["0.05", "1", "a"]),
        ("init=variance_scaling", "init.mode", ["fan", "1"]),
        ("init=he_normal", "init.apply_to", ["kernel", "[bias]"]),
        ("schedule=step", "schedule.every", ["0", "1.5", "null"]),
        ("schedule=cosine", "schedule.final", ["1.5", "-0.1"]),
        ("schedule=plateau", "schedule.factor", ["1", "2"]),
        ("schedule=plateau", "schedule.patience", ["-1"]),
        ("schedule=warm_restarts", "schedule.period_multiplier", ["0.5"]),
        ("schedule=warm_restarts", "schedule.period", ["0", "inf"]),
        ("schedule=warmup_cosine", "schedule.warmup", ["5", "-1"]),
        ("data=synthetic", "data.n_classes", ["1", "0"]),
        ("data=synthetic", "data.spread", ["-1", "nan"]),
        ("data=digits", "data.scale", ["unt", "1"]),
        ("data=digits", "data.folds", ["1", "0", "-5", "2.5", "many"]),
        ("data=digits data.folds=5", "data.fold", ["5", "-1", "0.5", "first"]),
        ("model=lstm data=text", "data.split", ["0", "1", "a"]),
        ("model=lstm", "model.units", ["0", "-3", "2.5", "[3]"]),
        ("model=feedback", "model.feedback_to", ["hidden_2", "output"]),
        ("loop=fit", "loop.steps_per_execution", ["0", "full"]),
    ],
)
def test_a_value_out_of_its_range_is_refused_with_the_key_in_the_sentence(choices, key, values):
    for value in values:
        with pytest.raises(BadInput, match=rf"{key}.* should be .*Received: "):
            compose(*choices.split(), f"{key}={value}")
