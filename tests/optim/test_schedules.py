from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.config import BadInput, Schedule
from zoo.optim import schedules

EPOCHS, STEPS = 12, 7
TOTAL = EPOCHS * STEPS
FILES = sorted(path.stem for path in (Path(__file__).parents[2] / "conf" / "schedule").glob("*.yaml"))
Section = Callable[..., dict[str, Any]]
keras_schedules = keras.optimizers.schedules


def rates(section: Section, name: str, **changes: Any) -> np.ndarray:
    table = schedules.table(Schedule(**section("schedule", name, **changes)), 0.5, EPOCHS, STEPS)
    assert table is not None
    return table


def zaremba(time: np.ndarray, epochs: int, *, power: int) -> np.ndarray:
    """Return a schedule of the user's own."""
    return (1 - time / epochs) ** power


KERAS = {
    "step": keras_schedules.PiecewiseConstantDecay([5 * STEPS - 1, 10 * STEPS - 1], [0.5, 0.05, 0.005]),
    "exponential": keras_schedules.ExponentialDecay(0.5, STEPS, 0.9, staircase=True),
    "polynomial": keras_schedules.PolynomialDecay(0.5, TOTAL, 0.05, power=2.0),
    "cosine": keras_schedules.CosineDecay(0.5, TOTAL, alpha=0.1),
    "warm_restarts": keras_schedules.CosineDecayRestarts(0.5, 2 * STEPS, t_mul=2.0, m_mul=0.8, alpha=0.1),
    "warmup_cosine": keras_schedules.CosineDecay(0.0, TOTAL - 14, alpha=0.1, warmup_target=0.5, warmup_steps=14),
}
CHANGES = {
    "step": {"every": 5, "gamma": 0.1},
    "exponential": {"decay": 0.9},
    "polynomial": {"power": 2.0, "final": 0.1},
    "cosine": {"final": 0.1},
    "warm_restarts": {"period": 2.0, "period_multiplier": 2.0, "peak_multiplier": 0.8, "final": 0.1},
    "warmup_cosine": {"warmup": 2.0, "final": 0.1},
}


@pytest.mark.parametrize("name", sorted(KERAS))
def test_a_table_agrees_with_keras_s_own_schedule(section: Section, name: str):
    expected = [float(KERAS[name](step)) for step in range(TOTAL)]
    np.testing.assert_allclose(rates(section, name, **CHANGES[name]), expected, rtol=2e-5, atol=1e-7)


def test_halving_keeps_the_rate_for_its_full_epochs_and_then_halves_it_each_epoch(section: Section):
    by_epoch = rates(section, "halving", full_epochs=4, factor=0.5).reshape(EPOCHS, STEPS)
    # max_epoch of ptb_word_lm.py: lr_decay ** max(i + 1 - max_epoch, 0)
    expected = [0.5 * 0.5 ** max(i + 1 - 4, 0) for i in range(EPOCHS)]
    np.testing.assert_allclose(by_epoch, np.repeat(np.array(expected)[:, None], STEPS, 1), rtol=1e-7)


@pytest.mark.parametrize("name", ["exponential", "halving", "step"])
def test_schedules_by_epoch_hold_still_within_an_epoch(section: Section, name: str):
    changes = {"step": {"every": 1}}.get(name, {})
    by_epoch = rates(section, name, **changes).reshape(EPOCHS, STEPS)
    assert (by_epoch == by_epoch[:, :1]).all()
    assert by_epoch[-1, 0] < by_epoch[0, 0] == np.float32(0.5)


def test_a_warm_restart_on_a_fraction_of_an_epoch_begins_at_the_peak(section: Section):
    table = schedules.table(
        Schedule(**section("schedule", "warm_restarts", period=0.1, period_multiplier=1.0)), 0.5, 3, 10
    )
    np.testing.assert_array_equal(table, np.full(30, 0.5, np.float32))


@pytest.mark.parametrize("name", sorted(set(FILES) - {"constant", "plateau"}))
def test_every_file_gives_a_float32_rate_for_each_step(section: Section, name: str):
    table = rates(section, name)
    assert table.dtype == np.float32
    assert table.shape == (TOTAL,)
    assert table.max() <= 0.5


@pytest.mark.parametrize("name", ["constant", "plateau"])
def test_constant_and_plateau_have_one_rate_and_no_table(section: Section, name: str):
    schedule = Schedule(**section("schedule", name))
    assert schedules.table(schedule, 0.1, EPOCHS, STEPS) is None
    assert schedules.build(schedule, 0.1, EPOCHS, STEPS) == 0.1


def test_the_rate_has_the_same_bits_eagerly_in_a_graph_and_under_xla(section: Section):
    schedule = Schedule(**section("schedule", "warmup_cosine", final=0.01))
    built = schedules.build(schedule, 0.003, EPOCHS, STEPS)
    table = schedules.table(schedule, 0.003, EPOCHS, STEPS)
    steps = [tf.constant(step, tf.int64) for step in range(TOTAL)]
    for read in (built, tf.function(built), tf.function(built, jit_compile=True)):
        np.testing.assert_array_equal(np.array([read(step) for step in steps]), table)


def test_after_the_last_step_the_last_rate_stays():
    schedule = schedules.TableSchedule(np.array([0.3, 0.2], np.float32))
    assert [float(schedule(step)) for step in (0, 1, 2, 1000)] == pytest.approx([0.3, 0.2, 0.2, 0.2])


def test_a_table_survives_saving_to_the_bit(section: Section):
    built = schedules.build(Schedule(**section("schedule", "cosine")), 0.1, 100, 500)
    saved = keras.saving.serialize_keras_object(keras.optimizers.Adam(built))
    loaded = keras.saving.deserialize_keras_object(saved)
    np.testing.assert_array_equal(loaded._learning_rate.rates, built.rates)
    assert len(str(saved)) < 300_000


def test_with_gradient_accumulation_an_update_uses_the_rate_of_its_last_batch():
    variable = keras.Variable(np.zeros(1, np.float32))
    schedule = schedules.TableSchedule(np.array([1, 2, 4, 8], np.float32))
    optimizer = keras.optimizers.SGD(schedule, gradient_accumulation_steps=2)
    weights = []
    for _ in range(4):
        optimizer.apply([tf.constant([1.0])], [variable])
        weights.append(float(variable.numpy()[0]))
    assert weights == [0.0, -2.0, -2.0, -10.0]


def test_a_schedule_of_the_user_s_own_is_one_function_and_one_file():
    schedule = Schedule(name="mine", formula=f"{__name__}.zaremba", power=2)
    np.testing.assert_allclose(schedules.table(schedule, 2.0, 2, 2), [2.0, 1.125, 0.5, 0.125])


@pytest.mark.parametrize(
    ("schedule", "complaint"),
    [
        ({"name": "cosin", "final": 0.0}, "Did you mean 'cosine'"),
        ({"name": "cosine", "finale": 0.0}, r"schedule.finale is not an argument.*Did you mean 'final'"),
        ({"name": "warmup_cosine", "warmup": 12.0, "final": 0.0}, "shorter than the training"),
        ({"name": "step", "every": 1, "gamma": 1e300}, "one finite rate"),
        ({"name": "mine", "formula": "zoo.optim.formulas.missing"}, "has no .missing."),
    ],
)
def test_a_mistake_is_named(schedule: dict[str, Any], complaint: str):
    with pytest.raises(BadInput, match=complaint):
        schedules.table(Schedule(**schedule), 0.1, EPOCHS, STEPS)


@pytest.mark.parametrize(("metric", "values"), [("loss", [1.0, 1.0, 1.0, 1.0]), ("val_accuracy", [0.9, 0.8, 0.8, 0.8])])
def test_plateau_lowers_the_rate_of_an_uncompiled_model_too(section: Section, metric: str, values: list[float]):
    callback = schedules.plateau_callback(
        Schedule(**section("schedule", "plateau", metric=metric, patience=2, factor=0.1))
    )
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.optimizer = keras.optimizers.SGD(1.0)
    callback.set_model(model)
    callback.on_train_begin()
    seen = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {metric: value})
        seen.append(float(model.optimizer.learning_rate.numpy()))
    assert seen == pytest.approx([1.0, 1.0, 0.1, 0.1])


def test_plateau_watches_the_given_metric_unless_it_names_its_own(section: Section):
    watched = schedules.plateau_callback(Schedule(**section("schedule", "plateau")), "val_perplexity")
    assert (watched.monitor, watched.mode) == ("val_perplexity", "min")
    assert schedules.plateau_callback(Schedule(**section("schedule", "cosine"))) is None
