"""Folders of shards: they are prepared once, all or nothing, and what is missing is said."""

import json
import shutil

import numpy as np
import pytest

from zoo.config import BadInput
from zoo.data.manifest import kept
from zoo.data.shards import Stored, written

pytest.importorskip("array_record", reason="array-record is published for Linux alone")


def prepare(folder):
    return {"x": written(folder, "x", [np.arange(5000, dtype=np.int32)])}, {"told": ["ü"]}


def never(folder):
    raise AssertionError("prepared twice")


def test_shards_are_prepared_once(tmp_path):
    first = kept(tmp_path / "deeper" / "x", prepare)
    assert first == kept(tmp_path / "deeper" / "x", never)
    assert first.about == {"told": ["ü"]}
    assert Stored(first.folder, first.arrays["x"])[4999:].tolist() == [4999]


def test_a_preparation_that_failed_or_was_killed_leaves_no_shards(tmp_path):
    def fails(folder):
        prepare(folder)
        raise BadInput("no")

    with pytest.raises(BadInput, match="no"):
        kept(tmp_path / "x", fails)
    assert [path.name for path in tmp_path.iterdir()] == ["x.lock"]
    (tmp_path / "x.new").mkdir()  # of a process that was killed
    (tmp_path / "x.new" / "x-00000.array_record").write_bytes(b"half")
    assert kept(tmp_path / "x", prepare) == kept(tmp_path / "x", never)
    assert not (tmp_path / "x.new").exists()


def cut_short(folder):
    shard = folder / "x-00000.array_record"
    shard.write_bytes(shard.read_bytes()[:-1])


def older(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(manifest | {"form": 0}))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "x-00000.array_record").unlink(), "x-00000.array_record is missing"),
        (cut_short, "bytes instead of "),
        (lambda folder: (folder / "manifest.json").write_text("{"), "manifest.json is damaged"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "manifest.json is damaged"),
        (older, "written by another version"),
    ],
)
def test_a_shard_that_is_not_as_it_was_written_is_named(tmp_path, damage, said):
    kept(tmp_path / "x", prepare)
    damage(tmp_path / "x")
    with pytest.raises(BadInput, match=r"Remove .*, and run again") as refused:
        kept(tmp_path / "x", never)
    assert said in str(refused.value)
    shutil.rmtree(tmp_path / "x")
    kept(tmp_path / "x", prepare)


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        kept(tmp_path / "file" / "x", prepare)


def test_a_full_disk_is_said_and_leaves_no_shards(tmp_path):
    def fills(folder):
        (folder / "x-00000.array_record").symlink_to("/dev/full")
        return prepare(folder)

    with pytest.raises(BadInput, match=r"cannot be written: .*No space left on device"):
        kept(tmp_path / "x", fills)
    assert [path.name for path in tmp_path.iterdir()] == ["x.lock"]
