import hashlib
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from zoo.results import curves, style

pytestmark = pytest.mark.filterwarnings("error")


def history(epochs: int) -> dict[str, list[float]]:
    time = np.linspace(0, 1, epochs)
    loss = 2.3 * np.exp(-4 * time)
    return {
        "loss": list(loss),
        "val_loss": list(loss + 0.1 + 0.3 * time**2),
        "accuracy": list(1 - loss / 3),
        "val_accuracy": list(0.97 - loss / 3),
        "learning_rate": [0.001] * epochs,
        "epoch_seconds": [1.5] * epochs,
    }


def size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        return image.size


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def inks(path: Path) -> int:
    """Count the pixels that are not white."""
    with Image.open(path) as image:
        return int((np.asarray(image.convert("L")) < 250).sum())


@pytest.mark.parametrize("epochs", [1, 2, 100, 5000])
def test_learning_curves_are_a_picture_for_any_number_of_epochs(epochs, tmp_path):
    path = curves.learning_curves(history(epochs), tmp_path)
    assert path == tmp_path / "learning_curves.png"
    width, height = size(path)
    assert 600 <= width <= 1600
    assert 300 <= height <= 800
    assert path.stat().st_size < 200_000


def test_the_folder_is_made_if_it_is_missing(tmp_path):
    assert curves.learning_curves(history(3), tmp_path / "a" / "b").is_file()


def test_a_learning_rate_has_a_panel_only_if_it_changes(tmp_path):
    constant = size(curves.learning_curves(history(10), tmp_path / "constant"))
    falling = history(10) | {"learning_rate": list(np.linspace(0.1, 0, 10))}
    assert size(curves.learning_curves(falling, tmp_path / "falling"))[0] > constant[0]


def test_bookkeeping_has_no_panel(tmp_path):
    plain = {"loss": [2.0, 1.0]}
    alone = curves.learning_curves(plain, tmp_path / "alone")
    extra = plain | {"epoch": [1, 2], "epoch_seconds": [1.0, 2.0], "examples_per_second": [5.0, 6.0]}
    assert digest(curves.learning_curves(extra, tmp_path / "extra")) == digest(alone)


def test_unknown_metrics_have_panels_up_to_six_and_the_learning_rate_keeps_its_own(tmp_path):
    three = {f"metric_{i}": [0.5, 0.6] for i in range(3)}
    ten = {f"metric_{i}": [0.5, 0.6] for i in range(10)}
    six = size(curves.learning_curves({f"metric_{i}": [0.5, 0.6] for i in range(6)}, tmp_path / "six"))
    assert size(curves.learning_curves(ten, tmp_path / "ten")) == six
    assert size(curves.learning_curves(three, tmp_path / "three"))[1] == six[1] // 2
    with_rate = curves.learning_curves(ten | {"learning_rate": [0.1, 0.2]}, tmp_path / "rate")
    assert digest(with_rate) != digest(tmp_path / "ten" / "learning_curves.png")


def test_the_best_epoch_is_marked_and_can_be_chosen(tmp_path):
    values = {"loss": [3.0, 2.0, 1.0, 0.5], "val_loss": [3.0, 1.5, 2.0, 2.5]}
    default = digest(curves.learning_curves(values, tmp_path / "default"))
    assert digest(curves.learning_curves(values, tmp_path / "two", best_epoch=2)) == default
    assert digest(curves.learning_curves(values, tmp_path / "three", best_epoch=3)) != default


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1.8e308])
def test_values_that_are_not_finite_are_left_out(bad, tmp_path):
    values = history(10)
    clean = inks(curves.learning_curves(values, tmp_path / "clean"))
    values["loss"][3] = bad
    values["val_loss"][3:] = [bad] * 7
    assert inks(curves.learning_curves(values, tmp_path / "gap")) != clean


@pytest.mark.parametrize("epochs", [1, 7])
def test_a_run_without_one_finite_value_still_has_its_picture(epochs, tmp_path):
    never = {"loss": [np.nan] * epochs, "val_loss": [np.inf] * epochs, "accuracy": [0.1] * epochs}
    assert inks(curves.learning_curves(never, tmp_path)) > 1000


def test_a_value_between_two_gaps_can_be_seen(tmp_path):
    ends = [1.0, 1.0, np.nan, np.nan, np.nan, 2.0, 2.0]
    alone = [1.0, 1.0, np.nan, 1.5, np.nan, 2.0, 2.0]
    without = inks(curves.learning_curves({"score": ends}, tmp_path / "without"))
    assert inks(curves.learning_curves({"score": alone}, tmp_path / "with")) > without + 10


def test_validation_every_few_epochs_is_drawn_at_its_epochs(tmp_path):
    sparse = {"loss": [4.0, 3.0, 2.5, 2.2, 2.1, 2.0], "val_loss": [3.5, 2.0, 3.0]}
    default = digest(curves.learning_curves(sparse, tmp_path / "default"))
    assert digest(curves.learning_curves(sparse, tmp_path / "four", best_epoch=4)) == default


def test_an_empty_history_is_no_error(tmp_path):
    assert curves.learning_curves({}, tmp_path).is_file()


@pytest.mark.parametrize("epochs", [1, 30, 2000])
@pytest.mark.parametrize("layers", [1, 12])
def test_gradient_norms_are_a_picture_for_one_layer_and_for_twelve(layers, epochs, tmp_path):
    norms = np.exp(np.linspace(-20, 1, layers) + np.random.default_rng(0).normal(size=(epochs, layers)))
    path = curves.gradient_norms(norms, [f"hidden_{i}" for i in range(layers)], tmp_path)
    assert path == tmp_path / "gradient_norms.png"
    width, height = size(path)
    assert width == 864
    assert 400 <= height <= 500


def test_every_layer_of_a_deep_network_finds_room(tmp_path):
    norms = np.ones((5, 40))
    height = size(curves.gradient_norms(norms, [f"dense_{i}" for i in range(40)], tmp_path))[1]
    assert height > 40 * 15


def test_zero_and_missing_gradient_norms_are_shown_without_a_warning(tmp_path):
    norms = np.exp(np.random.default_rng(0).normal(size=(20, 3)))
    clean = inks(curves.gradient_norms(norms, ["a", "b", "c"], tmp_path / "clean"))
    norms[:, 0] = 0
    norms[5:, 1] = np.nan
    norms[7, 2] = np.inf
    assert inks(curves.gradient_norms(norms, ["a", "b", "c"], tmp_path / "holes")) != clean


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_gradient_norms_that_are_all_zero_or_all_missing_are_no_error(value, tmp_path):
    assert curves.gradient_norms(np.full((4, 2), value), ["a", "b"], tmp_path).is_file()


def test_gradient_norms_want_a_column_for_each_layer(tmp_path):
    with pytest.raises(ValueError, match=r"\[epochs, 2\].*\(4, 3\)"):
        curves.gradient_norms(np.ones((4, 3)), ["a", "b"], tmp_path)


def test_the_same_values_give_the_same_bytes(tmp_path):
    first = curves.learning_curves(history(20), tmp_path / "first")
    assert digest(first) == digest(curves.learning_curves(history(20), tmp_path / "second"))


def test_a_picture_neither_uses_nor_changes_the_callers_matplotlib_settings(tmp_path):
    plain = digest(curves.learning_curves(history(5), tmp_path / "plain"))
    own = {"font.size": 30.0, "text.usetex": True, "axes.facecolor": "black", "figure.dpi": 10.0}
    with matplotlib.rc_context(own):
        styled = digest(curves.learning_curves(history(5), tmp_path / "styled"))
        assert {key: matplotlib.rcParams[key] for key in own} == own
    assert styled == plain


def test_no_picture_is_left_behind_when_drawing_fails(tmp_path):
    with pytest.raises(ZeroDivisionError), style.picture(tmp_path / "half.png", width=2, height=2):
        _ = 1 / 0
    assert not list(tmp_path.iterdir())


def test_a_dollar_in_a_name_is_a_dollar(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert curves.gradient_norms(np.ones((3, 2)), ["$x^", "cost_$"], tmp_path).is_file()
