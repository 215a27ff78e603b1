import subprocess
import sys

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from zoo.results import lines, style


def lightness(color) -> float:
    """Return the relative luminance, 0 for black and 1 for white."""
    red, green, blue = np.array(to_rgb(color)) ** 2.2
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_names_at_the_ends_of_lines_never_overlap_and_stay_where_there_is_room():
    ends = np.array([0.5, 0.51, 0.1, 0.505, 0.98, 1.0])
    placed = lines.spread(ends, gap=0.06)
    assert np.diff(np.sort(placed)).min() >= 0.06 - 1e-12
    assert placed.min() >= 0
    assert placed.max() <= 1
    np.testing.assert_array_equal(np.argsort(placed), np.argsort(ends))
    assert placed[2] == pytest.approx(0.1)
    assert placed[[0, 1, 3]].mean() == pytest.approx(ends[[0, 1, 3]].mean())


def test_more_names_than_fit_are_spread_evenly():
    np.testing.assert_allclose(np.sort(lines.spread(np.full(11, 0.3), gap=0.5)), np.linspace(0, 1, 11))


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0, "1"), (0.01, "10⁻²"), (2e-9, "2×10⁻⁹"), (1e12, "10¹²"), (50.0, "5×10¹"), (1.5e-3, "1.5×10⁻³")],
)
def test_powers_of_ten_are_written_with_superscripts(value, text):
    assert style.scientific(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.05, "0.05"), (20_000, "20,000"), (-2.5, "−2.5"), (0.1 + 0.2, "0.3")])
def test_other_numbers_are_written_plainly(value, text):
    assert style.decimal(value) == text


def test_long_names_are_shortened_only_where_they_stay_distinct():
    long = "a_very_long_name_of_some_layer"
    assert style.shorten(["output", long], limit=12) == ["output", "a_very…layer"]
    twins = [f"a_very_long_{i}_name_of_layer" for i in range(3)]
    assert style.shorten(twins, limit=12) == twins


def test_neighbouring_colors_of_the_palette_differ_in_grey():
    greys = [lightness(color) for color in style.PALETTE]
    assert np.abs(np.diff(greys)).min() > 0.03


@pytest.mark.parametrize("ramp", [style.SHARE, style.PROBABILITY, style.DEPTH])
def test_colormaps_only_grow_darker(ramp):
    assert (np.diff([lightness(color) for color in ramp(np.linspace(0, 1, 9))]) < 0).all()


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("zoo.results", "matplotlib sklearn keras tensorflow mlflow hydra"),
        ("zoo.results.samples", "matplotlib sklearn keras tensorflow mlflow hydra"),
        ("zoo.results.predictions", "matplotlib sklearn keras tensorflow mlflow hydra"),
        ("zoo.results.curves", "sklearn keras tensorflow mlflow hydra matplotlib.pyplot"),
        ("zoo.results.boundary", "sklearn keras tensorflow mlflow hydra matplotlib.pyplot"),
        ("zoo.results.classification", "sklearn keras tensorflow mlflow hydra matplotlib.pyplot"),
    ],
)
def test_importing_brings_nothing_heavier_than_needed(module, absent):
    code = f"import sys, {module}; print(*sorted(set({absent.split()!r}) & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
