import csv

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import precision_recall_fscore_support

from zoo.results import classification

pytestmark = pytest.mark.filterwarnings("error")

NAMES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


def labels_and_predictions(classes: int, count: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, classes, count)
    mistaken = generator.random(count) < 0.1
    return labels, np.where(mistaken, generator.integers(0, classes, count), labels)


@pytest.mark.parametrize("classes", [2, 10, 26])
def test_a_report_is_a_text_a_table_and_a_picture(classes, tmp_path):
    labels, predicted = labels_and_predictions(classes)
    names = NAMES if classes == 10 else [chr(97 + i) for i in range(classes)]
    paths = classification.report(labels, predicted, names, tmp_path)
    assert [path.name for path in paths] == [
        "classification_report.txt",
        "confusion_matrix.csv",
        "confusion_matrix.png",
    ]
    with paths[1].open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    assert header == names
    counts = np.array(rows, dtype=int)
    assert counts.shape == (classes, classes)
    assert counts.sum() == len(labels)
    np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(labels, minlength=classes))
    np.testing.assert_array_equal(counts.sum(axis=0), np.bincount(predicted, minlength=classes))
    assert np.trace(counts) == (labels == predicted).sum()
    with Image.open(paths[2]) as image:
        assert image.format == "PNG"
        assert 300 <= image.width <= 1400
        assert 300 <= image.height <= 1400


def test_the_report_has_scikit_learns_numbers_with_four_digits(tmp_path):
    text = classification.report([0, 0, 1, 1], [0, 1, 1, 1], ["no", "yes"], tmp_path)[0].read_text()
    assert "no     1.0000    0.5000    0.6667         2" in text
    assert "accuracy                         0.7500         4" in text


def test_a_class_without_examples_or_predictions_stays_in_the_table_and_leaves_the_report_which_says_so(tmp_path):
    text, table, picture = classification.report(np.array([0, 2, 2]), np.array([0, 2, 0]), ["a", "b", "c"], tmp_path)
    assert table.read_text().splitlines() == ["a,b,c", "1,0,0", "0,0,0", "1,0,1"]
    lines = text.read_text().splitlines()
    assert [line.split()[0] for line in lines[2:4]] == ["a", "c"]
    assert not any(line.split()[:1] == ["b"] for line in lines)
    assert picture.is_file()
    assert [line.split() for line in lines if "macro avg  " in line] == [
        ["macro", "avg", "0.7500", "0.7500", "0.6667", "3"]
    ]
    assert "macro avg: of the 2 classes that occur, of 3" in lines
    assert "left out: 1 class that has neither examples nor predictions" in lines


def test_a_class_that_was_only_predicted_keeps_its_row(tmp_path):
    text = classification.report([0, 0, 0], [0, 1, 1], list("abcd"), tmp_path)[0].read_text()
    assert "b     0.0000    0.0000    0.0000         0" in text
    assert "left out: 2 classes that have neither examples nor predictions" in text
    assert "accuracy                         0.3333         3" in text


def test_the_numbers_by_class_are_scikit_learns(tmp_path):
    labels, predicted = labels_and_predictions(5)
    labels[labels == 3] = 2
    found = classification.by_class(classification.confusion_matrix(labels, predicted, 6), list("abcdef"))
    expected = precision_recall_fscore_support(labels, predicted, labels=range(6), zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        np.testing.assert_allclose([row[name] for row in found], values, rtol=1e-12)
    assert [row["label"] for row in found] == list("abcdef")


def test_the_confusion_matrix_is_aligned_for_the_terminal():
    text = classification.aligned(np.array([[5, 0], [120, 7]]), ["no", "certainly"])
    assert text.splitlines()[2:] == [
        "                  no  certainly",
        "       no          5          0",
        "certainly        120          7",
    ]


def test_a_perfect_model_has_a_perfect_macro_average_on_some_of_its_classes(tmp_path):
    text = classification.report([1, 1, 2], [1, 1, 2], list("abcd"), tmp_path)[0].read_text().splitlines()
    assert "   macro avg     1.0000    1.0000    1.0000         3" in text
    assert "weighted avg     1.0000    1.0000    1.0000         3" in text


def test_a_name_with_a_comma_survives_the_table(tmp_path):
    table = classification.report([0, 1], [0, 1], ["cat, tabby", "$dog$"], tmp_path)[1]
    with table.open(newline="", encoding="utf-8") as file:
        assert next(csv.reader(file)) == ["cat, tabby", "$dog$"]


def test_a_hundred_classes_are_drawn_without_counts(tmp_path):
    picture = classification.report(*labels_and_predictions(100), [f"class {i}" for i in range(100)], tmp_path)[2]
    with Image.open(picture) as image:
        assert image.width <= 1400


@pytest.mark.parametrize(
    ("labels", "predicted", "message"),
    [
        ([0, 1], [0], "Received: 1 and 2"),
        ([0, 2], [0, 1], "labels from 0 to 1.*Received: 0 to 2"),
        ([0, 1], [-1, 1], "predicted from 0 to 1.*Received: -1 to 1"),
    ],
)
def test_labels_that_do_not_fit_are_refused_and_nothing_is_written(labels, predicted, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        classification.report(np.array(labels), np.array(predicted), ["a", "b"], tmp_path)
    assert not list(tmp_path.iterdir())
