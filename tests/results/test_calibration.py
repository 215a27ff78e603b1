"""Calibration: the expected calibration error by its formula, and a diagram."""

import csv

import numpy as np
import pytest
from matplotlib import image

from zoo.results import calibration


def by_the_formula(labels, probabilities, bins=15):
    """Equation 3 of Guo et al. 2017, written out."""
    chosen, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    total = 0.0
    for m in range(1, bins + 1):
        inside = (sure > (m - 1) / bins) & (sure <= m / bins)
        if inside.any():
            total += inside.mean() * abs((chosen == labels)[inside].mean() - sure[inside].mean())
    return total


@pytest.mark.parametrize("classes", [2, 3, 10])
def test_the_error_is_that_of_the_formula(classes):
    random = np.random.default_rng(classes)
    probabilities = random.dirichlet(np.full(classes, 0.4), 500)
    labels = random.integers(0, classes, 500)
    assert calibration.measure(labels, probabilities).ece == pytest.approx(by_the_formula(labels, probabilities))


def test_one_probability_of_two_classes_is_the_same_as_both():
    random = np.random.default_rng(0)
    p = random.random(300)
    labels = (random.random(300) < p).astype(int)
    both = calibration.measure(labels, np.stack([1 - p, p], axis=1))
    for single in (p, p[:, None]):
        assert calibration.measure(labels, single).ece == pytest.approx(both.ece)
    assert both.counts[:7].sum() == 0  # of two classes the likelier has at least a half


def test_what_is_as_sure_as_it_is_right_has_no_error_and_what_is_too_sure_has():
    sure = np.full(1000, 0.8)
    right = np.arange(1000) < 800
    assert calibration.measure(right.astype(int), sure).ece == pytest.approx(0)
    found = calibration.measure((np.arange(1000) < 500).astype(int), sure)
    assert found.ece == pytest.approx(0.3)
    assert found.mean_confidence == pytest.approx(0.8)


def test_certainty_is_in_the_last_bin_and_edges_belong_to_the_bin_below():
    found = calibration.measure(np.array([1, 1, 1]), np.array([1.0, 0.8, 0.6]), bins=5)
    assert found.counts.tolist() == [0, 0, 1, 1, 1]
    assert np.isnan(found.accuracy[0])


@pytest.mark.parametrize(
    ("labels", "probabilities"), [([1], [0.5, 0.5]), ([], []), ([1], [1.5]), ([0], [[np.nan, np.nan]])]
)
def test_what_is_no_probability_is_refused(labels, probabilities):
    with pytest.raises(ValueError, match="Expected"):
        calibration.measure(np.array(labels), np.array(probabilities))


def test_the_diagram_and_its_table_are_written(tmp_path):
    random = np.random.default_rng(1)
    p = random.random(200)
    found = calibration.measure((random.random(200) < p).astype(int), p)
    path = calibration.diagram(found, tmp_path)
    assert image.imread(path).std() > 0.05
    assert (tmp_path / "calibration.svg").read_text().startswith("<?xml")
    rows = list(csv.DictReader((tmp_path / "calibration.csv").open()))
    assert len(rows) == 15
    assert sum(int(row["count"]) for row in rows) == 200
    assert rows[0]["accuracy"] == ""
    before = path.read_bytes()
    assert calibration.diagram(found, tmp_path).read_bytes() == before
