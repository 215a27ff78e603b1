"""The text larger than memory, at a size that is not: it is written, learnt from files, and watched."""

from collections import Counter

import pytest

from benchmarks import large_text


def test_a_text_is_as_large_as_asked_and_its_words_fall_off_as_zipf_s_law_says(tmp_path):
    large_text.write(tmp_path / "text.txt", 3e6)
    content = (tmp_path / "text.txt").read_text()
    assert len(content) >= 3e6
    assert max(map(len, content.split("\n"))) < 5_000
    counts = [count for _, count in Counter(content.split()).most_common(100)]
    assert counts[0] / counts[9] == pytest.approx(10, rel=0.1)
    assert counts[0] / counts[99] == pytest.approx(100, rel=0.2)


def test_learning_from_files_is_watched(tmp_path):
    pytest.importorskip("array_record", reason="array-record is published for Linux alone")
    large_text.write(tmp_path / "text.txt", 1e5)
    sizes = ("model.units=8", "model.embedding=8", "model.vocab_size=100", "data.limit=20000")
    place = (f"data.train={tmp_path / 'text.txt'}", f"data_dir={tmp_path}", "tracking=off", "data.streaming=true")
    found = large_text.watched("model=gru", "data=text", *sizes, *place)
    assert found["tokens"] == 20_000
    assert found["tokens_per_second"] > 0
    assert 100 < found["resident_mb"] < 2_000  # with TensorFlow
    assert list(tmp_path.glob("shards/*/manifest.json"))
