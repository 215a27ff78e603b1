import hashlib
from types import SimpleNamespace

import pytest

tfds = pytest.importorskip("tensorflow_datasets")

from zoo.data.images import FASHION_MNIST, FILES, MNIST  # noqa: E402
from zoo.data.tfds_download import download  # noqa: E402


@pytest.fixture
def published(server, monkeypatch):
    """Two files on this machine's server, known to tensorflow-datasets as a data set's."""
    from tensorflow_datasets.core.download.checksums import UrlInfo

    address, folder, _ = server
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    infos = {}
    for name in ("images.gz", "labels.gz"):
        (folder / name).write_bytes(name.encode() * 100)
        checksum = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        infos[f"{address}/{name}"] = UrlInfo(size=len(name) * 100, checksum=checksum, filename=name)
    monkeypatch.setattr(tfds, "builder_cls", lambda name: SimpleNamespace(url_infos=infos))
    return folder


def test_original_files_arrive_under_their_own_names(published, tmp_path):
    download("some_data", tmp_path)
    for name in ("images.gz", "labels.gz"):
        assert (tmp_path / "files" / name).read_bytes() == (published / name).read_bytes()


def test_a_changed_file_is_refused(published, tmp_path):
    (published / "labels.gz").write_bytes(b"changed")
    with pytest.raises(Exception, match=r"(?i)checksum"):
        download("some_data", tmp_path)


@pytest.mark.parametrize("ours", [MNIST, FASHION_MNIST], ids=lambda ours: ours.name)
def test_our_addresses_and_checksums_are_those_of_tensorflow_datasets(ours):
    theirs = {url: info.checksum for url, info in tfds.builder_cls(ours.name).url_infos.items()}
    assert theirs == {ours.address + FILES[key]: checksum for key, checksum in ours.sha256.items()}


def test_the_address_of_tiny_shakespeare_is_that_of_tensorflow_datasets():
    from zoo.data.corpora import SHAKESPEARE_ADDRESS, SHAKESPEARE_SHA256

    ((url, info),) = tfds.builder_cls("tiny_shakespeare").url_infos.items()
    assert (url, info.checksum) == (SHAKESPEARE_ADDRESS, SHAKESPEARE_SHA256)
