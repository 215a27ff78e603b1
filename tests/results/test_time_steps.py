import csv
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from zoo.results import time_steps

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("steps", [1, 10, 200])
def test_the_gradient_norm_by_time_step_is_a_picture_a_drawing_and_a_table(steps, tmp_path):
    back = np.logspace(-12, 0, steps)
    path = time_steps.gradient_by_time({"before training": back, "after training": np.sqrt(back)}, tmp_path / "new")
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert 600 <= image.size[0] <= 1600
    assert ElementTree.parse(path.with_suffix(".svg")).getroot().tag.endswith("svg")
    with path.with_suffix(".csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["time step"]) for row in rows] == list(range(1, steps + 1))
    np.testing.assert_array_equal([float(row["before training"]) for row in rows], back)


@pytest.mark.parametrize("odd", [0.0, np.nan, np.inf])
def test_norms_of_zero_and_those_that_are_not_finite_are_no_error(odd, tmp_path):
    some = np.where(np.arange(20) < 10, odd, 1e-3)
    for name, lines in {"some": {"before": some, "after": some * 2}, "all": {"after": np.full(20, odd)}}.items():
        assert time_steps.gradient_by_time(lines, tmp_path / name).is_file()


def test_another_gradient_gives_another_picture_and_the_same_one_the_same_bytes(tmp_path):
    def drawn(folder, share):
        norms = {"before training": share ** np.arange(20.0), "after training": np.ones(20)}
        return time_steps.gradient_by_time(norms, tmp_path / folder).read_bytes()

    assert drawn("one", 0.5) == drawn("same", 0.5)
    assert drawn("one", 0.5) != drawn("other", 0.6)


def test_the_reach_is_the_norm_at_the_first_step_over_that_at_the_last():
    assert time_steps.reach(np.array([0.001, 7.0, 0.1])) == pytest.approx(0.01)
    assert np.isnan(time_steps.reach(np.zeros(3)))
