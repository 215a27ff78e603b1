"""Folders of shards: they are prepared once, all or nothing, and what is missing is said."""

import json
import shutil

import numpy as np
import pytest

from zoo.config import BadInput
from zoo.data.manifest import kept, noted
from zoo.data.shards import Stored, written

pytest.importorskip("array_record", reason="array-record is published for Linux alone")


def prepare(folder):
    return {"x": written(folder, "x", [np.arange(5000, dtype=np.int32)])}, {"told": ["ü"]}


def never(folder):
    raise AssertionError("prepared twice")


def test_shards_are_prepared_once(tmp_path):
    first = kept(tmp_path / "deeper" / "x", "it", prepare)
    assert first == kept(tmp_path / "deeper" / "x", "it", never)
    assert first.about == {"told": ["ü"]}
    assert Stored(first.folder, first.arrays["x"])[4999:].tolist() == [4999]


def test_a_preparation_that_failed_or_was_killed_leaves_no_shards(tmp_path):
    def fails(folder):
        prepare(folder)
        raise BadInput("no")

    with pytest.raises(BadInput, match="no"):
        kept(tmp_path / "x", "it", fails)
    assert [path.name for path in tmp_path.iterdir()] == ["x.lock"]
    (tmp_path / "x.new").mkdir()  # of a process that was killed
    (tmp_path / "x.new" / "x-00000.array_record").write_bytes(b"half")
    assert kept(tmp_path / "x", "it", prepare) == kept(tmp_path / "x", "it", never)
    assert not (tmp_path / "x.new").exists()


def cut_short(folder):
    shard = folder / "x-00000.array_record"
    shard.write_bytes(shard.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "x-00000.array_record").unlink(), "x-00000.array_record is missing"),
        (cut_short, "bytes instead of "),
        (lambda folder: (folder / "manifest.json").write_text("{"), "manifest.json is damaged"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "manifest.json is damaged"),
        (lambda folder: (folder / "manifest.json").write_text(""), "manifest.json is damaged"),
    ],
)
def test_a_shard_that_is_not_as_it_was_written_is_named(tmp_path, damage, said):
    kept(tmp_path / "x", "it", prepare)
    damage(tmp_path / "x")
    with pytest.raises(BadInput, match=r"Remove .*, and run again") as refused:
        kept(tmp_path / "x", "it", never)
    assert said in str(refused.value)
    shutil.rmtree(tmp_path / "x")
    kept(tmp_path / "x", "it", prepare)


def test_shards_of_another_version_are_written_anew(tmp_path):
    kept(tmp_path / "x", "it", prepare)
    manifest = tmp_path / "x" / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"form": 0}))
    assert kept(tmp_path / "x", "it", lambda folder: (prepare(folder)[0], {"told": "anew"})).about == {"told": "anew"}


def test_what_is_found_out_of_shards_is_found_once_for_each_choice(tmp_path):
    shards = kept(tmp_path / "x", "it", prepare)
    assert [noted(shards, choice, lambda choice=choice: {"is": choice}) for choice in (1, "ü")] == [
        {"is": 1},
        {"is": "ü"},
    ]
    assert noted(shards, 1, lambda: pytest.fail("found again")) == {"is": 1}


def test_whole_shards_are_read_from_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    shards = kept(tmp_path / "x", "it", prepare)

    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("zoo.data.manifest.acquire", refused)
    monkeypatch.setattr("zoo.data.manifest.replace", refused)
    assert kept(tmp_path / "x", "it", never) == shards
    assert noted(shards, "a choice", lambda: {"is": 1}) == {"is": 1}


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        kept(tmp_path / "file" / "x", "it", prepare)


def test_a_full_disk_is_said_and_leaves_no_shards(tmp_path):
    def fills(folder):
        (folder / "x-00000.array_record").symlink_to("/dev/full")
        return prepare(folder)

    with pytest.raises(BadInput, match=r"cannot be written: .*No space left on device"):
        kept(tmp_path / "x", "it", fills)
    assert [path.name for path in tmp_path.iterdir()] == ["x.lock"]
