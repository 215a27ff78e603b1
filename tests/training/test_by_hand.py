"""The textbook's formulas: equal to worked examples, to central differences and to GradientTape; wrong ones are not."""

import math
from fractions import Fraction

import numpy as np
import pytest

from zoo.training import by_hand
from zoo.training.by_hand import Layer

GENERATOR = np.random.default_rng(0)


def network(*widths, last="sigmoid"):
    activations = ["sigmoid"] * (len(widths) - 2) + [last]
    return [
        Layer(GENERATOR.normal(size=(inputs, outputs)), GENERATOR.normal(size=outputs), activation)
        for inputs, outputs, activation in zip(widths, widths[1:], activations, strict=False)
    ]


def mistake(layers, x, y, error, gradients):
    """Return the largest difference to the central differences."""
    checked = by_hand.central_differences(layers, x, y, error)
    return max(
        float(np.abs(np.concatenate([(g.weights - w).ravel(), g.bias - b])).max())
        for g, (w, b) in zip(gradients, checked, strict=True)
    )


# Mazur 2015, "A Step by Step Backpropagation Example": 2-2-2 sigmoids, E = Σ ½ (target - out)², learning rate 0.5.
MAZUR = [
    Layer(np.array([[0.15, 0.25], [0.20, 0.30]]), np.array([0.35, 0.35])),
    Layer(np.array([[0.40, 0.50], [0.45, 0.55]]), np.array([0.60, 0.60])),
]
MAZUR_X, MAZUR_Y = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])


def test_the_worked_example_of_two_sigmoid_layers_gives_the_published_numbers():
    steps = by_hand.forward(MAZUR, MAZUR_X)
    np.testing.assert_allclose(steps[0].z, [[0.3775, 0.3925]], rtol=1e-12)
    np.testing.assert_allclose(steps[0].a, [[0.593269992, 0.596884378]], atol=1e-9)
    np.testing.assert_allclose(steps[1].a, [[0.75136507, 0.772928465]], atol=1e-9)
    error = by_hand.ERRORS["half_squared"].value(MAZUR_Y, steps[1].a)
    assert error == pytest.approx(0.298371109, abs=1e-9)
    gradients = by_hand.backward(MAZUR, MAZUR_X, MAZUR_Y, steps, "half_squared")
    updated = by_hand.update(MAZUR, gradients, 0.5)
    np.testing.assert_allclose(updated[1].weights, [[0.35891648, 0.511301270], [0.408666186, 0.561370121]], atol=1e-9)
    np.testing.assert_allclose(updated[0].weights, [[0.149780716, 0.24975114], [0.19956143, 0.29950229]], atol=1e-8)


def test_every_number_of_the_worked_example_is_that_of_plain_arithmetic():
    def sigmoid(z):
        return 1 / (1 + math.exp(-z))

    z1 = [0.15 * 0.05 + 0.20 * 0.10 + 0.35, 0.25 * 0.05 + 0.30 * 0.10 + 0.35]
    a1 = [sigmoid(z) for z in z1]
    z2 = [0.40 * a1[0] + 0.45 * a1[1] + 0.60, 0.50 * a1[0] + 0.55 * a1[1] + 0.60]
    a2 = [sigmoid(z) for z in z2]
    d2 = [(a2[0] - 0.01) * a2[0] * (1 - a2[0]), (a2[1] - 0.99) * a2[1] * (1 - a2[1])]
    back = [0.40 * d2[0] + 0.50 * d2[1], 0.45 * d2[0] + 0.55 * d2[1]]
    d1 = [back[0] * a1[0] * (1 - a1[0]), back[1] * a1[1] * (1 - a1[1])]

    steps = by_hand.forward(MAZUR, MAZUR_X)
    gradients = by_hand.backward(MAZUR, MAZUR_X, MAZUR_Y, steps, "half_squared")
    updated = by_hand.update(MAZUR, gradients, 0.5)
    np.testing.assert_allclose([steps[0].z[0], steps[1].z[0]], [z1, z2], rtol=1e-12)
    np.testing.assert_allclose([steps[0].a[0], steps[1].a[0]], [a1, a2], rtol=1e-12)
    np.testing.assert_allclose([gradients[0].delta[0], gradients[1].delta[0]], [d1, d2], rtol=1e-12)
    np.testing.assert_allclose(gradients[1].weights, [[a1[0] * d for d in d2], [a1[1] * d for d in d2]], rtol=1e-12)
    np.testing.assert_allclose(gradients[0].weights, [[0.05 * d for d in d1], [0.10 * d for d in d1]], rtol=1e-12)
    np.testing.assert_allclose(updated[0].bias, [0.35 - 0.5 * d for d in d1], rtol=1e-12)
    np.testing.assert_allclose(updated[1].bias, [0.60 - 0.5 * d for d in d2], rtol=1e-12)


def test_every_number_of_a_linear_regression_through_three_points_is_that_of_fractions():
    points = [(Fraction(1), Fraction(2)), (Fraction(2), Fraction(3)), (Fraction(4), Fraction(3))]
    w, b, rate = Fraction(1, 2), Fraction(1, 4), Fraction(1, 10)
    z = [w * x + b for x, _ in points]
    loss = sum((z_i - y) ** 2 for z_i, (_, y) in zip(z, points, strict=True)) / 3
    delta = [2 * (z_i - y) / 3 for z_i, (_, y) in zip(z, points, strict=True)]
    by_w, by_b = sum(d * x for d, (x, _) in zip(delta, points, strict=True)), sum(delta)

    layers = [Layer(np.array([[0.5]]), np.array([0.25]), "linear")]
    x, y = (np.array([[float(value)] for value in column]) for column in zip(*points, strict=True))
    steps = by_hand.forward(layers, x)
    (gradient,) = by_hand.backward(layers, x, y, steps, "mean_squared")
    (updated,) = by_hand.update(layers, [gradient], 0.1)
    np.testing.assert_allclose(steps[0].z[:, 0], [float(value) for value in z], rtol=1e-12)
    np.testing.assert_array_equal(steps[0].a, steps[0].z)
    assert by_hand.ERRORS["mean_squared"].value(y, steps[0].a) == pytest.approx(float(loss), rel=1e-12)
    np.testing.assert_allclose(gradient.delta[:, 0], [float(value) for value in delta], rtol=1e-12)
    np.testing.assert_allclose([gradient.weights[0, 0], gradient.bias[0]], [float(by_w), float(by_b)], rtol=1e-12)
    after = [updated.weights[0, 0], updated.bias[0]]
    np.testing.assert_allclose(after, [float(w - rate * by_w), float(b - rate * by_b)], rtol=1e-12)


@pytest.mark.parametrize(
    ("widths", "last", "error"),
    [
        ((2, 2, 1), "sigmoid", "mean_squared"),
        ((2, 2, 1), "sigmoid", "binary_crossentropy"),
        ((3, 4, 5, 2), "sigmoid", "half_squared"),
        ((3, 4, 1), "linear", "mean_squared"),
    ],
)
def test_gradients_are_those_of_central_differences(widths, last, error):
    layers, x = network(*widths, last=last), GENERATOR.normal(size=(5, widths[0]))
    y = GENERATOR.integers(0, 2, (5, widths[-1])).astype(float)
    gradients = by_hand.backward(layers, x, y, by_hand.forward(layers, x), error)
    assert mistake(layers, x, y, error, gradients) < 1e-8


def test_a_delta_divided_by_the_sigmoid_s_slope_fails_the_check(monkeypatch):
    layers, x, y = network(2, 2, 1), GENERATOR.normal(size=(4, 2)), np.array([[0.0], [1.0], [1.0], [0.0]])
    steps = by_hand.forward(layers, x)
    monkeypatch.setattr(Layer, "slope", lambda self, a: 1.0 / (a * (1.0 - a)))
    wrong = by_hand.backward(layers, x, y, steps, "mean_squared")
    monkeypatch.undo()
    assert mistake(layers, x, y, "mean_squared", wrong) > 0.1


def test_the_difference_turned_round_makes_the_error_rise_when_it_is_subtracted(monkeypatch):
    layers, x, y = network(2, 2, 1), GENERATOR.normal(size=(4, 2)), np.array([[0.0], [1.0], [1.0], [0.0]])
    right = by_hand.ERRORS["half_squared"]
    steps = by_hand.forward(layers, x)
    turned = by_hand.Error(right.value, lambda y, a: (y - a) / len(a))
    monkeypatch.setitem(by_hand.ERRORS, "half_squared", turned)
    wrong = by_hand.backward(layers, x, y, steps, "half_squared")
    monkeypatch.undo()
    assert mistake(layers, x, y, "half_squared", wrong) > 0.01
    before = right.value(y, steps[-1].a)
    after = right.value(y, by_hand.forward(by_hand.update(layers, wrong, 0.1), x)[-1].a)
    assert after > before


COMPARED = {
    "xor": ("model=xor_mlp", "optimizer=sgd"),
    "mean squared error": ("model=xor_mlp", "model.hidden=[3,2]", "loss=mse", "optimizer=momentum"),
    "logits": ("model=xor_mlp", "model.output=logits", "optimizer=adam", "batch_size=full"),
    "regression": ("model=linear",),
}


@pytest.mark.parametrize("name", COMPARED)
def test_a_run_by_hand_is_the_run_of_the_tape_loop(name, train_one):
    by_hand_run, by_tape = (
        train_one(*COMPARED[name], "init=random_normal", "init.stddev=1.0", "epochs=40", f"loop={loop}")
        for loop in ("by_hand", "tape")
    )
    for ours, theirs in zip(by_hand_run.weights, by_tape.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    for (step, ours), (its_step, theirs) in zip(by_hand_run.untimed(), by_tape.untimed(), strict=True):
        assert step == its_step
        assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-6)
    np.testing.assert_allclose(by_hand_run.training.norms, by_tape.training.norms, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", COMPARED)
def test_gradients_by_hand_are_those_of_gradient_tape(name, data_dir):
    from zoo import compose, data
    from zoo.training import batches, program

    config = compose(*COMPARED[name], "loop=by_hand", "init=random_normal", "init.stddev=1.0", "tracking=off")
    splits = data.load(config.data, folder=data_dir)
    learn = batches.training(splits, config)
    step = program.prepare(config, splits, learn, learn).step
    prediction, loss, gradients = step.differentiate(learn.x, learn.y, None)
    expected, its_loss, taped = super(by_hand.StepByHand, step).differentiate(learn.x, learn.y, None)
    np.testing.assert_allclose(prediction, expected, atol=1e-6)
    assert float(loss) == pytest.approx(float(its_loss), abs=1e-6)
    for ours, theirs in zip(gradients, taped, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
