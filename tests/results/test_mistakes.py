"""The most confident mistakes, as a table and as a picture."""

import csv

import numpy as np
import pytest
from matplotlib import image

from zoo.results import mistakes

NAMES = ["zero", "one", "two"]


def test_the_surest_mistake_comes_first():
    probabilities = np.array([[0.9, 0.1, 0], [0.6, 0.4, 0], [0.1, 0.2, 0.7], [0.0, 1.0, 0.0]])
    found, taken_for, sure = mistakes.most_confident(np.array([1, 1, 2, 0]), probabilities)
    assert (found.tolist(), taken_for.tolist(), sure.tolist()) == ([3, 0, 1], [1, 0, 0], [1.0, 0.9, 0.6])


def test_of_two_classes_one_probability_is_enough():
    found, taken_for, sure = mistakes.most_confident(np.array([0, 1, 1]), np.array([[0.8], [0.9], [0.3]]))
    assert (found.tolist(), taken_for.tolist()) == ([0, 2], [1, 0])
    assert sure == pytest.approx([0.8, 0.7])


@pytest.mark.parametrize("count", [1, 4, 30])
def test_pictures_are_shown_with_label_and_prediction(count, tmp_path):
    random = np.random.default_rng(0)
    x, labels = random.random((count, 64)), np.zeros(count, int)
    probabilities = np.tile([0.2, 0.7, 0.1], (count, 1))
    table, picture = mistakes.write(x, labels, probabilities, NAMES, tmp_path, (8, 8))
    rows = list(csv.DictReader(table.open()))
    assert len(rows) == count
    assert rows[0] == {"example": "0", "label": "zero", "prediction": "one", "probability": "0.7"}
    assert image.imread(picture).std() > 0.02


def test_without_mistakes_or_pictures_there_is_a_table_alone(tmp_path):
    x, right = np.zeros((2, 4)), np.array([[0.9, 0.1], [0.2, 0.8]])
    assert mistakes.write(x, np.array([0, 1]), right, NAMES, tmp_path, (2, 2)) == [tmp_path / "mistakes.csv"]
    assert mistakes.write(x, np.array([1, 1]), right, NAMES, tmp_path) == [tmp_path / "mistakes.csv"]
