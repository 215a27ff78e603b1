"""How well values are told."""

import numpy as np
import pytest
from matplotlib import image
from sklearn.metrics import mean_absolute_error, r2_score

from zoo.results import regression


def test_the_numbers_are_scikit_learns():
    random = np.random.default_rng(0)
    y = random.normal(size=100)
    predicted = y + random.normal(size=100)
    found = regression.measure(y, predicted)
    assert found["mean_absolute_error"] == pytest.approx(mean_absolute_error(y, predicted))
    assert found["r2"] == pytest.approx(r2_score(y, predicted))


def test_of_values_that_are_all_alike_nothing_is_to_be_explained():
    assert set(regression.measure(np.ones(3), np.zeros(3))) == {"mean_absolute_error"}


@pytest.mark.parametrize("count", [1, 20, 20_000])
def test_predictions_are_drawn_over_values(count, tmp_path):
    y = np.linspace(0, 1, count)
    assert image.imread(regression.scatter(y, y**2, tmp_path)).std() > 0.02
