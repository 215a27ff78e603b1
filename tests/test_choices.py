"""Each model lives the whole life of a run, and each initialization, schedule and data set trains, all shrunk."""

import math

import pytest
from rich.console import Console

from zoo import compose
from zoo.run import run
from zoo.start import options

MODELS = [model for model in options.groups()["model"] if model != "custom"]
SMOKE = ["debug=smoke", "tracking=off"]


def finished(*overrides, folder):
    """Live the whole life of a run."""
    config = compose(*SMOKE, *overrides)
    result = run(config, folder=folder, console=Console(quiet=True))
    assert (result.outcome, result.exit_code) == ("completed", 0), result.reason
    assert math.isfinite(result.metrics["test_loss"])
    if config.model.learns == "counting":
        assert (folder / "trigram.npz").exists()
    else:
        assert (folder / "model.keras").exists()
        assert (folder / "learning_curves.png").exists()


@pytest.fixture
def trained(train_one):
    """Build and train, without the rest of a run."""

    def one(*overrides):
        training = train_one(*SMOKE, "loop.jit=false", *overrides).training
        assert training.outcome == "completed", training.reason
        assert math.isfinite(training.history["loss"][-1])

    return one


@pytest.mark.parametrize("model", MODELS)
def test_each_model_lives_the_whole_life_of_a_run(model, data_dir, tmp_path):
    finished(f"model={model}", folder=tmp_path)


@pytest.mark.parametrize("init", options.groups()["init"])
def test_each_initialization_starts_a_network(init, trained):
    trained("model=xor_mlp", f"init={init}", "init.bias=0.1")


@pytest.mark.parametrize("schedule", options.groups()["schedule"])
def test_each_schedule_trains(schedule, trained):
    trained("model=xor_mlp", f"schedule={schedule}")


@pytest.mark.parametrize("source", ["digits", "mnist", "points", "synthetic", "xor"])
def test_each_data_set_of_vectors_trains_a_network(source, trained):
    trained("model=mnist_fcn", f"data={source}")


@pytest.mark.parametrize("level", ["word", "char"])
def test_the_users_own_text_trains_by_words_and_by_characters(level, data_dir, tmp_path):
    (tmp_path / "poem.txt").write_text("the sun is up , the day is long .\nthe moon is down !\n" * 60)
    words = [f"data.train={tmp_path / 'poem.txt'}", f"data.level={level}"]
    finished("model=rnn", "data=text", *words, "batch_size=2", folder=tmp_path / "run")


@pytest.mark.parametrize(
    "extra",
    [
        ["data.classes=[3,8]"],
        ["loss=mse", "model.output=probabilities"],
        ["label_smoothing=0.1"],
        ["class_weight=balanced", "model.dropout=0.2", "model.batch_normalization=true", "model.max_norm=2"],
        ["data.augment=[shift,rotate]"],
        ["precision=mixed_bfloat16"],
        ["optimizer.use_ema=true", "optimizer.clipnorm=1"],
        ["optimizer.gradient_accumulation_steps=2", "model.activation=gelu", "model.hidden=[8,8,8]"],
        ["optimizer.clipvalue=0.1", "early_stopping.patience=1", "monitor=val_loss", "deterministic=true"],
        ["model=linear", "data.classes=[0,1]", "optimizer=adam"],
    ],
    ids=lambda extra: " ".join(extra),
)
def test_the_other_keys_work_on_a_network(extra, trained):
    trained("data=digits", *extra)


@pytest.mark.parametrize(
    "extra",
    [
        ["model.predict=last"],
        ["model.predict=last", "model.carry_state=true"],
        ["model.carry_state=false", "data.stride=3"],
        ["model.tied_weights=true", "model.dropout=0.2", "optimizer.global_clipnorm=1"],
        ["data.level=char", "label_smoothing=0.1"],
        ["init=random_uniform", "model.unit_forget_bias=false", "schedule=halving"],
        ["precision=mixed_bfloat16", "model.output=probabilities"],
    ],
    ids=lambda extra: " ".join(extra),
)
def test_the_other_keys_work_on_a_language_model(extra, trained):
    trained("model=lstm", "data.limit=2000", "data.sequence_length=10", *extra)
