"""Damaged files of what runs leave: vocabularies, trigrams, checkpoints, and records that wait for a server."""

import hashlib
import json
import logging
import socket

import numpy as np
import pytest

from tests.data.damages import PLACES, damage, damaged, in_good_time, outcome
from zoo import tracking
from zoo.config import BadInput, Tracking
from zoo.data import Vocabulary
from zoo.data.vocabulary import tokenize
from zoo.models import ngram
from zoo.training.checkpoint_files import CheckpointFolder


@pytest.fixture(autouse=True)
def _in_good_time():
    with in_good_time():
        yield


@damaged
def test_a_vocabulary(tmp_path, how, record_property):
    file = tmp_path / "vocabulary.json"
    Vocabulary.build(tokenize("The cat sat on the mat, and looked at the naïve dog.", "word"), "word").save(file)
    damage(file, *how)

    def is_right(found):
        return found.decode(found.encode(list(found.tokens))) is not None and len(found) == len(found.ids)

    outcome(lambda: Vocabulary.load(file), is_right, record_property)


@pytest.fixture
def trigram():
    return ngram.count(np.random.default_rng(0).integers(0, 20, 500), 20)


def is_a_distribution(found: ngram.Trigram) -> bool:
    every = np.arange(found.words)
    chance = found.probabilities(np.full(found.words, 0), np.full(found.words, found.words - 1), every)
    return bool((chance > 0).all() and abs(chance.sum() - 1) < 1e-6)


@damaged
def test_a_trigram(tmp_path, how, trigram, record_property):
    file = tmp_path / "trigram.npz"
    trigram.save(file)
    damage(file, *how)

    def is_right(found):
        return all(np.array_equal(one, other) for one, other in zip(found.weights, trigram.weights, strict=True))

    outcome(lambda: ngram.Trigram.load(file), is_right, record_property)


@pytest.mark.parametrize(
    "wrong",
    [
        {"counts": -1}, {"counts": 0}, {"counts": np.nan}, {"keys": -1}, {"keys": 10**12}, {"words": 0}, {"words": -3},
        {"words": 10**18}, {"words": np.nan}, {"words": [3, 4]}, {"discount": np.nan}, {"discount": 5.0},
        {"discount": -1.0}, {"discount": "text"}, {"discount": [0.5, 0.5]}, {"keys": "text"},
    ],
    ids=str,
)  # fmt: skip
def test_a_whole_file_that_is_no_trigram_is_refused(tmp_path, trigram, wrong):
    arrays = dict(zip(("keys", "counts", "words", "discount"), trigram.weights, strict=True))
    for key, value in wrong.items():
        arrays[key] = np.full(arrays[key].shape, value) if np.ndim(value) == 0 else np.array(value)
    np.savez(tmp_path / "trigram.npz", **arrays)
    with pytest.raises(BadInput, match="should be a trigram"):
        ngram.Trigram.load(tmp_path / "trigram.npz")


@pytest.mark.parametrize("renamed", [False, True], ids=["damaged", "damaged and renamed"])
@pytest.mark.parametrize("kind", ["last", "best"])
@damaged
def test_a_checkpoint(tmp_path, how, kind, renamed, caplog, record_property):
    folder = CheckpointFolder(tmp_path)
    for epoch in (1, 2):
        state = [("state/0000", np.full((30, 2), epoch, np.float32))]
        folder.save(state, {"epoch": epoch}, (epoch, [np.full(40, epoch, np.float32)]))
    file = max(tmp_path.glob(f"{kind}-*"))
    content = damage(file, *how)
    if renamed and content is not None:  # by somebody who knows how the name is made
        file.rename(file.with_name(f"{kind}-00000002-{hashlib.sha256(content).hexdigest()[:16]}.npz"))
    with caplog.at_level(logging.WARNING):
        found = CheckpointFolder(tmp_path).load()
    assert found is not None
    record_property("outcome", "read" if found.meta.get("epoch") == 2 else "refused")
    if found.meta.get("epoch") == 1:
        assert (kind == "last" and how[0] == "nothing") or "Going back to the checkpoint before it" in caplog.text
    np.testing.assert_array_equal(found.arrays["state/0000"], np.full((30, 2), found.meta["epoch"], np.float32))
    np.testing.assert_array_equal(found.best[0], np.full(40, found.meta["epoch"], np.float32))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The address of an empty store."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('store') / 'mlflow.db'}"
    tracking.open_run(tracking_of(uri), experiment="any", name="any").finish("FINISHED")
    return uri


def tracking_of(uri):
    return Tracking(name="mlflow", uri=uri)


def spooled(uri: str, run_id: str) -> str:
    gone = json.dumps({"host": socket.gethostname(), "pid": 2**31 - 1, "started": 0.0})
    lines = [
        {"run_id": run_id, "uri": uri, "process": gone, "heartbeat": "1000"},
        {"do": "params", "rows": [["seed", "1"]]},
        {"do": "metrics", "rows": [["loss", 0.5 / (1 + step), 1000 + step, step] for step in range(20)]},
        {"do": "tags", "rows": [["outcome", "completed"]]},
        {"do": "finish", "status": "FINISHED", "end_time": 5000},
    ]
    return "".join(json.dumps(line) + "\n" for line in lines)


@damaged
def test_what_waits_for_a_server(tmp_path, how, store, monkeypatch, record_property):
    monkeypatch.setenv("ZOO_SPOOL_DIR", str(tmp_path))
    run = tracking.open_run(tracking_of(store), experiment="any", name="any")
    file = tmp_path / f"{run.id}.jsonl"
    file.write_text(spooled(store, run.id))
    damage(file, *how)
    for one in tracking.waiting():
        said = one.send()
        record_property("outcome", "read" if said.done else "refused")
        assert said.sentence
        assert said.done != file.exists() or how[0] in PLACES
