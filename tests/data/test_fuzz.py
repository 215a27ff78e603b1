"""Damaged files of every kind the zoo reads: each is refused in words, replaced, or read as what it holds."""

import gzip
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.data.damages import CONTENTS, damage, damaged, in_good_time, outcome
from zoo.config import BadInput
from zoo.data import Splits, corpora, images, load, sources
from zoo.data.cache import Prepared, prepared
from zoo.data.idx import from_idx, to_idx

VERSES = "".join(f"{chapter}:{verse} word and word\n" for chapter in range(1, 41) for verse in range(1, 31))
LINES = "First Citizen: Before we proceed any further, hear me speak.\n" * 200


@pytest.fixture(autouse=True)
def _in_good_time():
    with in_good_time():
        yield


@pytest.fixture(autouse=True)
def _out_of_reach(monkeypatch):
    def refuse(*_, **__):
        raise sources.Unavailable("The network is down.")

    for module in (images, corpora):
        monkeypatch.setattr(module, "tfds_files", refuse)
        monkeypatch.setattr(module, "wheel_member", refuse)


def text_of(content: bytes) -> str:
    return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def is_a_split_text(splits: Splits) -> bool:
    parts = (splits.train, splits.valid, splits.test)
    return all(part.x.min() >= 0 and part.x.max() < splits.spec.classes for part in parts)


@damaged
def test_a_text_of_the_users(option, tmp_path, how, record_property):
    file = tmp_path / "own.txt"
    file.write_text(LINES)
    content = damage(file, *how)
    config = option("text", train=str(file), level="char")

    def is_right(splits):
        learnt = splits.vocabulary.decode(splits.train.x)
        return is_a_split_text(splits) and text_of(content).startswith(learnt[:1000])

    outcome(lambda: load(config, folder=tmp_path), is_right, record_property)


@pytest.mark.parametrize(
    ("name", "file", "text"), [("kjv", "kjv.txt", VERSES), ("tiny_shakespeare", "input.txt", LINES)]
)
@damaged
def test_a_corpus_that_was_brought(option, tmp_path, how, name, file, text, record_property):
    place = tmp_path / "manual" / name / file
    place.parent.mkdir(parents=True)
    place.write_text(text)
    content = damage(place, *how)
    if not outcome(lambda: load(option(name), folder=tmp_path), is_a_split_text, record_property):
        assert text_of(content)


@pytest.fixture
def pictures(monkeypatch):
    """The four files of a small MNIST and of a small Fashion-MNIST, official under these checksums."""
    stream = np.random.RandomState(0)
    arrays = {}
    for part, size in (("train", 60), ("test", 20)):
        arrays[f"{part}_x"] = stream.randint(0, 256, (size, 28, 28)).astype(np.uint8)
        arrays[f"{part}_y"] = np.arange(size, dtype=np.uint8) % 10
    contents = {key: to_idx(array) for key, array in arrays.items()}
    files = {key: gzip.compress(content, mtime=0) for key, content in contents.items()}
    sha256 = {key: hashlib.sha256(file).hexdigest() for key, file in files.items()}
    md5 = {key: hashlib.md5(content).hexdigest() for key, content in contents.items()}
    monkeypatch.setattr(images, "MNIST", replace(images.MNIST, sha256=sha256, md5=md5))
    monkeypatch.setattr(images, "FASHION_MNIST", replace(images.FASHION_MNIST, sha256=sha256))
    return arrays, files


def bring(folder: Path, name: str, files: dict[str, bytes]) -> Path:
    place = folder / "manual" / name
    place.mkdir(parents=True)
    for key, file in files.items():
        (place / images.FILES[key]).write_bytes(file)
    return place


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
@damaged
def test_pictures_that_were_brought(option, tmp_path, how, name, pictures, record_property):
    arrays, files = pictures
    key = list(files)[how[1] % 4]
    damage(bring(tmp_path, name, files) / images.FILES[key], *how)

    def is_right(raw):
        return np.array_equal(raw.train[0], arrays["train_x"]) and np.array_equal(raw.test[1], arrays["test_y"])

    outcome(lambda: getattr(images, name)(option(name), tmp_path), is_right, record_property)


@pytest.mark.parametrize("kind", CONTENTS)
def test_bytes_that_are_no_idx_file_of_their_size(tmp_path, kind, record_property):
    for seed, array in enumerate([np.arange(250, dtype=np.uint8), np.zeros((5, 28, 28), np.uint8)]):
        file = tmp_path / "idx"
        file.write_bytes(to_idx(array))
        content = damage(file, kind, seed)
        try:
            found = from_idx(content)
        except ValueError:
            record_property("outcome", "refused")
        else:
            record_property("outcome", "read")
            assert to_idx(found) == content


@pytest.mark.parametrize("file", ["arrays.npz", "prepared.json"])
@damaged
def test_prepared_data_is_prepared_again(tmp_path, how, file, record_property):
    content = Prepared({"x": np.arange(500), "y": np.linspace(0, 1, 50)}, "a test", ("noted",))
    prepared(tmp_path, "name", lambda: content)
    damage(tmp_path / "name" / file, *how)
    if how[0] in ("a folder",):
        record_property("outcome", "refused")
        with pytest.raises(BadInput, match="cannot be written"):
            prepared(tmp_path, "name", lambda: content)
        return
    found = prepared(tmp_path, "name", lambda: content)
    record_property("outcome", "read")
    assert all(np.array_equal(found.arrays[key], array) for key, array in content.arrays.items())


WRONG = {
    "labels out of range": lambda arrays: arrays | {"train_y": arrays["train_y"] + 200},
    "labels that are no whole numbers": lambda arrays: arrays | {"train_y": arrays["train_y"] / 3},
    "labels as text": lambda arrays: arrays | {"train_y": arrays["train_y"].astype(str)},
    "labels in two columns": lambda arrays: arrays | {"train_y": arrays["train_y"].reshape(-1, 2)},
    "fewer labels": lambda arrays: arrays | {"train_y": arrays["train_y"][:-7]},
    "one label for all": lambda arrays: arrays | {"train_y": np.uint8(3)},
    "no examples": lambda arrays: {key: array[:0] for key, array in arrays.items()},
    "pictures that are NaN": lambda arrays: arrays | {"train_x": np.full((60, 28, 28), np.nan)},
    "pictures as text": lambda arrays: arrays | {"train_x": arrays["train_x"].astype(str)},
    "pictures as complex numbers": lambda arrays: arrays | {"train_x": arrays["train_x"].astype(complex)},
    "another shape": lambda arrays: arrays | {"train_x": arrays["train_x"].reshape(60, 784)},
    "a part is missing": lambda arrays: {key: array for key, array in arrays.items() if key != "test_y"},
    "nothing": lambda arrays: {},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_whole_files_with_other_arrays_than_the_data_sets_are_refused(option, tmp_path, pictures, wrong):
    prepared(tmp_path, "mnist", lambda: Prepared(WRONG[wrong](pictures[0]), "somebody"))
    with pytest.raises(BadInput):
        load(option("mnist", validation=5), folder=tmp_path)


@pytest.mark.parametrize("wrong", [{}, {"train": np.zeros(5)}, {"train": np.frombuffer(b"\xff\xfe", np.uint8)}])
@pytest.mark.parametrize("name", ["kjv", "tiny_shakespeare"])
def test_whole_files_with_other_texts_than_the_corpus_are_refused(option, tmp_path, name, wrong):
    parts = {key: np.frombuffer(b"some text\n" * 500, np.uint8) for key in ("train", "valid", "test")}
    prepared(tmp_path, name, lambda: Prepared(parts | wrong if wrong else {}, "somebody"))
    with pytest.raises(BadInput):
        load(option(name), folder=tmp_path)
