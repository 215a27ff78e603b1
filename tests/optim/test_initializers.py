import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from zoo.config import BadInput, Init
from zoo.optim.initializers import initialize

FILES = sorted(path.stem for path in (Path(__file__).parents[2] / "conf" / "init").glob("*.yaml"))
ROWS, COLUMNS = 400, 300
DEFAULT = Init(name="default")


@pytest.fixture(scope="module")
def read(section: Callable[..., dict[str, Any]]) -> Callable[..., Init]:
    return lambda name, **changes: Init(**section("init", name, **changes))


def dense(*widths: int, **options: Any) -> keras.Model:
    names = [f"hidden_{depth}" for depth in range(1, len(widths))]
    stack = [layers.Dense(width, name=name, **options) for name, width in zip(names, widths[1:], strict=True)]
    return keras.Sequential([keras.Input(widths[:1]), *stack])


def recurrent(**options: Any) -> keras.Model:
    tokens = keras.Input((5,), dtype="int32")
    features = layers.Embedding(30, 8, name="embedding")(tokens)
    for depth in (1, 2):
        features = layers.LSTM(8, return_sequences=True, name=f"lstm_{depth}", **options)(features)
    return keras.Model(tokens, layers.Dense(30, name="output")(features))


def values(model: keras.Model) -> dict[str, np.ndarray]:
    """Return each weight by its path, without the model's own name."""
    return {variable.path.removeprefix(f"{model.name}/"): variable.numpy() for variable in model.weights}


def drawn(model: keras.Model, init: Init, seed: int = 0) -> dict[str, np.ndarray]:
    initialize(model, init, seed)
    return values(model)


def test_the_files_name_fourteen_initializers():
    names = "default glorot_normal glorot_uniform he_normal he_uniform identity lecun_normal lecun_uniform ones "
    assert " ".join(FILES) == names + "orthogonal random_normal random_uniform variance_scaling zeros"


@pytest.mark.parametrize(
    ("name", "changes", "mean", "variance"),
    [
        ("glorot_uniform", {}, 0, 2 / (ROWS + COLUMNS)),
        ("glorot_normal", {}, 0, 2 / (ROWS + COLUMNS)),
        ("he_uniform", {}, 0, 2 / ROWS),
        ("he_normal", {}, 0, 2 / ROWS),
        ("lecun_uniform", {}, 0, 1 / ROWS),
        ("lecun_normal", {}, 0, 1 / ROWS),
        ("variance_scaling", {"scale": 3.0, "mode": "fan_out", "distribution": "untruncated_normal"}, 0, 3 / COLUMNS),
        ("random_normal", {"stddev": 0.2}, 0, 0.04),
        ("random_uniform", {"minval": -0.1, "maxval": 0.3}, 0.1, 0.4**2 / 12),
        ("orthogonal", {"gain": 2.0}, 0, 4 / ROWS),
        ("identity", {"gain": 2.0}, 2 / ROWS, 4 / ROWS - 4 / ROWS**2),
        ("zeros", {}, 0, 0),
        ("ones", {}, 1, 0),
        ("default", {}, 0, 2 / (ROWS + COLUMNS)),
    ],
)
def test_a_kernel_has_the_mean_and_the_variance_of_its_formula(
    read: Any, name: str, changes: dict[str, Any], mean: float, variance: float
):
    kernel = drawn(dense(ROWS, COLUMNS), read(name, **changes))["hidden_1/kernel"]
    assert kernel.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / kernel.size) + 1e-6)
    assert kernel.var() == pytest.approx(variance, rel=0.02, abs=1e-12)


def test_an_orthogonal_kernel_is_orthogonal_and_an_identity_is_one_in_each_gate(read: Any):
    kernel = drawn(dense(ROWS, COLUMNS), read("orthogonal"))["hidden_1/kernel"]
    np.testing.assert_allclose(kernel.T @ kernel, np.eye(COLUMNS), atol=1e-5)
    recurrent_kernel = drawn(recurrent(), read("identity"))["lstm_1/lstm_cell/recurrent_kernel"]
    np.testing.assert_array_equal(recurrent_kernel, np.tile(np.eye(8), 4))


def test_adding_a_layer_changes_no_other_layer_s_weights():
    small, large = drawn(dense(4, 5, 6), DEFAULT), drawn(dense(4, 5, 6, 7, 7), DEFAULT)
    assert set(small) < set(large)
    for path, value in small.items():
        np.testing.assert_array_equal(value, large[path])


def test_equal_layers_and_the_two_kernels_of_an_lstm_differ(read: Any):
    for init in (DEFAULT, read("random_normal")):
        weights = drawn(recurrent(), init)
        kernels = [value for path, value in weights.items() if path.endswith("kernel") and "lstm" in path]
        assert len({kernel.tobytes() for kernel in kernels}) == 4


def test_the_weights_depend_on_the_seed_and_not_on_the_weights_before(read: Any):
    init, model = read("he_normal"), dense(4, 5, 6)
    zero, one, again = (drawn(model, init, seed) for seed in (0, 1, 0))
    model.set_weights([weight + 1 for weight in model.get_weights()])
    after_training = drawn(model, init, 0)
    for path in zero:
        np.testing.assert_array_equal(zero[path], again[path])
        np.testing.assert_array_equal(zero[path], after_training[path])
        assert path.endswith("bias") or not np.array_equal(zero[path], one[path])


def test_another_process_draws_the_same_bits(tmp_path: Path):
    script = (
        "import sys, keras, numpy as np\n"
        "from zoo.config import Init\n"
        "from zoo.optim.initializers import initialize\n"
        "keras.layers.Dense(3)\n"
        "model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5, name='hidden_1')])\n"
        "initialize(model, Init(name='orthogonal', class_name='Orthogonal'), 7)\n"
        "np.save(sys.argv[1], model.get_weights()[0])\n"
    )
    root = str(Path(__file__).parents[2])
    environment = os.environ | {"PYTHONPATH": root, "TF_CPP_MIN_LOG_LEVEL": "3"}
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "kernel.npy")], env=environment, check=True)
    here = drawn(dense(4, 5), Init(name="orthogonal", class_name="Orthogonal"), 7)["hidden_1/kernel"]
    np.testing.assert_array_equal(np.load(tmp_path / "kernel.npy"), here)


def test_apply_to_says_which_weights_the_initializer_sets(read: Any):
    own, chosen = drawn(recurrent(), DEFAULT), drawn(recurrent(), read("random_uniform", apply_to=["recurrent_kernel"]))
    changed = {path for path in own if not np.array_equal(own[path], chosen[path])}
    assert changed == {f"lstm_{depth}/lstm_cell/recurrent_kernel" for depth in (1, 2)}


def test_biases_start_at_the_given_constant_and_forget_gates_at_one(read: Any):
    biased = read("default", bias=0.25)
    weights = drawn(recurrent(), biased)
    expected = np.repeat(np.float32([0.25, 1.0, 0.25, 0.25]), 8)
    np.testing.assert_array_equal(weights["lstm_1/lstm_cell/bias"], expected)
    np.testing.assert_array_equal(weights["output/bias"], np.full(30, 0.25, np.float32))
    plain = drawn(recurrent(unit_forget_bias=False), biased)["lstm_1/lstm_cell/bias"]
    np.testing.assert_array_equal(plain, np.full(32, 0.25, np.float32))
    untouched = drawn(recurrent(), DEFAULT)["lstm_1/lstm_cell/bias"]
    np.testing.assert_array_equal(untouched, np.repeat(np.float32([0, 1, 0, 0]), 8))


def test_batch_normalization_and_recurrent_states_start_as_built(read: Any):
    inputs = keras.Input(batch_shape=(2, 3, 4))
    model = keras.Model(inputs, layers.BatchNormalization(name="norm")(layers.GRU(4, stateful=True)(inputs)))
    built = [value for path, value in values(model).items() if "norm" in path or "kernel" not in path]
    initialize(model, read("random_normal", bias=None), 3)
    after = [value for path, value in values(model).items() if "norm" in path or "kernel" not in path]
    assert len(after) >= 5
    for one, other in zip(built, after, strict=True):
        if one.dtype.kind == "f":
            np.testing.assert_array_equal(one, other)


def test_dropout_masks_depend_on_seed_and_layer_name_alone():
    def masks(before: list[keras.Layer]) -> np.ndarray:
        drop = layers.Dropout(0.5, name="dropout_1")
        model = keras.Sequential([keras.Input((64,)), *before, drop])
        initialize(model, DEFAULT, 5)
        return np.stack([drop(np.ones((1, 64)), training=True).numpy() for _ in range(2)])

    alone, among = masks([]), masks([layers.Dropout(0.1, name="dropout_0"), layers.Dense(64, name="hidden_1")])
    np.testing.assert_array_equal(alone, among)
    assert not np.array_equal(alone[0], alone[1])


def test_nested_shared_and_stacked_layers_are_reached_and_none_shares_a_draw():
    def encoder(name: str) -> keras.Model:
        return keras.Sequential([keras.Input((4,)), layers.Dense(4, name="hidden_1"), layers.Dropout(0.5)], name=name)

    def build() -> keras.Model:
        inputs, tokens = keras.Input((4,)), keras.Input((3,), dtype="int32")
        shared = layers.Dense(4, name="shared")
        left, right = encoder("left")(inputs), encoder("right")(inputs)
        table = layers.ReversibleEmbedding(4, 4, tie_weights=False, name="embedding")
        cells = [layers.GRUCell(4, name="cell_1"), layers.GRUCell(4, name="cell_2")]
        stack = layers.RNN(cells, name="stack")(table(tokens))
        both = layers.Bidirectional(layers.LSTM(4), name="both")(table(tokens))
        joined = layers.Concatenate(name="joined")([shared(left), shared(right), table(stack, reverse=True), both])
        return keras.Model([inputs, tokens], joined)

    model = build()
    matrices = [weight for weight in model.get_weights() if weight.ndim == 2 and weight.std() > 0]
    initialize(model, DEFAULT, 0)
    redrawn = [weight for weight in model.get_weights() if weight.ndim == 2 and weight.std() > 0]
    assert len(redrawn) == 3 + 2 + 4 + 4
    assert not any(np.array_equal(one, other) for one, other in zip(matrices, redrawn, strict=True))
    assert len({weight.tobytes() for weight in redrawn}) == len(redrawn)
    twin = build()
    initialize(twin, DEFAULT, 0)
    for one, other in zip(model.get_weights(), twin.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@keras.saving.register_keras_serializable(package="tests")
class Linear(keras.Layer):
    """The layer of Keras's guide: it names no initializer for its weights."""

    def __init__(self, units: int, **options: Any) -> None:
        super().__init__(**options)
        self.units = units

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.scale = self.add_weight(shape=(self.units,), initializer="ones")
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal")

    def call(self, inputs: Any) -> Any:
        return (inputs @ self.w) * self.scale


class Unclonable(Linear):
    """One that cannot be built a second time."""

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError("no config")


def test_a_layer_that_keeps_no_initializer_depends_on_seed_and_name_too():
    def weights(seed: int, before: int) -> list[np.ndarray]:
        hidden = [layers.Dense(4, name=f"hidden_{depth}") for depth in range(before)]
        model = keras.Sequential([keras.Input((4,)), *hidden, Linear(4, name="linear")])
        model.set_weights([weight + 1 for weight in model.get_weights()])
        initialize(model, DEFAULT, seed)
        return model.layers[-1].get_weights()

    one, other, different = weights(0, before=0), weights(0, before=2), weights(1, before=0)
    np.testing.assert_array_equal(one[0], np.ones(4))
    np.testing.assert_array_equal(one[1], other[1])
    assert not np.array_equal(one[1], different[1])


def test_a_layer_that_cannot_be_drawn_anew_is_named_in_a_warning(caplog: pytest.LogCaptureFixture):
    model = keras.Sequential([keras.Input((4,)), Unclonable(4, name="linear")])
    with caplog.at_level(logging.WARNING):
        initialize(model, DEFAULT, 0)
    assert "Unclonable keeps no initializer" in caplog.text


def draw_from_numpy(shape: tuple[int, ...], dtype: Any = None) -> np.ndarray:
    """Return an initial value from a global random generator."""
    return np.random.normal(size=shape)


def test_an_initializer_that_is_a_plain_function_is_seeded_for_each_weight():
    model = dense(4, 4, 4, kernel_initializer=draw_from_numpy)
    first, again = drawn(model, DEFAULT), drawn(model, DEFAULT)
    np.testing.assert_array_equal(first["hidden_1/kernel"], again["hidden_1/kernel"])
    assert not np.array_equal(first["hidden_1/kernel"], first["hidden_2/kernel"])


@pytest.mark.parametrize(
    ("init", "complaint"),
    [
        ({"class_name": "HeNormale"}, "Did you mean 'HeNormal'"),
        ({"class_name": "HeNormal", "gain": 2.0}, "init.gain is not an argument of HeNormal"),
        ({"class_name": "keras.layers.Dense"}, "should name a subclass of"),
    ],
)
def test_a_mistake_is_named(init: dict[str, Any], complaint: str):
    with pytest.raises(BadInput, match=complaint):
        initialize(dense(2, 2), Init(name="mine", **init), 0)


def test_identity_refuses_what_is_no_matrix(read: Any):
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3)])
    with pytest.raises(BadInput, match="2D matrices"):
        initialize(model, read("identity"), 0)
