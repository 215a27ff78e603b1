from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo.config import BadInput, Init, Optimizer, named
from zoo.optim import initializers, optimizers, schedules

FILES = sorted(path.stem for path in (Path(__file__).parents[2] / "conf" / "optimizer").glob("*.yaml"))
COMMON = {"clipnorm", "global_clipnorm", "clipvalue", "weight_decay", "gradient_accumulation_steps", "use_ema"}
COMMON |= {"ema_momentum"}
UNTUNED = {"name", "loss_scale_factor", "ema_overwrite_frequency"}  # Keras's own business
OTHER_DEFAULTS = {"momentum": {"momentum"}, "nesterov": {"momentum", "nesterov"}, "adafactor": {"epsilon_1"}}
OTHER_DEFAULTS |= {"muon": {"exclude_layers"}}
Section = Callable[..., dict[str, Any]]


class Minimal(keras.optimizers.Optimizer):
    """An optimizer of the user's own that takes nothing but a learning rate."""

    def __init__(self, learning_rate: float = 1.0, reverse: bool = False) -> None:
        super().__init__(learning_rate)
        self.reverse = reverse

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        self.assign_sub(variable, (-gradient if self.reverse else gradient) * learning_rate)


@pytest.fixture(scope="module")
def make(section: Section) -> Callable[..., keras.optimizers.Optimizer]:
    def build(name: str, **changes: Any) -> keras.optimizers.Optimizer:
        tree = Optimizer(**section("optimizer", name, **changes))
        return optimizers.build(tree, tree.learning_rate)

    return build


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Return an MLP for XOR and an LSTM language model, side by side in one model."""
    points, tokens = keras.Input((2,)), keras.Input((5,), dtype="int32")
    hidden = keras.layers.Dense(4, activation="tanh", name="hidden_1")(points)
    features = keras.layers.Embedding(6, 4, name="embedding")(tokens)
    features = keras.layers.LSTM(4, name="lstm_1", return_sequences=True)(features)
    heads = keras.layers.Dense(1, name="output")(hidden), keras.layers.Dense(6, name="output_tokens")(features)
    return keras.Model([points, tokens], heads)


@pytest.fixture(scope="module")
def small() -> keras.Model:
    """Return a model with an embedding, a matrix and a bias: each kind of weight once, for XLA compiles slowly."""
    return keras.Sequential([keras.Input((3,)), keras.layers.Embedding(6, 4), keras.layers.Dense(3, name="hidden_1")])


def train(model: keras.Model, optimizer: keras.optimizers.Optimizer, steps: int = 30) -> list[float]:
    """Train from the same start and return the loss of each step."""
    initializers.initialize(model, Init(name="default"), 0)
    optimizer.build(model.trainable_variables)
    points = tf.constant([[0, 0], [0, 1], [1, 0], [1, 1]], tf.float32)
    exclusive_or = tf.constant([[0], [1], [1], [0]], tf.float32)
    text = tf.constant(np.arange(24).reshape(4, 6) % 5)  # token 5 never occurs

    @tf.function
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            values, logits = model([points, text[:, :-1]], training=True)
            loss = tf.reduce_mean(tf.square(values - exclusive_or))
            loss += tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(text[:, 1:], logits))
        optimizer.apply(tape.gradient(loss, model.trainable_variables))
        return loss

    return [float(step()) for _ in range(steps)]


def apply_noise(model: keras.Model, optimizer: keras.optimizers.Optimizer, jit: bool, steps: int) -> list[list[Any]]:
    """Apply the same random gradients from the same start, and return the weights after each step."""
    initializers.initialize(model, Init(name="default"), 0)
    optimizer.build(model.trainable_variables)
    rng = np.random.default_rng(0)
    step = tf.function(lambda gradients: optimizer.apply(gradients), jit_compile=jit)
    weights = []
    for _ in range(steps):
        step([tf.constant(rng.normal(size=weight.shape), tf.float32) for weight in model.trainable_variables])
        weights.append(model.get_weights())
    return weights


def test_the_files_name_fifteen_optimizers():
    names = "adadelta adafactor adagrad adam adamax adamw lamb lion momentum muon nadam nesterov rmsprop rprop sgd"
    assert " ".join(FILES) == names


@pytest.mark.parametrize("name", FILES)
def test_a_file_holds_every_argument_of_its_class_with_keras_s_own_default(name: str, section: Section, make: Any):
    tree = section("optimizer", name)
    built = make(name)
    own = (named.argument_names(type(built)) or set()) - COMMON - UNTUNED
    extra = {"name", "class_name"} | ({"full_batch"} if name == "rprop" else set())
    assert set(tree) - COMMON == own | extra
    config, default = built.get_config(), type(built)().get_config()
    for key in own - {"learning_rate"}:
        assert config[key] == tree[key], key
        assert (config[key] == default[key]) == (key not in OTHER_DEFAULTS.get(name, set())), key


@pytest.mark.parametrize("name", FILES)
def test_every_optimizer_trains_an_mlp_and_an_lstm(name: str, make: Any, model: keras.Model):
    losses = train(model, make(name))
    assert np.all(np.isfinite(losses))
    assert losses[-1] < losses[0]
    assert all(np.all(np.isfinite(weight)) for weight in model.get_weights())


@pytest.mark.parametrize("name", FILES)
def test_every_optimizer_moves_alike_with_and_without_xla(name: str, make: Any, small: keras.Model):
    plain, compiled = (apply_noise(small, make(name), jit, steps=3)[-1] for jit in (False, True))
    for one, other in zip(plain, compiled, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_the_common_keys_reach_keras(make: Any):
    built = make(
        "adam", clipvalue=0.5, weight_decay=0.01, gradient_accumulation_steps=4, use_ema=True, ema_momentum=0.9
    )
    config = built.get_config()
    assert (config["clipvalue"], config["weight_decay"]) == (0.5, 0.01)
    assert (config["gradient_accumulation_steps"], config["use_ema"], config["ema_momentum"]) == (4, True, 0.9)


@pytest.mark.parametrize("name", ["adam", "muon", "nadam", "rprop"])
def test_accumulated_gradients_update_under_xla(name: str, make: Any, small: keras.Model):
    optimizer = make(name, gradient_accumulation_steps=2, global_clipnorm=1.0)
    first, second, third = (step[0] for step in apply_noise(small, optimizer, jit=True, steps=3))
    assert np.array_equal(second, third)
    assert not np.array_equal(first, second)


def test_muon_leaves_biases_embeddings_and_the_output_layer_to_adamw(make: Any, model: keras.Model):
    built = make("muon")
    built.build(model.trainable_variables)
    pairs = zip(model.trainable_variables, built.adam_velocities, strict=True)
    orthogonal = {variable.path for variable, velocity in pairs if velocity is None}
    kernels = {"hidden_1/kernel", "lstm_1/lstm_cell/kernel", "lstm_1/lstm_cell/recurrent_kernel"}
    assert orthogonal == kernels | {"output_tokens/kernel"}


def test_adafactor_survives_inputs_and_units_that_never_have_a_gradient(make: Any):
    variable = keras.Variable(np.ones((4, 3), np.float32))
    gradient = np.full((4, 3), 0.1, np.float32)
    gradient[1], gradient[:, 1] = 0, 0
    optimizer = make("adafactor")
    for _ in range(3):
        optimizer.apply([tf.constant(gradient)], [variable])
    assert np.all(np.isfinite(variable.numpy()))


def test_the_given_rate_replaces_that_of_the_section(section: Section):
    tree = Optimizer(**section("optimizer", "sgd"))
    assert float(optimizers.build(tree, 3).learning_rate) == 3.0
    schedule = schedules.TableSchedule([0.5, 0.25])
    assert optimizers.build(tree, schedule)._learning_rate is schedule


def test_loss_scaling_wraps_what_was_built(model: keras.Model, section: Section):
    inner = optimizers.build(Optimizer(**section("optimizer", "momentum")), schedules.TableSchedule([0.1] * 30))
    losses = train(model, keras.optimizers.LossScaleOptimizer(inner), steps=5)
    assert np.all(np.isfinite(losses))
    assert float(inner.learning_rate) == pytest.approx(0.1)


def test_an_optimizer_of_the_user_s_own_needs_no_common_key_until_one_is_used(section: Section):
    changes = {"class_name": f"{__name__}.Minimal", "reverse": True}
    tree = section("optimizer", "sgd", **changes)
    del tree["momentum"], tree["nesterov"]
    assert optimizers.build(Optimizer(**tree), 0.1).reverse
    with pytest.raises(BadInput, match=r"optimizer.clipnorm is not an argument of Minimal"):
        optimizers.build(Optimizer(**tree | {"clipnorm": 1.0}), 0.1)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"class_name": "Adma"}, "Did you mean .*'Adam'"),
        ({"class_name": "keras.optimizers.Adma"}, r"keras\.optimizers has no 'Adma'\. Did you mean 'Adamax'"),
        ({"class_name": "keras.layers.Dense"}, "should name a subclass of"),
        ({"beta_3": 0.9}, r"optimizer.beta_3 is not an argument of Adam\. Did you mean 'beta_[12]'"),
        ({"class_name": "AdamW", "weight_decay": None}, "AdamW refused its arguments"),
        ({"class_name": "LossScaleOptimizer"}, "is not an argument of LossScaleOptimizer"),
    ],
)
def test_a_mistake_is_named(section: Section, changes: dict[str, Any], complaint: str):
    with pytest.raises(BadInput, match=complaint):
        optimizers.build(Optimizer(**section("optimizer", "adam", **changes)), 0.1)


def test_rprop_refuses_a_schedule(section: Section):
    with pytest.raises(BadInput, match="schedule=constant"):
        optimizers.build(Optimizer(**section("optimizer", "rprop")), schedules.TableSchedule([0.1]))
