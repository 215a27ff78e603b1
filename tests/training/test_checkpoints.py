"""A training that was stopped, however often and wherever, ends with the bits of one that never was."""

import random

import numpy as np
import pytest

from zoo.training.interruption import Interrupted

TEXT = ["data=text", "model.embedding=8", "data.sequence_length=7", "batch_size=8", "model.units=16"]
TEXT += ["loop.steps_per_execution=3", "epochs=2"]
DIGITS = ["model=mnist_fcn", "data=digits", "model.hidden=[16]", "data.limit=403", "epochs=4"]
DIGITS += ["loop.steps_per_execution=2"]
FROM_FILES = "data.streaming=true"
TRAININGS = {
    "linear": ["model=linear", "epochs=40"],
    "xor_mlp": ["model=xor_mlp", "epochs=40"],
    "feedback": ["model=feedback", "epochs=30"],
    "digits": DIGITS,
    "dropout": [*DIGITS, "model.dropout=0.3", "model.batch_normalization=true", "optimizer=adam"],
    "augmented": [*DIGITS, "data.augment=[shift,rotate]"],
    "plateau": [*DIGITS, "schedule=plateau", "schedule.patience=0", "schedule.min_delta=0.5"],
    "warm restarts": [*DIGITS, "schedule=warm_restarts", "optimizer=momentum"],
    "average of the weights": [*DIGITS, "optimizer.use_ema=true", "optimizer=adam"],
    "accumulated gradients": [*DIGITS, "optimizer.gradient_accumulation_steps=3"],
    "mixed precision": [*DIGITS, "precision=mixed_float16"],
    "early stopping": [*DIGITS, "epochs=9", "early_stopping.patience=1", "early_stopping.min_delta=0.2"],
    "target": [*DIGITS, "stop.metric=val_accuracy", "stop.value=0.15", "epochs=9"],
    "full batch": [*DIGITS, "optimizer=rprop", "batch_size=full"],
    "lstm": ["model=lstm", *TEXT, "model.dropout=0.2", "optimizer=adam"],
    "gru": ["model=gru", *TEXT],
    "rnn": ["model=rnn", *TEXT, "model.carry_state=false"],
    "lstm of sequences": ["model=lstm", "data=adding", "data.samples=100", "data.validation=30", "data.length=11",
                          "batch_size=16", "model.units=8", "epochs=2", "loop.steps_per_execution=2"],
    "digits from files": [*DIGITS, FROM_FILES],
    "lstm from files": ["model=lstm", *TEXT, FROM_FILES],
    "gru from files, shuffled": ["model=gru", *TEXT, "model.carry_state=false", FROM_FILES],
}  # fmt: skip


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """Words that choose a text whose validation part is small: it begins anew in each attempt."""
    folder = tmp_path_factory.mktemp("text")
    rng = random.Random(0)
    words = []
    for name, count in (("train", 1500), ("valid", 300), ("test", 300)):
        sentence = " ".join(
            rng.choice(["in", "the", "beginning", "was", "a", "word", "and", "more"]) for _ in range(count)
        )
        (folder / f"{name}.txt").write_text(sentence)
        words.append(f"data.{name}={folder / name}.txt")
    return words


def stopped_again_and_again(train_one, words, folder, seed):
    """Train in as many attempts as it takes, each of which is stopped after some checks, and count them."""
    rng = random.Random(seed)
    logged: dict[int, dict[str, float]] = {}
    attempts = 0
    while True:
        attempts += 1
        left = rng.randint(1, 4 + 2 * attempts)  # in the end enough for a whole validation, which begins anew

        def check():
            nonlocal left
            left -= 1
            if left < 0:
                raise Interrupted(2)

        found = train_one(*words, check_interrupt=check, checkpoints=folder)
        for step, metrics in found.untimed():
            assert repr(logged.setdefault(step, metrics)) == repr(metrics)
        if found.training.outcome != "interrupted":
            return found, logged, attempts


@pytest.mark.parametrize("loop", ["tape", "fit"])
@pytest.mark.parametrize("kind", TRAININGS)
def test_a_training_that_is_stopped_again_and_again_ends_with_the_same_bits(kind, loop, train_one, text, tmp_path):
    words = [*TRAININGS[kind], *(text if "data=text" in TRAININGS[kind] else []), f"loop={loop}", "loop.jit=false"]
    if FROM_FILES in words:
        pytest.importorskip("array_record", reason="array-record is published for Linux alone")
    whole = train_one(*words)
    found, logged, attempts = stopped_again_and_again(train_one, words, tmp_path / "checkpoints", seed=len(kind))
    assert attempts > 1
    assert found.training.outcome == whole.training.outcome
    assert found.training.reason == whole.training.reason
    assert repr(sorted(logged.items())) == repr(whole.untimed())
    for one, other in zip(found.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(found.optimizer, whole.optimizer, strict=True):
        np.testing.assert_array_equal(one, other)
    for one, other in zip(found.training.best_weights, whole.training.best_weights, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(found.training.norms, whole.training.norms)
    timed = ("epoch_seconds", "examples_per_second", "tokens_per_second")
    for name in set(whole.training.history) - set(timed):
        assert repr(found.training.history[name]) == repr(whole.training.history[name])
