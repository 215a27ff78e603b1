"""Data that stays in files is the data that is in memory otherwise."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zoo import compose, data
from zoo.config import BadInput, Data
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
    assert (one.spec, one.source, one.notes, one.digest) == (other.spec, other.source, other.notes, other.digest)
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


def test_a_text_is_cut_once_however_often_it_is_touched_or_copied(corpus):
    words = ("data.streaming=true",)
    both(corpus, "data.train=train.txt", *words)
    os.utime(corpus / "train.txt", (1, 1))
    (corpus / "copy.txt").write_bytes((corpus / "train.txt").read_bytes())
    for name in ("train", "copy"):
        both(corpus, f"data.train={name}.txt", *words)
    assert len(list((corpus / "prepared").glob("shards/*/manifest.json"))) == 1


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


def test_folds_limits_and_classes_share_the_shards(tmp_path):
    for words in (
        ["data.folds=3", "data.fold=0"],
        ["data.folds=3", "data.fold=2"],
        ["data.limit=9"],
        ["data.classes=[0,1]"],
    ):
        config = compose("data=digits", "data.streaming=true", *words).data
        data.load(config, folder=tmp_path)
    assert len(list(tmp_path.glob("shards/*/manifest.json"))) == 1


def test_what_a_loader_says_of_its_examples_may_be_numpy_s(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "my_table.py").write_text(
        "import numpy as np\n"
        "from zoo.data import Examples\n\n\n"
        "def load(data, folder):\n"
        "    x = np.random.default_rng(0).random((90, 4))\n"
        "    labels, ends = np.array(['red', 'green', 'blue']), (np.float32(0), np.float64(1))\n"
        "    return Examples((x, np.arange(90) % 3), labels=labels, value_range=ends)\n"
    )
    keys = {"name": "table", "load": "my_table.load", "gives": "vectors", "validation": 0.2, "scale": "unit"}
    one, other = (
        data.load(Data.model_validate(keys | {"streaming": asked}), folder=tmp_path) for asked in (False, True)
    )
    assert one.digest == other.digest
    assert one.spec.labels == other.spec.labels == ("red", "green", "blue")
    sys.modules.pop("my_table", None)


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A loader of 5,000 pictures of 48 x 48 bytes that lie in a file, and the words that name it."""
    monkeypatch.syspath_prepend(tmp_path)
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.integers(0, 256, (5000, 48, 48), np.uint8))
    np.save(tmp_path / "y.npy", rng.integers(0, 3, 5000))
    (tmp_path / "my_pictures.py").write_text(
        "import numpy as np\n"
        "from zoo.data import Examples\n\n\n"
        "def load(data, folder):\n"
        f"    x = np.load({str(tmp_path / 'x.npy')!r}, mmap_mode='r')\n"
        f"    return Examples((x, np.load({str(tmp_path / 'y.npy')!r})), image_shape=(48, 48))\n"
    )
    yield tmp_path
    sys.modules.pop("my_pictures", None)


def of_pictures(**changes):
    keys = {"name": "pictures", "load": "my_pictures.load", "gives": "vectors", "validation": 0.2}
    return Data.model_validate(keys | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"scale": "unit"},
        {"scale": "standardize", "limit": 900},
        {"scale": "none", "folds": 4, "fold": 2, "classes": [2, 0]},
    ],
    ids=["unit", "standardize", "folds"],
)
def test_a_file_larger_than_what_is_read_at_a_time_gives_the_examples_of_its_array(pictures, changes):
    one, other = (data.load(of_pictures(streaming=asked, **changes), folder=pictures) for asked in (False, True))
    assert (one.spec, one.digest, one.notes) == (other.spec, other.digest, other.notes)
    for name in ("train", "valid", "test"):
        found, expected = getattr(other, name), getattr(one, name)
        assert not isinstance(found.x, np.ndarray)
        assert np.array_equal(found.x[:], expected.x)
        assert np.array_equal(found.y, expected.y)
    # A byte a pixel, and what an index takes.
    size = sum(path.stat().st_size for path in pictures.glob("shards/*/*.x-*.array_record"))
    assert size < 1.2 * 5000 * 48 * 48


def test_what_a_loader_brings_is_prepared_again_where_it_has_changed(pictures):
    before = data.load(of_pictures(streaming=True), folder=pictures)
    assert data.load(of_pictures(streaming=True), folder=pictures).digest == before.digest
    assert len(list(pictures.glob("shards/*/manifest.json"))) == 1
    changed = np.load(pictures / "x.npy", mmap_mode="r+")
    changed[4321, 17, 17] ^= 1
    changed.flush()
    after = data.load(of_pictures(streaming=True), folder=pictures)
    assert after.digest != before.digest
    assert after.digest == data.load(of_pictures(), folder=pictures).digest


_IN_LITTLE_MEMORY = """
import resource, sys
from pathlib import Path
import numpy as np
from zoo import data
from zoo.config import Data

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

before = peak()
splits = data.load(Data.model_validate_json(sys.argv[1]), folder=Path(sys.argv[2]))
order = np.random.default_rng(0).permutation(len(splits.train))
for first in range(0, len(order), 512):
    splits.train.x.take(order[first : first + 512])
print(splits.train.x.size * 4 // 2**20, peak() - before)
"""


def test_examples_are_prepared_and_read_in_less_memory_than_they_take(pictures):
    rng = np.random.default_rng(0)
    with (pictures / "x.npy").open("wb") as file:
        np.lib.format.write_array_header_2_0(file, {"descr": "|u1", "fortran_order": False, "shape": (60_000, 48, 48)})
        for _ in range(60):
            file.write(rng.bytes(1000 * 48 * 48))
    np.save(pictures / "y.npy", np.arange(60_000) % 10)
    asked = of_pictures(streaming=True, scale="standardize").model_dump_json(exclude_unset=True)
    ended = subprocess.run(
        [sys.executable, "-c", _IN_LITTLE_MEMORY, asked, str(pictures)], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONPATH": str(pictures)},
    )  # fmt: skip
    taken, grown = map(int, ended.stdout.split())  # MB; the training examples alone in memory, and the process
    assert taken > 300
    assert grown < 200


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
