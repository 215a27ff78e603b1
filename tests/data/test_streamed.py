"""Data that stays in files is the data that is in memory otherwise."""

import itertools

import numpy as np
import pytest

from zoo import compose, data
from zoo.config import BadInput
from zoo.data import streamed_text
from zoo.data.text_files import TextFile

pytest.importorskip("array_record", reason="array-record is published for Linux alone")

WORDS = ["the", "end", "Light,", "it's", "day.", "ünder", "a-b", "so;", "why?", "(and)", "_x"]


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Three texts of some lines, in the current folder; data is prepared beside them, a few bytes at a time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(streamed_text, "_PIECE", 57)
    monkeypatch.setattr(streamed_text, "_IDS", 31)
    rng = np.random.default_rng(0)
    for name, lines in (("train", 60), ("valid", 12), ("test", 9)):
        text = "\n".join(" ".join(rng.choice(WORDS, rng.integers(0, 9))) for _ in range(lines))
        (tmp_path / f"{name}.txt").write_text(text, encoding="utf-8")
    return tmp_path


def both(folder, *words, vocab_size=None):
    """Return the splits of a config in memory and in files."""
    config = compose("model=lstm", "data=text", "data.sequence_length=5", *words).data
    streaming = config.model_copy(update={"streaming": True})
    return [data.load(one, folder=folder / "prepared", vocab_size=vocab_size) for one in (config, streaming)]


def same(one, other):
    assert all(np.array_equal(getattr(one, name).x, getattr(other, name).x[:]) for name in ("train", "valid", "test"))
    assert one.vocabulary == other.vocabulary
    assert (one.spec, one.source, one.notes) == (other.spec, other.source, other.notes)
    assert other.train.x.dtype == np.int32


@pytest.mark.parametrize("level", ["word", "char"])
@pytest.mark.parametrize("limit", [[], ["data.limit=40"], ["data.limit=99999"]])
@pytest.mark.parametrize("given", [["train"], ["train", "valid", "test"]])
@pytest.mark.parametrize("vocab_size", [None, 9])
def test_text_in_files_is_text_in_memory(corpus, level, limit, given, vocab_size):
    named = [f"data.{name}={name}.txt" for name in given]
    same(*both(corpus, *named, *limit, f"data.level={level}", vocab_size=vocab_size))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r"),
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text + b"\n",
        lambda text: text.replace(b"end", b"<unk>"),
        lambda text: text.replace(b"end", b"<eos>"),
        lambda text: text.replace(b" ", b"\t"),
        lambda text: text.replace(b" ", b"/").replace(b"\n", b"."),
        lambda text: "日本語、テキスト。".encode() * 200,
    ],
    ids=["CRLF", "CR", "BOM", "last newline", "tokenized", "eos", "tabs", "no white space", "wide"],
)
@pytest.mark.parametrize("level", ["word", "char"])
def test_odd_text_is_the_same_too(corpus, monkeypatch, level, change):
    if level == "word":
        monkeypatch.setattr(streamed_text, "_PIECE", 2000)  # a word has to be shorter
    (corpus / "train.txt").write_bytes(change((corpus / "train.txt").read_bytes()))
    same(*both(corpus, "data.train=train.txt", f"data.level={level}"))


def test_a_character_that_only_the_test_text_holds_is_unknown(corpus):
    (corpus / "test.txt").write_text("the §end of the day", encoding="utf-8")
    named = [f"data.{name}={name}.txt" for name in ("train", "valid", "test")]
    one, other = both(corpus, *named, "data.level=char")
    same(one, other)
    assert other.vocabulary.unk == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n \n" * 100, "is empty"),
        (b"good \xff" * 30, "its byte 5 is not UTF-8"),
        (b"fine " * 40 + b"\xff", "its byte 200 is not UTF-8"),
        (b"ze\0ro " * 30, "NUL"),
        (b"short", "too short|has 2 tokens|tokens, but one sequence takes"),
    ],
)
def test_what_is_no_text_is_refused_and_leaves_no_shards(corpus, content, said):
    (corpus / "train.txt").write_bytes(content)
    with pytest.raises(BadInput, match=said):
        both(corpus, "data.train=train.txt", "data.streaming=true")
    found = list((corpus / "prepared").glob("shards/*/*.array_record"))
    assert found == [] or content == b"short"


def test_a_text_that_changed_is_cut_again(corpus):
    words = ("data.train=train.txt", "data.streaming=true")
    _, before = both(corpus, *words)
    (corpus / "train.txt").write_text(
        (corpus / "train.txt").read_text(encoding="utf-8") + " more of it", encoding="utf-8"
    )
    _, after = both(corpus, *words)
    assert before.digest != after.digest
    assert "more" in after.vocabulary.tokens or "more" not in before.vocabulary.tokens


def test_pieces_of_a_file_are_the_file(corpus):
    text = (corpus / "train.txt").read_text(encoding="utf-8")
    for size in (1, 7, 57, 10**6):
        pieces = list(TextFile(corpus / "train.txt", "it").pieces(size))
        assert "".join(pieces) == text
        assert all(one[-1].isspace() for one, _ in itertools.pairwise(pieces))


@pytest.mark.parametrize("words", [[], ["data.limit=500", "data.classes=[1,7]"], ["data.folds=3", "data.fold=1"]])
def test_examples_in_files_are_examples_in_memory(tmp_path, words):
    config = compose("data=digits", *words).data
    streaming = config.model_copy(update={"streaming": True})
    one, other, again = (data.load(choice, folder=tmp_path) for choice in (config, streaming, streaming))
    for found in (other, again):
        assert (one.spec, one.digest, one.source, one.notes) == (found.spec, found.digest, found.source, found.notes)
        for name in ("train", "valid", "test"):
            assert np.array_equal(getattr(one, name).x, getattr(found, name).x[:])
            assert np.array_equal(getattr(one, name).y, getattr(found, name).y)
        assert np.array_equal(one.spec.scaling(one.test.x), found.spec.scaling(one.test.x))


def test_a_prepared_data_set_is_not_read_whole_a_second_time(data_dir, monkeypatch):
    config = compose("data=mnist", "data.limit=300", "data.streaming=true").data
    before = data.load(config, folder=data_dir)
    monkeypatch.setattr("zoo.data.images.mnist", lambda *_: pytest.fail("read whole"))
    assert np.array_equal(before.train.x[:], data.load(config, folder=data_dir).train.x[:])


@pytest.mark.parametrize(
    "words",
    [["model=trigram"], ["loop=by_hand", "model=xor_mlp"], ["model=lstm", "data=adding"]],
)
def test_what_cannot_stay_in_files_is_refused(words):
    with pytest.raises(BadInput, match=r"data\.streaming=true reads text or examples from files"):
        compose(*words, "data.streaming=true")
