import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from zoo.results import boundary, style

pytestmark = pytest.mark.filterwarnings("error")

XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
LABELS = np.array([0, 1, 1, 0])


def solved(plane: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.tanh(4 * (0.5 - np.abs(plane.sum(axis=1) - 1)))


def pixels(path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB")) / 255


def share(image: np.ndarray, color: object) -> float:
    return float((np.abs(image - to_rgb(color)).max(axis=-1) < 0.02).mean())


def test_the_boundary_of_xor_shows_both_labels_both_regions_and_the_line(tmp_path):
    path = boundary.decision_boundary(solved, XOR, LABELS, tmp_path)
    assert path == tmp_path / "decision_boundary.png"
    image = pixels(path)
    assert image.shape[:2] == (552, 624)
    for color in (style.PALETTE[0], style.PALETTE[1], style.INK):
        assert share(image, color) > 0.0005
    assert share(image, style.PROBABILITY(0.05)) > 0.05


def test_the_model_is_asked_once_about_points_around_all_examples(tmp_path):
    asked = []

    def probability(plane):
        asked.append(plane)
        return solved(plane)

    boundary.decision_boundary(probability, XOR * 10, LABELS, tmp_path)
    (plane,) = asked
    assert plane.dtype == np.float32
    assert plane.shape[1] == 2
    np.testing.assert_allclose(plane.min(axis=0), -2.5)
    np.testing.assert_allclose(plane.max(axis=0), 12.5)


def test_a_column_of_probabilities_and_two_columns_give_the_picture_of_one(tmp_path):
    one = pixels(boundary.decision_boundary(solved, XOR, LABELS, tmp_path / "one"))
    column = boundary.decision_boundary(lambda p: solved(p)[:, None], XOR, LABELS, tmp_path / "column")
    two = boundary.decision_boundary(lambda p: np.stack([1 - solved(p), solved(p)], 1), XOR, LABELS, tmp_path / "two")
    np.testing.assert_array_equal(pixels(column), one)
    np.testing.assert_array_equal(pixels(two), one)


@pytest.mark.parametrize("value", [0.5, 0.0, 1.0, np.nan, 7.0, -np.inf])
def test_a_model_that_says_the_same_everywhere_is_no_error(value, tmp_path):
    image = pixels(boundary.decision_boundary(lambda p: np.full(len(p), value), XOR, LABELS, tmp_path))
    assert share(image, style.PALETTE[0]) > 0.0005


def test_more_than_two_classes_are_coloured_by_the_likeliest(tmp_path):
    centers = np.array([[0, 0], [3, 0], [0, 3], [3, 3]])

    def probabilities(plane):
        weights = np.exp(-((plane[:, None] - centers) ** 2).sum(-1))
        return weights / weights.sum(axis=1, keepdims=True)

    image = pixels(boundary.decision_boundary(probabilities, centers, np.arange(4), tmp_path))
    for label in range(4):
        region = 1 - 0.5 * (1 - np.array(to_rgb(style.PALETTE[label])))
        assert share(image, region) > 0.02
    sure_of_one = boundary.decision_boundary(lambda p: np.eye(3)[np.zeros(len(p), int)], XOR, LABELS, tmp_path / "one")
    assert sure_of_one.is_file()


@pytest.mark.parametrize("x", [np.ones((3, 2)), np.random.default_rng(0).normal(size=(3000, 2))])
def test_one_place_and_thousands_of_examples_can_be_drawn(x, tmp_path):
    assert boundary.decision_boundary(solved, x, np.arange(len(x)) % 2, tmp_path).is_file()


def test_examples_of_more_than_two_features_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"two features.*\(4, 3\)"):
        boundary.decision_boundary(solved, np.ones((4, 3)), LABELS, tmp_path)


def test_a_callable_of_the_wrong_shape_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"Received: \(7,\)"):
        boundary.decision_boundary(lambda plane: np.ones(7), XOR, LABELS, tmp_path)
