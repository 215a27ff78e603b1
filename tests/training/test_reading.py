"""Training from files takes the steps of training from memory, to the bit."""

import numpy as np
import pytest

import zoo
from zoo import tracking
from zoo.config import BadInput
from zoo.run import load
from zoo.training import batches, reading

pytest.importorskip("array_record", reason="array-record is published for Linux alone")

EXAMPLES = ("data=digits", "batch_size=50", "epochs=3")
TEXT = ("model=lstm", "data=text", "data.train=text.txt", "model.units=9", "model.embedding=7", "batch_size=8",
        "data.sequence_length=6", "optimizer=adam", "epochs=2", "model.dropout=0.2")  # fmt: skip
CASES = {
    "examples": EXAMPLES,
    "weighted": (*EXAMPLES, "class_weight=balanced", "data.augment=[shift]"),
    "binary": (*EXAMPLES, "data.classes=[1,7]"),
    "full batch": (*EXAMPLES, "batch_size=full", "optimizer=rprop"),
    "carried state": TEXT,
    "windows": (*TEXT, "model.carry_state=false"),
    "the last token": (*TEXT, "model.predict=last", "data.stride=4"),
}


@pytest.fixture
def place(tmp_path, data_dir, monkeypatch):
    """A folder with a text, where a megabyte is read a few rows at a time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reading, "_STEPS", 5)
    words = np.random.default_rng(0).choice(["in", "the", "end", "was", "a", "word", "of", "light"], 3000)
    (tmp_path / "text.txt").write_text(" ".join(words) + "\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("loop", ["tape", "fit"])
@pytest.mark.parametrize("words", CASES.values(), ids=CASES)
def test_both_loops_end_with_the_same_bits_as_from_memory(place, train_one, words, loop):
    from_memory = train_one(*words, f"loop={loop}")
    from_files = train_one(*words, f"loop={loop}", "data.streaming=true")
    assert from_files.program.learn.in_files
    assert all(np.array_equal(one, other) for one, other in zip(from_memory.weights, from_files.weights, strict=True))
    # Several short epochs in one call, as from memory, may round what they measure otherwise.
    for (step, logs), (other_step, other_logs) in zip(from_memory.untimed(), from_files.untimed(), strict=True):
        assert (step, logs) == (other_step, pytest.approx(other_logs, rel=1e-6))


@pytest.mark.parametrize("done", [0, 3, 5, 7, 12, 20])
def test_an_epoch_goes_on_at_any_batch(place, done):
    config = zoo.compose(*EXAMPLES, "data.streaming=true", "data.limit=1017")
    splits = load(config)
    rows = batches.training(splits, config)
    memory = load(zoo.compose(*EXAMPLES, "data.limit=1017"))
    found = []
    for span in reading.spans(rows)(rows, 4, done):
        for index in range(span.first, span.last):
            assert span.before + index == done + len(found)
            found.append(np.asarray(span.arrays[0])[np.asarray(span.grid)[index]])
    order = rows.order(4)[50 * done :]
    assert np.array_equal(np.concatenate(found), memory.train.x[order])
    assert len(found) == 21 - done


@pytest.mark.parametrize("words", [EXAMPLES, TEXT], ids=["examples", "text"])
def test_a_run_from_files_is_tested_and_reported_as_one_from_memory(place, monkeypatch, words):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place / 'mlflow.db'}")
    from_memory, from_files = (zoo.train(*words, f"data.streaming={one}") for one in ("false", "true"))
    assert from_files.outcome == "completed"
    for name, value in from_files.metrics.items():
        if name.startswith(("test_", "best_")) and not name.endswith(("_seconds", "_per_second")):
            assert from_memory.metrics[name] == value, name
    files = [{path.name for path in one.folder.iterdir()} for one in (from_memory, from_files)]
    assert files[0] == files[1]


def test_a_missing_shard_is_named_before_anything_is_recorded(place, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place / 'mlflow.db'}")
    monkeypatch.setenv("ZOO_DATA_DIR", str(place / "prepared"))
    words = (*TEXT, "data.streaming=true")
    assert load(zoo.compose(*words))
    (shard,) = (place / "prepared").glob("shards/*/valid-00000.array_record")
    shard.unlink()
    with pytest.raises(BadInput, match=r"valid-00000\.array_record is missing"):
        zoo.train(*words)
    assert not (place / "mlflow.db").exists()


@pytest.mark.parametrize("loop", ["tape", "fit"])
def test_a_damaged_shard_ends_the_run_and_is_named(place, monkeypatch, loop):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place / 'mlflow.db'}")
    monkeypatch.setenv("ZOO_DATA_DIR", str(place / "prepared"))
    words = (*TEXT, "data.streaming=true", f"loop={loop}")
    assert load(zoo.compose(*words))
    (shard,) = (place / "prepared").glob("shards/*/train-00000.array_record")
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 255
    shard.write_bytes(content)
    with pytest.raises(BadInput, match=r"train-00000\.array_record is damaged \("):
        zoo.train(*words)
    (run,) = tracking.matching("", f"sqlite:///{place / 'mlflow.db'}")
    assert run.status == "FAILED"
    assert "train-00000.array_record is damaged" in run.tags["reason"]
