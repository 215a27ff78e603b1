import csv
import json

import numpy as np
import pytest

from zoo.results import predictions

XOR = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float32)
LABELS = np.array([0, 1, 1, 0])


def rows(path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_each_input_stands_beside_its_label_prediction_and_result(tmp_path):
    predicted = np.array([[0.1], [0.75], [0.3], [0.5]], dtype=np.float32)
    path, text = predictions.table(XOR, LABELS, predicted, tmp_path)
    assert path == tmp_path / "predictions.csv"
    assert rows(path) == [
        ["x1", "x2", "label", "prediction", "result"],
        ["0.0", "0.0", "0", "0.1", "right"],
        ["0.0", "1.0", "1", "0.75", "right"],
        ["1.0", "0.0", "1", "0.3", "wrong"],
        ["1.0", "1.0", "0", "0.5", "wrong"],
    ]
    assert text.splitlines() == [
        "x1  x2  label  prediction  result",
        " 0   0      0      0.1000  right",
        " 0   1      1      0.7500  right",
        " 1   0      1      0.3000  wrong",
        " 1   1      0      0.5000  wrong",
        "2 of 4 right",
    ]


def test_the_closed_form_stands_beside_what_a_linear_model_has_learned(tmp_path):
    x, y = np.array([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0], [4.0, 5.0]]), np.array([0, 1, 1, 0])
    closed = predictions.least_squares(x, y)
    np.testing.assert_allclose(closed, 0.5)  # no line through these points does better, whatever its weights
    path, text = predictions.table(x, y, np.full(4, 0.25), tmp_path, {"least squares": closed})
    assert rows(path)[0] == ["x1", "x2", "label", "prediction", "least squares", "result"]
    assert text.splitlines()[1].split() == ["1", "2", "0", "0.2500", "0.5000", "right"]


def test_predictions_in_the_table_read_back_to_the_bit(tmp_path):
    predicted = np.random.default_rng(0).random(50).astype(np.float32)
    path, _ = predictions.table(np.zeros((50, 1)), np.ones(50, int), predicted, tmp_path)
    np.testing.assert_array_equal(np.array([row[2] for row in rows(path)[1:]], dtype=np.float32), predicted)


def test_a_prediction_that_is_not_a_number_is_wrong(tmp_path):
    path, _ = predictions.table(XOR, LABELS, np.array([np.nan, np.nan, np.inf, -np.inf]), tmp_path)
    assert [row[-1] for row in rows(path)[1:]] == ["wrong", "wrong", "right", "right"]


def test_values_beyond_zero_and_one_count_by_their_side_of_one_half(tmp_path):
    path, _ = predictions.table(XOR, LABELS, np.array([-3.0, 1.7, 0.51, 0.49]), tmp_path)
    assert [row[-1] for row in rows(path)[1:]] == ["right"] * 4


def test_predicted_classes_are_compared_with_the_labels(tmp_path):
    path, _ = predictions.table(XOR, np.array([0, 3, 2, 7]), np.array([0, 3, 7, 2]), tmp_path)
    assert [row[-2:] for row in rows(path)[1:]] == [["0", "right"], ["3", "right"], ["7", "wrong"], ["2", "wrong"]]


def test_the_terminal_shows_the_first_examples_and_the_file_all(tmp_path):
    labels = np.arange(100) % 2
    path, text = predictions.table(np.zeros((100, 2)), labels, labels.astype(float), tmp_path)
    assert len(rows(path)) == 101
    assert len(text.splitlines()) == predictions.SHOWN + 2
    assert text.endswith("100 of 100 right; the first 20 are shown")


def test_pictures_go_by_their_number(tmp_path):
    path, _ = predictions.table(np.zeros((2, 784)), np.array([0, 1]), np.array([0.2, 0.9]), tmp_path)
    assert rows(path)[0] == ["example", "label", "prediction", "result"]
    assert rows(path)[2] == ["1", "1", "0.9", "right"]


@pytest.mark.parametrize(
    ("y", "predicted", "message"),
    [
        (LABELS, np.zeros(3), "one label and one prediction"),
        (LABELS, np.zeros((4, 3)), "one label and one prediction"),
        (np.array([0, 1, 2, 3]), np.zeros(4), "takes labels 0 and 1"),
    ],
)
def test_predictions_that_do_not_fit_their_labels_are_refused(y, predicted, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        predictions.table(XOR, y, predicted, tmp_path)
    assert not list(tmp_path.iterdir())


def test_weights_are_readable_with_names_and_shapes(tmp_path):
    kernel = np.array([[5.25, -3.5], [1e-9, 2.0]], dtype=np.float32)
    path, text = predictions.weights([("hidden_1/kernel", kernel), ("output/bias", np.zeros(1))], tmp_path)
    assert path == tmp_path / "weights.txt"
    assert path.read_text() == text + "\n"
    assert "hidden_1/kernel  (2 × 2, float32)\n  [[ 5.25 -3.5 ]\n   [ 0.    2.  ]]" in text
    assert "output/bias  (1, float64)\n  [0.]" in text


def test_a_large_matrix_is_summarised_for_reading_and_whole_in_the_json(tmp_path):
    _, text = predictions.weights([("kernel", np.ones((784, 256), dtype=np.float32))], tmp_path)
    assert len(text.splitlines()) < 20
    (record,) = json.loads((tmp_path / "weights.json").read_text())
    assert np.shape(record["values"]) == (784, 256)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "bool"])
def test_weights_read_back_to_the_bit(dtype, tmp_path):
    array = (np.random.default_rng(0).normal(size=(3, 4)) * 10).astype(dtype)
    predictions.weights([("a", array), ("a", array[0]), ("scalar", array[0, 0])], tmp_path)
    records = json.loads((tmp_path / "weights.json").read_text())
    assert [(record["name"], record["shape"]) for record in records] == [("a", [3, 4]), ("a", [4]), ("scalar", [])]
    for record, original in zip(records, (array, array[0], array[0, 0]), strict=True):
        np.testing.assert_array_equal(np.array(record["values"], dtype=record["dtype"]), original)


def test_weights_of_a_diverged_model_are_still_valid_json(tmp_path):
    array = np.array([np.nan, np.inf, -np.inf, 0.1], dtype=np.float32)
    predictions.weights([("bias", array)], tmp_path)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    (record,) = json.loads((tmp_path / "weights.json").read_text(), parse_constant=refuse)
    assert record["values"] == ["nan", "inf", "-inf", 0.1]
    np.testing.assert_array_equal(np.array(record["values"], dtype=np.float32), array)


def test_values_stand_beside_predictions_and_errors_in_full_precision(tmp_path):
    y, predicted = np.array([0.1, 1.9], np.float32), np.array([0.3, 1.9], np.float32)
    with predictions.values(y, predicted, tmp_path / "new").open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["value", "prediction", "error"]
    np.testing.assert_array_equal(np.array(rows[1:], np.float32), np.stack([y, predicted, predicted - y], axis=1))


def test_the_constant_answer_is_the_mean_of_the_training_values():
    assert predictions.constant_error(np.array([0.0, 2.0]), np.array([1.0, 4.0])) == pytest.approx(4.5)
