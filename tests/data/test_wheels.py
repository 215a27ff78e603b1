import hashlib
import importlib.util
import os
import pickle
import shutil
import zipfile
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest

from zoo.data.corpora import KJV_WHEEL
from zoo.data.sources import Unavailable
from zoo.data.wheels import ArrayUnpickler, wheel_member


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder that is the user's whole package index, with one wheel; the wheel as it should be."""
    path = tmp_path / "data_wheel-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("data.bin", b"the data")
        wheel.writestr("data_wheel-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: data-wheel\nVersion: 1.0\n")
        wheel.writestr("data_wheel-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return replace(
        KJV_WHEEL,
        name="data-wheel",
        version="1.0",
        sha256=digest,
        member="data.bin",
        member_sha256=hashlib.sha256(b"the data").hexdigest(),
    )


def test_a_wheel_comes_from_the_index_that_pip_is_configured_for(index):
    assert wheel_member(index) == b"the data"
    assert importlib.util.find_spec("data_wheel") is None


@pytest.mark.parametrize("key", ["sha256", "member_sha256"])
def test_other_bytes_than_the_pinned_ones_are_refused(index, key):
    with pytest.raises(Unavailable, match=f"SHA-256 of .* should be {'0' * 64}"):
        wheel_member(replace(index, **{key: "0" * 64}))


def test_a_wheel_that_the_index_lacks_is_out_of_reach(index):
    with pytest.raises(
        Unavailable, match=r"pip could not fetch it \(No matching distribution found for data-wheel==2\.0"
    ):
        wheel_member(replace(index, version="2.0"))


def test_another_pip_is_used_where_the_interpreter_has_none(index, monkeypatch, tmp_path):
    pip = tmp_path / "bin" / "pip"
    pip.parent.mkdir()
    pip.write_text(f'#!/bin/sh\ncp {tmp_path}/*.whl "$(echo "$@" | sed \'s/.*--dest \\([^ ]*\\).*/\\1/\')"\n')
    pip.chmod(0o755)
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else find_spec(name))
    monkeypatch.setenv("PATH", f"{pip.parent}{os.pathsep}{os.environ['PATH']}")
    assert wheel_member(index) == b"the data"


def test_no_pip_at_all_is_said(index, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Unavailable, match=r"has no pip.*ensurepip"):
        wheel_member(index)


def test_arrays_come_through_the_unpickler():
    pairs = ((np.arange(6, dtype=np.float32).reshape(2, 3), np.array([1, 2])), [np.zeros(2)])
    # The name that the published file has, from before NumPy 2.
    stream = pickle.dumps(pairs, 3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    (x, y), (z,) = ArrayUnpickler(BytesIO(stream)).load()
    assert np.array_equal(x, pairs[0][0])
    assert np.array_equal(y, pairs[0][1])
    assert np.array_equal(z, pairs[1][0])


class Attack:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "attack",
    [Attack(os.system, "exit 1"), Attack(eval, "1"), Attack(getattr, int, "mro"), Attack(np.load, "file")],
    ids=["os.system", "eval", "getattr", "numpy.load"],
)
def test_the_unpickler_refuses_everything_but_arrays(attack):
    with pytest.raises(pickle.UnpicklingError, match="expected arrays only"):
        ArrayUnpickler(BytesIO(pickle.dumps([np.zeros(1), attack], 2))).load()
