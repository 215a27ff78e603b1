"""The words of a search: what they mean, and what is wrong with them."""

import re
import subprocess
import sys

import pytest

from zoo.config import BadInput
from zoo.start import options, search, search_settings, space

RATE = "search.space={optimizer.learning_rate: [1e-5, 1e-1, log], model.dropout: [0, 0.5]}"
DIGITS = ["model=mnist_fcn", "data=digits"]


def read(*words):
    return search.read([*DIGITS, *words])


def test_a_search_is_known_by_its_words():
    assert search.is_search(["model=rnn", "search=tpe"])
    assert search.is_search(["search.resume=last"])
    assert not search.is_search(["model=rnn", "sweep=seeds", "name=search"])


def test_two_ends_are_numbers_and_a_list_is_a_choice():
    found = read(RATE, "search.trials=7", "optimizer=adam")
    assert (found.name, found.settings.sampler, found.settings.trials) == ("tpe", "tpe", 7)
    assert found.space == {
        "optimizer.learning_rate": space.Numbers(1e-5, 0.1, log=True),
        "model.dropout": space.Numbers(0, 0.5),
    }
    assert found.fixed == (*DIGITS, "optimizer=adam")
    assert found.config.optimizer.name == "adam"
    other = read("search.space={optimizer: {adam,sgd}, model.hidden: [[32],[64,32]], loop.jit: [true, null]}").space
    assert other == {
        "optimizer": space.Choices(("adam", "sgd")),
        "model.hidden": space.Choices(("[32]", "[64,32]")),
        "loop.jit": space.Choices(("true", "null")),
    }


@pytest.mark.parametrize(
    ("given", "is_whole"),
    [
        ("batch_size: [16, 128]", True),
        ("batch_size: [16, 128, log]", True),
        ("epochs: [2, 5, int]", True),
        ("early_stopping.patience: [1, 4]", True),
        ("optimizer.learning_rate: [1, 2]", False),
        ("model.max_norm: [1, 4]", False),
        ("label_smoothing: [0, 0.2]", False),
    ],
)
def test_the_key_decides_whether_numbers_are_whole_where_the_words_do_not(given, is_whole):
    (dimension,) = read(f"search.space={{{given}}}").space.values()
    assert dimension.whole is is_whole


def test_two_numbers_are_a_choice_where_a_set_or_a_word_says_so():
    for given in ("{16,64}", "[16, 64, choice]", "[16, 64, full]"):
        (dimension,) = read(f"search.space={{batch_size: {given}}}").space.values()
        assert dimension.edges()[:2] == ["16", "64"]
        assert isinstance(dimension, space.Choices)


def test_a_space_may_be_said_key_by_key_and_in_a_file_of_the_user_s(tmp_path):
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "mine.yaml").write_text("sampler: random\nspace: {model.dropout: [0, 0.5]}\n")
    options.search([tmp_path])
    try:
        found = read("search=mine", "search.space.batch_size=[16,32,log]")
    finally:
        options.search([])
    assert found.settings.sampler == "random"
    assert list(found.space) == ["model.dropout", "batch_size"]


def test_a_value_stands_on_a_command_line_in_four_digits_and_within_its_ends():
    numbers = space.Numbers(1e-5, 0.1, log=True)
    assert [numbers.word(value) for value in (0.0123456, 1.00001e-5, 0.09999999)] == ["0.01235", "1e-05", "0.1"]
    assert space.Numbers(0.33333333, 1).word(0.333333331) == "0.33333333"
    assert space.Numbers(1, 9, whole=True).word(4) == "4"


def test_what_a_space_is_told_as_is_read_again_as_the_same():
    found = read("search.space={batch_size: [16,128,log], optimizer: [sgd,adam], model.dropout: [0,0.5]}").space
    again = read(*(f"search.space.{key}={text}" for key, text in space.told(found).items())).space
    assert again == found


def test_the_config_of_a_trial_is_that_of_the_words_and_what_was_chosen():
    found = read(RATE, "epochs=3")
    config = found.trial({"optimizer.learning_rate": "0.01", "model.dropout": "0.25"})
    assert (config.epochs, config.optimizer.learning_rate, config.model.dropout) == (3, 0.01, 0.25)
    assert isinstance(found.trial({"optimizer.learning_rate": "0.01", "model.dropout": "2"}), BadInput)


@pytest.mark.parametrize("name", search_settings.names())
def test_every_file_holds_all_settings(name):
    tree = options.read(options.file("search", name))
    assert set(tree) == set(search_settings.Settings.model_fields)
    assert read(f"search={name}", RATE).settings.trials == tree["trials"]


@pytest.mark.parametrize("name", search_settings.names())
def test_every_file_says_in_a_line_what_it_is(name):
    line = options.summary("search", name)
    assert 10 < len(line) <= 120
    assert line.endswith(".")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["search=tpe"], "search.space is empty: there is nothing to search"),
        (["search.space={}"], "search.space is empty"),
        (["search.space=5"], "search.space should say what each key is chosen from"),
        (["search=tpee", RATE], "Unknown search 'tpee'. Did you mean 'tpe'? Available: random, tpe."),
        (["search.trails=9", RATE], "Unknown key 'search.trails'. Did you mean 'search.trials'"),
        (["search.trials=0", RATE], "search.trials should be a whole number above 0. Received: search.trials=0"),
        (["search.sampler=gp", RATE], "search.sampler should be tpe or random. Received: search.sampler=gp"),
        (["search.pruner=mean", RATE], "search.pruner should be median, hyperband or none"),
        (["search.space={optimizer.learnin_rate: [0.1, 1]}"], "Did you mean 'optimizer.learning_rate'"),
        (["search.space={droput: [0, 1]}"], "Unknown key 'droput'"),
        (["search.space={optimizer: [adm, sgd]}"], "Unknown optimizer 'adm'. Did you mean 'adam'"),
        (["search.space={optimizer: [adam, sgd], optimizer.beta_1: [0.8, 0.9]}"], "optimizer=sgd has no key"),
        (["search.space={model.dropout: [0.5, 0]}"], "model.dropout should have its lower end first: [0,0.5]"),
        (["search.space={model.dropout: [0.5, 0.5]}"], "should have two different ends"),
        (["search.space={model.dropout: [0, 1.5]}"], "model.dropout should be a number of at least 0 and below 1"),
        (["search.space={model.dropout: [0, 0.5, lgo]}"], "says 'lgo'. Did you mean 'log'"),
        (["search.space={model.dropout: [0, 0.5, int]}"], "is of whole numbers, and so are its ends"),
        (["search.space={model.dropout: 0.5}"], "search.space.model.dropout should be two ends"),
        (["search.space={optimizer: [adam]}"], "should have two choices or more"),
        (["search.space={optimizer.learning_rate: [0, 1, log]}"], "is on a logarithmic scale, which has no 0"),
        (["search.space={optimizer.learning_rate: [1, inf]}"], "should have finite ends"),
        (["search.space={seed: [0, 9]}"], "names seed, which repeats a choice"),
        (["search.space={data: [digits, mnist]}"], "names data, but trials are compared on the same data"),
        (["search.space={monitor: [val_loss, val_accuracy]}"], "names monitor, but trials are compared by the same"),
        ([RATE, "model.dropout=0.1"], "model.dropout is searched and set at once: model.dropout=0.1"),
        ([RATE, "seed=0,1"], "'seed=0,1' names several values"),
        ([RATE, "sweep=seeds"], "Leave out sweep=seeds"),
        ([RATE, "search.resume=0123456789abcdef"], "No run '0123456789abcdef'"),
        ([RATE, "search.resume=last", "tracking=off"], "tracking=off"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_words(words, said, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    with pytest.raises(BadInput, match=re.escape(said)):
        read(*words)


def test_no_mistake_waits_for_tensorflow_or_optuna():
    program = (
        "import sys; from zoo.start import search\n"
        f"try: search.read(['data=digits', {RATE!r}, 'model.dropout=2'])\n"
        "except ValueError: pass\n"
        f"search.read(['data=digits', {RATE!r}]); import zoo.sweeps.search\n"
        "print([name for name in ('tensorflow', 'keras', 'optuna', 'mlflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.strip() == "[]"


def test_a_dry_run_of_a_search_lists_what_it_would_search():
    text = read(RATE, "search.trials=9", "search=random", "dry_run=true").listing()
    assert text.splitlines()[:3] == [
        "9 trials, proposed by random with seed 0, pruned by median",
        "  optimizer.learning_rate: [1e-05, 0.1, log]",
        "  model.dropout: [0, 0.5]",
    ]
    assert text.endswith("nothing was recorded.")
