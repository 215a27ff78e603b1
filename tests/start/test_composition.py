"""From words to a config: precedence, recipes, options of the user's, and what is refused."""

from pathlib import Path

import pytest

from zoo.config import BadInput
from zoo.start import compose, compose_all, options

TUNED = """\
# @package _global_
# Tuned for adam.
defaults:
  - override /model: mnist_fcn
  - override /data: digits
  - override /optimizer: adam
  - override /schedule: cosine
  - override /init: random_normal
  - override /loop: fit
epochs: 7
batch_size: 32
seed: 5
model: {hidden: [32], dropout: 0.3}
data: {limit: 100}
optimizer: {learning_rate: 0.05, clipnorm: 1.0}
schedule: {final: 0.25}
init: {stddev: 0.2}
loop: {jit: false}
early_stopping: {patience: "${epochs}"}
"""
MINE = """\
# Adam, but mine.
defaults: [adam, _self_]
beta_1: 0.8
flavour: plain
strengths: [1, 2]
warm: true
count: 3
anything: null
"""
WIDE = """\
# @package _global_
# A wide network.
defaults: [_self_, {/data: digits}, {/optimizer: mine}]
epochs: 3
batch_size: 10
model: {build: zoo.models.mlp.build, reads: vectors, output: logits, hidden: [9]}
"""


@pytest.fixture
def own(tmp_path):
    files = {
        "experiment/tuned": TUNED,
        "optimizer/mine": MINE,
        "optimizer/bare": "# Nothing but the needful.\nclass_name: SGD\nlearning_rate: 0.5\n",
        "model/wide": WIDE,
        "schedule/slow_cosine": "# Ends high.\ndefaults: [cosine, _self_]\nfinal: 0.5\n",
        "schedule/nameless": "# No formula.\nlength: 3\n",
        "schedule/own_formula": "# Its own.\nformula: zoo.optim.formulas.step\nevery: 2\ngamma: 0.3\n",
        "experiment/misspelt": "# @package _global_\n# Sets what is not there.\noptimizer: {learning_rat: 3}\n",
        "experiment/odd_root": "# @package _global_\n# Sets what is not there.\nepoch: 3\n",
        "debug/tiny": "# Smaller.\nshrink: {epochs: 1, data.limit: 10, model.hidden: 4, model.dropout: 0}\n",
    }
    for name, text in files.items():
        path = tmp_path / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    options.search([tmp_path])
    yield tmp_path
    options.search([])


def part(words: str, *keys: str):
    tree = compose(*words.split()).tree()
    found = []
    for key in keys:
        node = tree
        for name in key.split("."):
            node = node[name]
        found.append(node)
    return found


def test_a_model_brings_its_data_optimizer_and_length_and_each_can_be_replaced():
    keys = ("data.name", "optimizer.name", "epochs", "batch_size")
    assert part("model=lstm", *keys) == ["kjv", "adam", 5, 32]
    assert part("model=lstm data=tiny_shakespeare optimizer=sgd epochs=2", *keys) == ["tiny_shakespeare", "sgd", 2, 32]


def test_the_order_of_words_makes_no_difference():
    words = ["model=lstm", "optimizer=sgd", "model.units=8", "data.limit=10", "optimizer.momentum=0.5"]
    assert compose(*words).tree() == compose(*reversed(words)).tree()


def test_a_recipes_values_come_before_those_of_the_option_files(own):
    keys = ("model.dropout", "optimizer.learning_rate", "schedule.final", "init.stddev", "loop.jit", "epochs", "seed")
    assert part("experiment=tuned", *keys) == [0.3, 0.05, 0.25, 0.2, False, 7, 5]


def test_the_command_line_comes_before_a_recipe(own):
    words = "experiment=tuned optimizer.learning_rate=0.5 epochs=2 model.hidden=[3] seed=0"
    assert part(words, "optimizer.learning_rate", "epochs", "model.hidden", "seed") == [0.5, 2, [3], 0]
    assert part(words, "optimizer.clipnorm", "model.dropout") == [1.0, 0.3]


@pytest.mark.parametrize(
    ("choice", "key", "default"),
    [
        ("optimizer=sgd", "optimizer.learning_rate", None),
        ("optimizer=sgd", "optimizer.clipnorm", None),
        ("optimizer=adam", "optimizer.learning_rate", None),
        ("optimizer=mine", "optimizer.beta_1", 0.8),
        ("schedule=polynomial", "schedule.final", 0.0),
        ("schedule=cosine", "schedule.final", 0.0),
        ("init=random_normal", "init.stddev", 0.05),
        ("loop=tape", "loop.jit", None),
        ("data=mnist", "data.limit", None),
    ],
)
def test_a_choice_on_the_command_line_drops_what_a_recipe_says_of_it(own, choice, key, default):
    group, _, option = choice.partition("=")
    default = default if default is not None else options.declared(group, option)[key.partition(".")[2]]
    assert part(f"experiment=tuned {choice}", key) == [default]
    # The rest of the recipe stays.
    others = {"optimizer": ["model.dropout", 0.3]}.get(group, ["optimizer.learning_rate", 0.05])
    assert part(f"experiment=tuned {choice}", others[0]) == [others[1]]


def test_a_value_on_the_command_line_wins_beside_a_choice_that_drops_the_recipes(own):
    words = "experiment=tuned optimizer=sgd optimizer.learning_rate=0.7"
    assert part(words, "optimizer.learning_rate", "optimizer.clipnorm") == [0.7, None]


def test_a_model_beside_a_recipe_brings_its_own_data_optimizer_and_length(own):
    keys = ("model.name", "data.name", "optimizer.learning_rate", "epochs", "batch_size")
    assert part("experiment=tuned model=xor_mlp", *keys) == ["xor_mlp", "xor", 0.001, 1000, 1]
    assert part("experiment=tuned model=xor_mlp", "seed", "schedule.final") == [5, 0.25]
    words = "experiment=tuned model=xor_mlp data=points optimizer=sgd epochs=3"
    assert part(words, "data.name", "optimizer.name", "epochs") == ["points", "sgd", 3]


def test_a_recipe_can_refer_to_a_key_that_the_command_line_sets(own):
    assert part("experiment=tuned epochs=3", "early_stopping.patience") == [3]
    assert part("epochs=4 seed=${epochs}", "seed") == [4]


def test_each_run_of_a_sweep_drops_a_recipes_values_for_itself(own):
    configs = compose_all([["experiment=tuned", f"optimizer={name}"] for name in ("sgd", "mine")] + [["seed=3"]])
    assert [config.optimizer.name for config in configs] == ["sgd", "mine", "adam"]
    assert [config.optimizer.clipnorm for config in configs] == [None, None, None]
    assert [config.model.dropout for config in configs] == [0.3, 0.3, 0.0]


def test_a_sweep_is_refused_as_a_whole_and_says_each_mistake_once():
    with pytest.raises(BadInput) as refused:
        compose_all([["seed=0", "epochs=abc"], ["seed=1", "epochs=abc"], ["model=lstm", "data=xor"]])
    assert str(refused.value).count("epochs should be") == 1
    assert "model=lstm reads tokens" in str(refused.value)


def test_smoke_shrinks_what_is_larger_and_the_command_line_wins_over_it(own):
    keys = ("epochs", "batch_size", "data.limit", "model.hidden")
    bounds = options.declared("debug", "smoke")["shrink"]
    assert part("debug=smoke", *keys) == [2, 16, bounds["data.limit"], [16]]
    assert part("debug=smoke epochs=9 model.hidden=[99] data.limit=6000", *keys) == [9, 16, 6000, [99]]
    assert part("debug=smoke experiment=tuned", *keys) == [2, 16, 100, [16]]
    assert part("debug=smoke data=digits", "data.validation") == [0.1]
    assert part("debug=smoke model=lstm", "model.units", "model.layers", "model.vocab_size") == [16, 2, 200]
    assert part("debug=tiny experiment=tuned", *keys) == [1, 32, 10, [4]]
    assert part("debug=smoke debug.shrink.epochs=1", "epochs") == [1]


def test_an_option_of_the_users_is_composed_like_the_zoos_own(own):
    assert part("optimizer=mine optimizer.count=2.5", "optimizer.name", "optimizer.class_name", "optimizer.count") == [
        "mine",
        "Adam",
        2.5,
    ]
    assert part("model=wide", "model.name", "data.name", "optimizer.flavour", "epochs") == [
        "wide",
        "digits",
        "plain",
        3,
    ]
    assert part("optimizer=bare", "optimizer.name", "optimizer.learning_rate") == ["bare", 0.5]
    assert part("schedule=slow_cosine", "schedule.name", "schedule.final") == ["cosine", 0.5]
    assert part("schedule=own_formula schedule.gamma=0.9", "schedule.name", "schedule.gamma") == ["own_formula", 0.9]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("flavour=3", "should be text, such as plain"),
        ("strengths=3", "should be a list, such as [1,2]"),
        ("warm=1", "should be true or false"),
        ("count=many", "should be a number, such as 3"),
        ("count=true", "should be a number"),
        ("count=nan", "should be a number"),
        ("count=null", "should be a number"),
        ("flavor=b", "Did you mean 'optimizer.flavour'?"),
    ],
)
def test_a_key_of_the_users_own_takes_what_is_like_its_default(own, word, expected):
    with pytest.raises(BadInput) as refused:
        compose("optimizer=mine", f"optimizer.{word}")
    assert expected in str(refused.value)


@pytest.mark.parametrize("value", ["3", "text", "[1]", "null", "true"])
def test_a_key_whose_default_is_null_takes_anything(own, value):
    compose("optimizer=mine", f"optimizer.anything={value}")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            "experiment=misspelt",
            "experiment=misspelt sets 'optimizer.learning_rat', which optimizer=adam does",
        ),
        ("experiment=odd_root", "Unknown key 'epoch'. Did you mean 'epochs'"),
        ("schedule=nameless", "schedule=nameless names no formula"),
    ],
)
def test_a_mistake_in_a_file_is_told_with_where_it_is(own, words, sentence):
    with pytest.raises(BadInput) as refused:
        compose(*words.split())
    assert sentence in str(refused.value)


def test_a_wrong_choice_does_not_hide_other_mistakes_nor_invent_any():
    with pytest.raises(BadInput) as refused:
        compose("model=lstmm", "model.units=3", "data.level=char", "epochs=0", "optimizer=adam", "optimizer.rho=1")
    text = str(refused.value)
    assert "Unknown model 'lstmm'" in text
    assert "epochs should be" in text
    assert "optimizer=adam has no key 'optimizer.rho'" in text
    for innocent in ("model.units", "data.level"):
        assert innocent not in text


def test_only_a_model_of_ones_own_takes_new_keys():
    config = compose("model=custom", "model.build=zoo.models.mlp.build", "+model.hidden=[3]", "+model.l2=0.1")
    assert config.model.options("name", "build", "reads", "output") == {"hidden": [3], "l2": 0.1}
    with pytest.raises(BadInput, match=r"takes a plus: \+model\.hidden=\[3\]"):
        compose("model=custom", "model.build=zoo.models.mlp.build", "model.hidden=[3]")
    with pytest.raises(BadInput, match=r"model\.build has no default"):
        compose("model=custom")
    with pytest.raises(BadInput, match=r"model=mnist_fcn has no key 'model\.width'"):
        compose("+model.width=3")


def test_several_keys_can_be_set_at_once():
    config = compose("early_stopping={patience:3,min_delta:0.1}")
    assert (config.early_stopping.patience, config.early_stopping.min_delta) == (3, 0.1)


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("epochs=${nothing}", "Can't work out epochs: Interpolation key 'nothing' not found"),
        ("epochs=${nothing:1}", "Can't work out epochs: Unsupported interpolation type nothing"),
        ("name=???", "name has no default"),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(word, sentence):
    with pytest.raises(BadInput) as refused:
        compose(word)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("model=custom model.build=nowhere.build", "model.build=nowhere.build can't be imported: there is no module"),
        ("callbacks=[keras.callbacks.EarlyStoping]", "but it has 'EarlyStopping'"),
        ("optimizer.class_name=Adm", "optimizer.class_name=Adm can't be imported"),
        ("data.load=zoo.data.images.mist", "zoo.data.images has no 'mist', but it has 'mnist'"),
        ("tracking.uri=somewhere", "tracking.uri should be the address of a database"),
        ("tracking.uri=nosql://host/runs", "tracking.uri should be the address of a database"),
    ],
)
def test_code_and_stores_out_of_reach_are_told_before_anything_is_imported(words, sentence):
    with pytest.raises(BadInput) as refused:
        compose(*words.split())
    assert sentence in str(refused.value)


def test_an_address_that_is_not_used_is_not_judged():
    compose("tracking=off", "tracking.uri=somewhere")


def test_an_application_of_hydras_that_calls_the_zoo_gets_its_state_back():
    import hydra
    from hydra.core.global_hydra import GlobalHydra

    with hydra.initialize_config_dir(str(Path(options.conf_dir())), version_base="1.3"):
        before = GlobalHydra.instance().hydra
        compose("model=xor_mlp")
        assert GlobalHydra.instance().hydra is before
    assert not GlobalHydra.instance().is_initialized()
