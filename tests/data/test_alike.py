"""Other data on a model's own terms: its scaling, its classes, its vocabulary."""

import functools

import numpy as np
import pytest

from zoo import data
from zoo.config import BadInput
from zoo.data.alike import load_alike
from zoo.data.rows import Rows
from zoo.data.scaling import Scaling


def test_rows_are_scaled_by_the_constants_of_the_models_own_training_split(option, tmp_path):
    own = data.load(option("digits", scale="standardize"), folder=tmp_path)
    found = load_alike(option("digits", scale="unit", classes=[7, 2]), own, folder=tmp_path)
    chosen = np.isin(own.test.y, [2, 7])
    np.testing.assert_array_equal(found.test.x, own.test.x[chosen])
    np.testing.assert_array_equal(found.test.y, own.test.y[chosen])
    assert found.train is own.train
    assert found.digest != own.digest


def test_classes_are_numbered_as_the_model_numbers_them(option, tmp_path):
    own = data.load(option("digits", classes=[8, 3, 5]), folder=tmp_path)
    found = load_alike(option("digits", classes=[3, 8]), own, folder=tmp_path)
    np.testing.assert_array_equal(found.test.y, own.test.y[own.test.y != 2])


def test_text_is_encoded_by_the_models_vocabulary_and_its_end_is_tested(option, tmp_path):
    (tmp_path / "own.txt").write_text("a b c d e f\n" * 100)
    (tmp_path / "other.txt").write_text("f e x a\n" * 100)
    options = {"sequence_length": 4, "split": 0.2}
    own = data.load(option("text", train=str(tmp_path / "own.txt"), **options), folder=tmp_path)
    found = load_alike(option("text", train=str(tmp_path / "other.txt"), **options), own, folder=tmp_path)
    assert found.vocabulary is own.vocabulary
    assert len(found.test) == 50
    assert own.vocabulary.decode(found.test.x[:5]) == "f e <unk> a\n"


@pytest.mark.parametrize("scale", ["unit", "standardize", "none"])
def test_a_scaling_gives_the_range_of_pictures_and_none_of_tables(scale):
    x = np.array([[0.0, 3.0], [4.0, 3.0]])
    fits = functools.partial(Scaling.fit, scale, Rows(x))
    for lies in ((0, 8), (0.0, 4.0)):
        pixels = fits(is_image=True, value_range=lies if lies == (0, 8) else None)
        assert pixels.value_range == lies
        assert Scaling.from_dict(pixels.to_dict()).value_range == lies
    assert fits(is_image=False, value_range=None).value_range is None


def test_another_number_of_features_is_refused(option, tmp_path):
    own = data.load(option("digits"), folder=tmp_path)
    with pytest.raises(BadInput, match="The run reads inputs of 64 numbers"):
        load_alike(option("synthetic", features=3), own, folder=tmp_path)
