import json
import logging
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from zoo.config import BadInput
from zoo.data.cache import Prepared, prepared

CONTENT = Prepared({"x": np.arange(12, dtype=np.uint8).reshape(3, 4), "y": np.array([1, 2])}, "a test", ("a note",))


def never():
    raise AssertionError("prepared twice")


def same(one, other):
    return (
        one.arrays.keys() == other.arrays.keys()
        and all(np.array_equal(one.arrays[key], other.arrays[key]) for key in one.arrays)
        and (one.source, one.notes) == (other.source, other.notes)
    )


def test_what_is_prepared_once_is_kept(tmp_path):
    assert same(prepared(tmp_path / "new" / "folder", "name", lambda: CONTENT), CONTENT)
    again = prepared(tmp_path / "new" / "folder", "name", never)
    assert same(again, CONTENT)
    assert again.arrays["x"].dtype == np.uint8


def flip_a_byte(folder):
    file = folder / "arrays.npz"
    content = bytearray(file.read_bytes())
    content[-40] ^= 1
    file.write_bytes(content)


def cut_short(folder):
    file = folder / "arrays.npz"
    file.write_bytes(file.read_bytes()[:-10])


def another_form(folder):
    record = json.loads((folder / "prepared.json").read_text())
    (folder / "prepared.json").write_text(json.dumps(record | {"form": 0}))


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_byte,
        cut_short,
        another_form,
        lambda folder: (folder / "arrays.npz").unlink(),
        lambda folder: (folder / "prepared.json").write_text("{"),
        lambda folder: (folder / "prepared.json").write_text("[]"),
    ],
    ids=["a byte", "cut short", "another form", "no arrays", "no JSON", "other JSON"],
)
def test_a_damaged_form_is_prepared_again_with_a_warning(tmp_path, caplog, damage):
    prepared(tmp_path, "name", lambda: CONTENT)
    damage(tmp_path / "name")
    with caplog.at_level(logging.WARNING):
        assert same(prepared(tmp_path, "name", lambda: CONTENT), CONTENT)
    assert "preparing it again" in caplog.text
    assert same(prepared(tmp_path, "name", never), CONTENT)


def test_pickles_are_never_read(tmp_path):
    prepared(tmp_path, "name", lambda: Prepared({"x": np.array([{"a": 1}])}, "a pickle"))
    assert same(prepared(tmp_path, "name", lambda: CONTENT), CONTENT)


def test_a_failure_leaves_nothing_but_the_lock(tmp_path):
    def fails():
        raise BadInput("no source")

    with pytest.raises(BadInput, match="no source"):
        prepared(tmp_path, "name", fails)
    assert [path.name for path in (tmp_path / "name").iterdir()] == [".lock"]
    assert same(prepared(tmp_path, "name", lambda: CONTENT), CONTENT)


@pytest.mark.parametrize("below", ["", "deeper/still"])
def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_fetched(tmp_path, below):
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"cannot be written: (not a directory|file exists).*data_dir="):
        prepared(tmp_path / "file" / below, "name", never)


SLOW = """
import sys, time
from pathlib import Path
import numpy as np
from zoo.data.cache import Prepared, prepared
folder = Path(sys.argv[1])

def prepare():
    with open(folder / "log", "a") as log:
        log.write("prepared\\n")
    time.sleep(float(sys.argv[2]))
    return Prepared({"x": np.arange(5)}, "a process")

print(prepared(folder, "name", prepare).arrays["x"].sum())
"""


def start(tmp_path, seconds):
    command = [sys.executable, "-c", SLOW, str(tmp_path), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_processes_that_ask_at_once_prepare_once(tmp_path):
    results = [process.communicate(timeout=60)[0] for process in [start(tmp_path, 1.5) for _ in range(3)]]
    assert results == ["10\n"] * 3
    assert (tmp_path / "log").read_text() == "prepared\n"


def test_a_process_killed_at_work_leaves_nothing_in_the_way(tmp_path):
    process = start(tmp_path, 60)
    try:
        deadline = time.monotonic() + 30
        while not (tmp_path / "log").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    (tmp_path / "name" / "half-written.tmp").write_bytes(b"12")
    assert same(prepared(tmp_path, "name", lambda: CONTENT), CONTENT)
    assert sorted(path.name for path in (tmp_path / "name").iterdir()) == [".lock", "arrays.npz", "prepared.json"]
