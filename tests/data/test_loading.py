import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zoo.config import BadInput
from zoo.data import Split, load
from zoo.data.hashes import digest

CONF = Path(__file__).parents[2] / "conf" / "data"


def test_importing_the_package_brings_no_heavy_library():
    heavy = ("tensorflow", "keras", "mlflow", "matplotlib", "sklearn", "tensorflow_datasets")
    code = f"import sys, zoo.data; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("file", sorted(CONF.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_option_opens_with_its_description_and_names_itself(option, file):
    first = file.read_text().splitlines()[0]
    assert first.startswith("# ")
    assert first.endswith(".")
    assert option(file.stem).name == file.stem


def test_an_own_data_set_takes_a_function_and_a_few_keys(option, tmp_path, monkeypatch):
    (tmp_path / "my_wine.py").write_text(
        "from zoo.data import Examples\n"
        "def wine(data, folder):\n"
        "    from sklearn.datasets import load_wine\n"
        "    table = load_wine()\n"
        "    return Examples((table.data, table.target), labels=table.target_names, source='scikit-learn')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    mine = option("digits", name="wine", load="my_wine.wine", scale="standardize")
    splits = load(mine, folder=tmp_path)
    assert splits.spec.shape == (13,)
    assert splits.spec.labels == ("class_0", "class_1", "class_2")
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [128, 14, 36]
    assert splits.source == "scikit-learn"


def test_an_own_text_takes_a_function_too(option, tmp_path, monkeypatch):
    (tmp_path / "my_text.py").write_text(
        "from zoo.data import Texts\ndef song(data, folder):\n    return Texts('row, row, row your boat\\n' * 200)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    splits = load(option("text", name="song", load="my_text.song"), folder=tmp_path)
    assert splits.vocabulary.decode(splits.train.x[:8]) == "row, row, row your boat\n"


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("no_such_package.loader", "No module named 'no_such_package'.*Check its spelling"),
        ("zoo.data.small.iris", "no attribute 'iris'"),
        ("zoo.data.images.FILES", "should be a function. Received: dict"),
    ],
)
def test_a_loader_that_cannot_be_found_is_named(option, tmp_path, path, words):
    with pytest.raises(BadInput, match=f"data.load={path} .*{words}"):
        load(option("xor", load=path), folder=tmp_path)


def test_a_loader_that_returns_the_other_kind_is_refused(option, tmp_path):
    with pytest.raises(BadInput, match=r"expects zoo\.data\.small\.xor to return zoo\.data\.Texts.*Received: Examples"):
        load(option("text", load="zoo.data.small.xor"), folder=tmp_path)


def test_the_digest_changes_with_values_type_and_shape():
    x, y = np.arange(6, dtype=np.float32).reshape(3, 2), np.array([0, 1, 0], np.int32)
    whole = Split(x, y)
    others = [
        replace(whole, x=x + 1),
        replace(whole, x=x.reshape(2, 3)),
        replace(whole, x=x.astype(np.float64)),
        replace(whole, y=1 - y),
        replace(whole, y=None),
    ]
    digests = {digest([split]) for split in (whole, *others)}
    assert len(digests) == 6
    assert digest([Split(x.copy(order="F"), y)]) == digest([whole])


def test_the_digest_covers_every_option_that_changes_the_data(option, tmp_path):
    asked = [{}, {"limit": 100}, {"classes": [0, 1]}, {"classes": [1, 0]}, {"scale": "none"}, {"validation": 0.2}]
    digests = {load(option("digits", **changes), folder=tmp_path).digest for changes in asked}
    assert len(digests) == len(asked)


def test_two_texts_that_number_alike_have_different_digests(option, tmp_path):
    for name, word in (("a", "cat"), ("b", "dog")):
        (tmp_path / name).write_text(f"the {word} sat\n" * 500)
    first, second = (load(option("text", train=str(tmp_path / name)), folder=tmp_path) for name in ("a", "b"))
    assert np.array_equal(first.train.x, second.train.x)
    assert first.digest != second.digest
