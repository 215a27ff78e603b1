"""Checkpoints are whole or not there, and a damaged one is noticed."""

import errno
import os

import numpy as np
import pytest

from zoo.training.checkpoint_files import CheckpointFolder


def state(value):
    yield "state/0000", np.full((3, 2), value, np.float32)
    yield "state/0001", np.array(value, np.int64)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "checkpoints"


def saved(folder, *values):
    checkpoints = CheckpointFolder(folder)
    for value in values:
        checkpoints.save(state(value), {"epoch": value}, (value, [np.full(4, value, np.float32)]))
    return checkpoints


def test_what_was_saved_last_comes_back_with_the_best_weights_of_then(folder):
    saved(folder, 1, 2, 3)
    found = CheckpointFolder(folder).load()
    assert found.meta["epoch"] == 3
    np.testing.assert_array_equal(found.arrays["state/0000"], np.full((3, 2), 3, np.float32))
    np.testing.assert_array_equal(found.best[0], np.full(4, 3, np.float32))


def test_the_last_two_states_and_the_best_weights_that_they_refer_to_are_kept(folder):
    checkpoints = saved(folder, 1, 2, 3)
    checkpoints.save(state(4), {"epoch": 4}, (3, [np.full(4, 3, np.float32)]))
    kinds = sorted(name.rsplit("-", 1)[0] for name in os.listdir(folder))
    assert kinds == ["best-00000003", "last-00000003", "last-00000004"]


def test_nothing_is_there_before_anything_was_saved(folder):
    assert CheckpointFolder(folder).load() is None


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "best is gone"])
def test_a_damaged_last_checkpoint_falls_back_to_the_one_before_with_a_warning(folder, damage, caplog):
    saved(folder, 1, 2)
    file = max(folder.glob("last-*"))
    content = bytearray(file.read_bytes())
    if damage == "cut":
        file.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    elif damage == "emptied":
        file.write_bytes(b"")
    else:
        max(folder.glob("best-*")).unlink()
    assert CheckpointFolder(folder).load().meta["epoch"] == 1
    assert "Going back to the checkpoint before it" in caplog.text


def test_where_all_are_damaged_there_is_none(folder, caplog):
    saved(folder, 1, 2)
    for file in folder.glob("last-*"):
        file.write_bytes(b"nothing")
    assert CheckpointFolder(folder).load() is None
    assert caplog.text.count("is damaged") == 2


def test_a_write_that_fails_leaves_what_was_there(folder, monkeypatch):
    checkpoints = saved(folder, 1)
    before = sorted(os.listdir(folder))

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoints.save(state(2), {"epoch": 2}, (1, [np.full(4, 1, np.float32)]))
    monkeypatch.undo()
    assert sorted(os.listdir(folder)) == before
    assert CheckpointFolder(folder).load().meta["epoch"] == 1


def test_numbers_that_are_not_finite_and_odd_kinds_come_back_as_they_were(folder):
    checkpoints = CheckpointFolder(folder)
    arrays = [("a", np.array([np.nan, np.inf])), ("b", np.array([True, False])), ("c", np.zeros((0, 3), np.float16))]
    checkpoints.save(iter(arrays), {"value": float("nan")})
    found = CheckpointFolder(folder).load()
    for name, array in arrays:
        np.testing.assert_array_equal(found.arrays[name], array)
    assert found.best is None
    assert np.isnan(found.meta["value"])


def test_a_checkpoint_that_holds_code_is_not_run(folder, tmp_path):
    class Attack:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "attacked"),))

    saved(folder, 1)
    file = max(folder.glob("last-*"))
    np.savez(tmp_path / "evil.npz", state=np.array([Attack()], dtype=object))
    from zoo.training.checkpoint_files import _digest

    evil = file.with_name(f"last-00000009-{_digest(tmp_path / 'evil.npz')}.npz")
    (tmp_path / "evil.npz").rename(evil)
    assert CheckpointFolder(folder).load().meta["epoch"] == 1
    assert not (tmp_path / "attacked").exists()


def test_clearing_removes_the_folder(folder):
    checkpoints = saved(folder, 1, 2)
    assert checkpoints.size() > 0
    checkpoints.clear()
    assert not folder.exists()
