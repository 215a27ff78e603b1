"""A member of a population is the run that it would be alone: weights, history, and why and when it ended."""

import numpy as np
import pytest

from zoo import compose, data
from zoo.training import setup
from zoo.training.population import Population, obstacle, obstacle_in, same_program

XOR = ("model=xor_mlp", "tracking=off")


def together(configs, splits, kept=None):
    """Train runs as one population."""
    assert len({same_program(config) for config in configs}) == 1
    assert [obstacle(config) for config in configs] == [None] * len(configs)
    model = setup.build(configs[0], splits)
    assert obstacle_in(model) is None
    population = Population(model, splits, configs)
    return population.train(configs, range(1, configs[0].epochs + 1) if kept is None else kept)


def composed(words, *members):
    return [compose(*words, *own) for own in members]


def assert_same(member, single, rtol=1e-5):
    """The same end, the same history, the same weights, each as far as the largest of its array makes out."""
    training = single.training
    assert (member.training.outcome, member.training.reason) == (training.outcome, training.reason)
    assert member.training.target_epoch == training.target_epoch
    for ours, theirs in [(member.weights, single.weights), (member.training.best_weights, training.best_weights)]:
        assert (ours is None) == (theirs is None)
        for one, other in zip(ours or [], theirs or [], strict=True):
            np.testing.assert_allclose(one, other, rtol=rtol, atol=rtol * np.abs(other).max())
    for name, values in member.training.history.items():
        np.testing.assert_allclose(values, training.history[name][: len(values)], rtol=10 * rtol, atol=1e-6)


@pytest.fixture
def xor(data_dir):
    return data.load(compose(*XOR).data, folder=data_dir)


@pytest.mark.parametrize(
    ("optimizer", "epochs"),
    [("sgd", 200), ("momentum", 200), ("adam", 200), ("rmsprop", 200), ("adagrad", 200), ("lion", 25), ("rprop", 50)],
)
def test_members_of_other_seeds_weights_and_rates_are_the_runs_that_they_would_be_alone(
    optimizer, epochs, xor, train_one
):
    words = [*XOR, f"optimizer={optimizer}", f"epochs={epochs}", *["batch_size=full"] * (optimizer == "rprop")]
    rate = compose(*words).optimizer.learning_rate
    configs = composed(
        words, ["seed=0"], ["seed=1", f"optimizer.learning_rate={rate * 3}"], ["seed=1", "init=he_normal"]
    )
    members = together(configs, xor)
    for member, config in zip(members, configs, strict=True):
        assert_same(member, train_one(config))
    assert not np.allclose(members[1].weights[0], members[2].weights[0])


@pytest.mark.parametrize(
    "words",
    [
        ["optimizer=adamw", "optimizer.clipvalue=0.01", "optimizer.weight_decay=0.1", "model.l2=0.01", "batch_size=3"],
        [
            "optimizer=adamax",
            "model.hidden=[3,2]",
            "model.activation=tanh",
            "label_smoothing=0.1",
            "class_weight=[1,2]",
        ],
        ["optimizer=adadelta", "optimizer.learning_rate=1", "loss=mse"],
    ],
)
def test_what_runs_share_is_theirs_in_a_population_too(words, xor, train_one):
    configs = composed([*XOR, "epochs=60", *words], ["seed=3"], ["seed=4"])
    for member, config in zip(together(configs, xor), configs, strict=True):
        assert_same(member, train_one(config))


def test_members_follow_schedules_of_their_own(xor, train_one):
    configs = composed(
        [*XOR, "epochs=40", "optimizer=sgd"], ["schedule=cosine"], ["schedule=step", "optimizer.learning_rate=0.5"]
    )
    for member, config in zip(together(configs, xor), configs, strict=True):
        assert_same(member, train_one(config))


def test_a_feedback_network_and_batch_normalization_are_stacked_with_all_their_state(data_dir, train_one):
    for words in (
        ["model=feedback", "tracking=off", "epochs=50"],
        ["model=mnist_fcn", "data=digits", "data.limit=200", "model.hidden=[8]", "model.batch_normalization=true",
         "epochs=3", "tracking=off"],
    ):  # fmt: skip
        configs = composed(words, ["seed=0"], ["seed=5", "init=orthogonal"])
        splits = data.load(configs[0].data, folder=data_dir)
        for member, config in zip(together(configs, splits), configs, strict=True):
            assert_same(member, train_one(config), rtol=1e-4)


def test_members_on_the_digits_of_mnist_are_theirs_after_500_steps(data_dir, train_one):
    configs = composed(
        ["model=mnist_fcn", "data.limit=6400", "epochs=5", "tracking=off"],
        ["seed=0"], ["seed=1", "optimizer.learning_rate=0.003"],
    )  # fmt: skip
    splits = data.load(configs[0].data, folder=data_dir)
    for member, config in zip(together(configs, splits), configs, strict=True):
        assert member.steps[-1] == 500
        assert_same(member, train_one(config), rtol=1e-4)


def test_each_member_ends_when_and_why_it_would_alone(xor, train_one):
    words = [*XOR, "epochs=300", "optimizer=momentum", "model.activation=relu", "stop.metric=val_loss",
             "stop.value=0.6", "early_stopping.patience=30", "early_stopping.min_delta=0.0001"]  # fmt: skip
    rates = ("0.0001", "0.001", "0.01", "0.1", "1")
    configs = composed(words, *[[f"optimizer.learning_rate={rate}", "seed=2"] for rate in rates])
    members = together(configs, xor)
    singles = [train_one(config) for config in configs]
    for member, single in zip(members, singles, strict=True):
        assert_same(member, single, rtol=1e-4)
    assert {"early_stopped", "target_reached"} <= {single.training.outcome for single in singles}


def test_a_member_that_ends_early_takes_a_share_of_the_epochs_that_it_ran_for(xor):
    words = ["model=xor_mlp", "optimizer=adam", "epochs=400", "stop.metric=val_loss", "stop.value=0.4"]
    quick, slow = composed(words, ["optimizer.learning_rate=0.5"], ["optimizer.learning_rate=0.0001"])
    one, other = together([quick, slow], xor)
    assert (one.training.outcome, other.training.outcome) == ("target_reached", "completed")
    assert 0 < one.training.seconds < other.training.seconds


def test_a_member_that_diverges_says_at_which_step_and_leaves_the_others_alone(data_dir, train_one):
    words = ["model=linear", "tracking=off", "epochs=100", "optimizer=sgd"]
    configs = composed(words, *[[f"optimizer.learning_rate={rate}"] for rate in ("1e30", "3", "0.01")])
    splits = data.load(configs[0].data, folder=data_dir)
    members, singles = together(configs, splits), [train_one(config).training for config in configs]
    assert [single.outcome for single in singles] == ["diverged", "diverged", "completed"]
    for member, single in zip(members, singles, strict=True):
        assert (member.training.outcome, member.training.reason) == (single.outcome, single.reason)
    assert [bool(member.training.history) for member in members] == [False, True, True]


def test_a_second_training_of_the_same_population_starts_anew(xor, train_one):
    configs = composed([*XOR, "epochs=30"], ["seed=0"], ["seed=1"])
    others = composed([*XOR, "epochs=30"], ["seed=2"], ["seed=3", "optimizer.learning_rate=0.1"])
    population = Population(setup.build(configs[0], xor), xor, configs)
    population.train(configs, [30])
    for member, config in zip(population.train(others, [30]), others, strict=True):
        for ours, theirs in zip(member.weights, train_one(config).weights, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


def test_only_the_epochs_asked_for_are_kept_and_the_last(xor):
    configs = composed([*XOR, "epochs=20"], ["seed=0"], ["seed=1"])
    member, _ = together(configs, xor, kept=[1, 7])
    assert member.training.history["epoch"] == [1, 7, 20]
    assert member.steps == [4, 28, 80]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["optimizer=nadam"], "Nadam is not elementwise"),
        (["optimizer.global_clipnorm=1"], "optimizer.global_clipnorm looks at whole gradients"),
        (["schedule=plateau"], "schedule=plateau"),
        (["loop=fit"], "loop=fit"),
        (["model.dropout=0.2"], "random layers"),
    ],
)
def test_what_cannot_be_stacked_is_said_with_its_reason(words, said):
    model = "mnist_fcn" if "dropout" in words[0] else "xor_mlp"
    assert said in obstacle(compose(f"model={model}", *words))


@pytest.mark.parametrize("words", [["model=lstm"], ["model=lstm", "data=adding"], ["model=feedback", "data=adding"]])
def test_what_reads_step_by_step_is_not_stacked(words):
    assert "recurrent layers" in obstacle(compose(*words))
