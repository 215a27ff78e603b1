"""Arrays in shards: what was written is read by index."""

import numpy as np
import pytest

from zoo.data import shards
from zoo.data.pieces import Cut
from zoo.data.shards import Stored, Writer, written

pytest.importorskip("array_record", reason="array-record is published for Linux alone")


@pytest.fixture
def small(monkeypatch):
    """Records of 64 bytes in shards of 640, so that a few numbers fill several."""
    monkeypatch.setattr(shards, "_RECORD", 64)
    monkeypatch.setattr(shards, "_RECORD_OF_ROWS", 16)
    monkeypatch.setattr(shards, "_SHARD", 640)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float32])
@pytest.mark.parametrize("shape", [(0,), (1,), (16,), (1000,), (333, 5), (40, 30)])
def test_what_is_written_is_read_in_any_order(tmp_path, small, dtype, shape):
    array = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    stored = Stored(tmp_path, written(tmp_path, "x", [array]))
    assert (stored.shape, stored.dtype, stored.size) == (array.shape, array.dtype, array.size)
    assert np.array_equal(stored[:], array)
    assert np.array_equal(np.asarray(stored), array)
    if len(array):
        rows = np.random.default_rng(1).integers(0, len(array), 50)
        assert np.array_equal(stored.take(rows), array[rows])
        assert np.array_equal(stored[rows], array[rows])
        assert np.array_equal(stored[3:-3:2], array[3:-3:2])


def test_a_writer_does_not_mind_in_what_portions_rows_come(tmp_path, small):
    array = np.arange(999, dtype=np.int32)
    writer = Writer(tmp_path, "x", np.int32)
    for part in np.split(array, [1, 2, 50, 51, 700]):
        writer.write(part)
    entry = writer.close()
    assert len(entry["shards"]) == 7
    assert np.array_equal(Stored(tmp_path, entry)[:], array)


def test_pieces_of_a_stream_are_those_of_the_array(tmp_path, small):
    array = np.arange(1000, dtype=np.uint16)
    stored = Stored(tmp_path, written(tmp_path, "x", [array]), np.int32)
    starts = np.array([0, 990, 17, 17, 500])
    assert np.array_equal(stored.pieces(starts, 10), starts[:, None] + np.arange(10))
    assert stored.pieces(starts, 10).dtype == np.int32
    assert stored.pieces(starts[:0], 10).shape == (0, 10)
    inputs, targets = Cut(stored, count=12, length=4, columns=3, apart=300, step=4).parts(last=False)
    rows = np.array([0, 1, 5, 11])
    assert np.array_equal(inputs.take(rows)[:, 0], [0, 300, 604, 612])
    assert np.array_equal(targets.take(rows), inputs.take(rows) + 1)
    assert np.array_equal(inputs[2:4], [[600, 601, 602, 603], [4, 5, 6, 7]])


def test_a_limit_and_a_smaller_vocabulary_change_how_it_is_read(tmp_path):
    entry = written(tmp_path, "x", [np.arange(10, dtype=np.uint16)])
    stored = Stored(tmp_path, entry, np.int32, 6, np.array([0, 1, 2, 3, 0, 0, 0, 0, 0, 0]).take)
    assert stored[:].tolist() == [0, 1, 2, 3, 0, 0]
    assert len(Stored(tmp_path, entry, rows=99)) == 10


def test_rows_beyond_two_billion_tokens_are_found():
    asked = []

    class Vast:
        def pieces(self, starts, length):
            asked.append(starts)
            return np.zeros((len(starts), length), np.int32)

    inputs, _ = Cut(Vast(), count=300_000_000, length=35, columns=1, apart=0, step=35).parts(last=False)
    inputs.take(np.array([61_356_676, 200_000_000], np.int32))
    assert asked[0].tolist() == [2_147_483_660, 7_000_000_000]
