"""The pictures of a sweep: which ones there are, that they hold what was measured, and that nothing overlaps."""

import hashlib
import math
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from zoo.results import heatmap, progress, sensitivity
from zoo.results.leaderboard import leaderboard
from zoo.results.progress import Course, carried
from zoo.results.sweep_figures import pictures
from zoo.results.trials import Trial, Trials

pytestmark = pytest.mark.filterwarnings("error")
OPTIMIZERS = ["sgd", "momentum", "rmsprop", "adam"]
INITS = ["glorot_uniform", "he_normal", "zeros"]


def sweep(keys, choices, value, seeds=4, metric="val_loss", **more):
    """Return the leaderboard of runs whose best value is `value(choice, seed)`, NaN for a lost one."""
    made = []
    for choice in choices:
        for seed in range(seeds):
            found = value(choice, seed)
            outcome = "diverged" if math.isnan(found) else "completed"
            made.append(Trial(f"{choice}{seed}", choice, f"seed {seed}", outcome, value=found, **more))
    return leaderboard(Trials(metric, tuple(keys), made))


def grid(*values):
    return [tuple(choice) for choice in np.stack(np.meshgrid(*values, indexing="ij"), -1).reshape(-1, len(values))]


def spread(choice, seed):
    return 10.0 ** -(hash_of(choice) % 6) * (1 + seed / 10)


def hash_of(choice):
    return int(hashlib.sha256("".join(choice).encode()).hexdigest()[:6], 16)


def size(picture):
    """Return the size of a PNG, and check that it holds something and that the SVG beside it is one."""
    with Image.open(picture.path) as image:
        assert image.format == "PNG"
        assert (np.asarray(image.convert("L")) < 200).sum() > 500
        found = image.size
    root = ElementTree.parse(picture.svg).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    ratio = float(root.get("width").removesuffix("pt")) / float(root.get("height").removesuffix("pt"))
    assert ratio == pytest.approx(found[0] / found[1], rel=0.02)
    return found


def names(found):
    return [picture.path.stem for picture in found]


def courses(board, epochs=20):
    grid = np.arange(1.0, epochs + 1)
    return {
        row.choice: [Course(grid, trial.value + 1 / grid, trial.is_lost) for trial in board.trials.of(row.choice)]
        for row in board.rows
    }


def test_two_swept_keys_make_a_heat_map_and_curves(tmp_path):
    board = sweep(["init", "optimizer"], grid(INITS, OPTIMIZERS), spread)
    found = pictures(board, tmp_path, curves=courses(board))
    assert names(found) == ["heat_map", "learning_curves"]
    assert found[0].title == "optimizer × init"
    assert {path.suffix for path in tmp_path.iterdir()} == {".png", ".svg"}
    for picture in found:
        size(picture)
        assert picture.caption.endswith(".")


def test_a_learning_rate_makes_a_sensitivity_and_no_heat_map_with_one_other_key(tmp_path):
    board = sweep(["optimizer", "optimizer.learning_rate"], grid(OPTIMIZERS, ["0.1", "0.01", "1"]), spread)
    assert names(pictures(board, tmp_path)) == ["learning_rates"]


def test_a_learning_rate_and_two_other_keys_make_both(tmp_path):
    board = sweep(["optimizer", "init", "sweep.lr_scale"], grid(OPTIMIZERS, INITS, ["0.1", "1"]), spread)
    assert names(pictures(board, tmp_path)) == ["heat_map", "learning_rates"]


def test_a_number_with_three_values_is_an_axis_too(tmp_path):
    def value(choice, seed):
        return float(choice[1]) ** {"lstm": 0.5, "rnn": 2}[choice[0]] + seed

    board = sweep(["experiment", "data.length"], grid(["lstm", "rnn"], ["10", "50", "100", "200"]), value)
    found = pictures(board, tmp_path, curves=courses(board))
    assert names(found) == ["by_length", "learning_curves"]
    assert (found[0].title, found[0].warning) == ("By length", "")
    assert "the ring the best length" in found[0].caption
    size(found[0])


def test_two_numbers_are_sides_of_a_heat_map_and_a_third_makes_an_axis(tmp_path):
    pair = sweep(["optimizer", "batch_size"], grid(OPTIMIZERS, ["4", "32"]), spread)
    assert names(pictures(pair, tmp_path)) == ["heat_map"]
    with_zero = sweep(["optimizer", "model.dropout"], grid(OPTIMIZERS, ["0", "0.2", "0.5"]), spread)
    assert names(pictures(with_zero, tmp_path)) == ["by_dropout"]
    size(pictures(with_zero, tmp_path)[0])


def test_a_learning_rate_comes_before_another_number(tmp_path):
    board = sweep(
        ["batch_size", "optimizer.learning_rate"], grid(["4", "16", "64"], ["0.1", "1", "10"]), lambda *_: 1.0
    )
    assert names(pictures(board, tmp_path)) == ["learning_rates"]


@pytest.mark.parametrize("keys", [["init"], []])
def test_one_key_or_none_shows_every_run(keys, tmp_path):
    board = sweep(keys, [(name,) for name in INITS] if keys else [()], spread, seeds=12)
    assert names(pictures(board, tmp_path)) == ["spread"]
    size(pictures(board, tmp_path)[0])


def test_success_is_drawn_where_it_was_asked_for(tmp_path):
    board = sweep(["optimizer"], [(name,) for name in OPTIMIZERS], spread)
    successes = {row.choice: [Course(np.array([1.0, 7.0]), np.array([0.0, 1.0]))] * 4 for row in board.rows}
    found = pictures(board, tmp_path, successes=successes, succeeded="have solved the task")
    assert names(found) == ["spread", "success_rate"]
    assert "the share of the runs that have solved the task" in found[1].caption
    size(found[1])


@pytest.mark.parametrize("metric", ["val_loss", "val_accuracy"])
def test_twenty_choices_with_long_names_still_make_pictures_of_a_screen(metric, tmp_path):
    long = [f"my_own_optimizer_with_a_very_long_name_{place}" for place in range(20)]
    board = sweep(
        ["optimizer"], [(name,) for name in long], lambda choice, seed: 0.9 + hash_of(choice) % 90 / 1e3, 5, metric
    )
    for picture in pictures(board, tmp_path, curves=courses(board)):
        width, height = size(picture)
        assert 600 <= width <= 1600
        assert 400 <= height <= 1200


def test_a_large_heat_map_has_room_for_every_cell(tmp_path):
    board = sweep(
        ["optimizer", "init"], grid([f"optimizer_{i}" for i in range(20)], [f"init_{i}" for i in range(14)]), spread
    )
    width, height = size(heatmap.heat_map(board, "optimizer", "init", tmp_path))
    assert width > 14 * 70
    assert height > 20 * 45


def test_a_heat_map_shows_the_best_of_further_keys_and_says_so(tmp_path):
    board = sweep(["optimizer", "init", "batch_size"], grid(OPTIMIZERS, INITS, ["4", "32"]), spread)
    assert "Of the other swept keys, the best choice" in heatmap.heat_map(board, "optimizer", "init", tmp_path).caption


def test_a_heat_map_with_holes_and_lost_cells_is_no_error(tmp_path):
    def value(choice, seed):
        return math.nan if choice == ("adam", "zeros") else 1.0

    board = sweep(["optimizer", "init"], grid(OPTIMIZERS, INITS)[1:], value)
    picture = heatmap.heat_map(board, "optimizer", "init", tmp_path)
    size(picture)
    assert "Empty cells were not run" in picture.caption


@pytest.mark.parametrize("metric", ["val_loss", "val_accuracy"])
def test_a_sweep_whose_runs_were_all_lost_still_has_its_pictures(metric, tmp_path):
    for keys, choices in (
        (["optimizer", "init"], grid(OPTIMIZERS, INITS)),
        (["optimizer", "sweep.lr_scale"], grid(OPTIMIZERS, ["1", "10"])),
        (["init"], [(name,) for name in INITS]),
    ):
        board = sweep(keys, choices, lambda choice, seed: math.nan, metric=metric)
        for picture in pictures(board, tmp_path, curves=courses(board)):
            assert picture.path.is_file()


@pytest.mark.parametrize(("best", "says"), [(0, "lowest"), (2, ""), (4, "highest")])
def test_a_best_learning_rate_on_the_edge_of_the_grid_is_warned_of(best, says, tmp_path):
    rates = ["0.0001", "0.001", "0.01", "0.1", "1"]
    board = sweep(
        ["optimizer.learning_rate"],
        [(rate,) for rate in rates],
        lambda choice, seed: 1 + abs(rates.index(choice[0]) - best),
    )
    warning = sensitivity.sensitivity(board, tmp_path).warning
    assert ("On the edge of the grid" in warning) == bool(says)
    assert says in warning


def test_only_the_optimizers_on_the_edge_are_warned_of(tmp_path):
    def value(choice, seed):
        return float(choice[1]) if choice[0] == "sgd" else abs(float(choice[1]) - 1) + 0.1

    board = sweep(["optimizer", "sweep.lr_scale"], grid(["sgd", "adam"], ["0.1", "1", "10"]), value)
    warning = sensitivity.sensitivity(board, tmp_path).warning
    assert "the lowest value of lr_scale is the best for sgd" in warning
    assert "adam" not in warning


def test_a_sensitivity_needs_a_number(tmp_path):
    with pytest.raises(ValueError, match=r"optimizer\.learning_rate"):
        sensitivity.sensitivity(sweep(["init"], [("zeros",)], spread), tmp_path)


def test_between_points_and_after_an_early_end_the_last_value_counts():
    course = Course(np.array([1.0, 3.0, 10.0]), np.array([0.9, 0.5, 0.1]))
    np.testing.assert_array_equal(
        carried(course, np.array([1, 2, 3, 9, 10, 50.0]), np.inf), [0.9, 0.9, 0.5, 0.5, 0.1, 0.1]
    )


def test_a_lost_run_is_the_worst_from_its_last_finite_value_on():
    course = Course(np.array([1.0, 2.0, 3.0]), np.array([0.9, 0.5, np.nan]), is_lost=True)
    np.testing.assert_array_equal(carried(course, np.array([1, 2, 3, 50.0]), np.inf), [0.9, 0.5, np.inf, np.inf])
    never = Course(np.zeros(0), np.zeros(0), is_lost=True)
    np.testing.assert_array_equal(carried(never, np.array([1, 2.0]), -np.inf), [-np.inf, -np.inf])


def test_a_long_training_is_drawn_at_no_more_than_four_hundred_epochs():
    epochs = np.arange(1.0, 5001)
    grid = progress.epoch_grid({("a",): [Course(epochs, epochs)]})
    assert len(grid) <= progress.POINTS
    assert (grid[0], grid[-1]) == (1, 5000)


def test_the_parts_of_a_long_choice_are_the_lines_of_its_title(tmp_path):
    choices = [(f"0.0{number}1234567", f"0.{number}7654321") for number in range(1, 6)]
    board = sweep(["optimizer.learning_rate", "model.dropout"], choices, spread, seeds=1)
    found = next(one for one in pictures(board, tmp_path, curves=courses(board)) if one.path.stem == "learning_curves")
    drawn = found.svg.read_text()
    assert all(f"{key}={value}" in drawn for choice in choices for key, value in
               zip(("learning_rate", "dropout"), choice, strict=True))  # fmt: skip


def test_the_same_runs_give_the_same_bytes(tmp_path):
    def digests(folder):
        board = sweep(["optimizer", "init"], grid(OPTIMIZERS, INITS), spread)
        found = pictures(board, folder, curves=courses(board, 300))
        return [hashlib.sha256(path.read_bytes()).hexdigest() for one in found for path in (one.path, one.svg)]

    assert digests(tmp_path / "first") == digests(tmp_path / "second")


def test_another_value_gives_another_picture(tmp_path):
    def drawn(folder, value):
        board = sweep(["optimizer", "init"], grid(OPTIMIZERS, INITS), value)
        return heatmap.heat_map(board, "optimizer", "init", folder).path.read_bytes()

    def lost(choice, seed):
        return math.nan if choice == ("sgd", "zeros") and seed == 0 else spread(choice, seed)

    assert drawn(tmp_path / "all", spread) != drawn(tmp_path / "lost", lost)
