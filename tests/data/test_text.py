import os

import pytest

from zoo.config import BadInput
from zoo.data import load


@pytest.fixture
def three(tmp_path):
    files = {key: tmp_path / f"{key}.txt" for key in ("train", "valid", "test")}
    for key, file in files.items():
        file.write_text(f"The {key} text, line one.\nAnd another line of it.\n" * 100)
    return {key: str(file) for key, file in files.items()}


def test_three_files_are_the_three_splits(option, tmp_path, three):
    splits = load(option("text", **three), folder=tmp_path)
    for key, part in zip(three, (splits.train, splits.valid, splits.test), strict=True):
        word = key if key == "train" else "<unk>"
        assert splits.vocabulary.decode(part.x).startswith(f"the {word} text, line one.\nand another")
    assert all(path in splits.source for path in three.values())


def test_one_file_is_cut_at_the_share_asked_for(option, tmp_path, three):
    splits = load(option("text", train=three["train"], split=0.4), folder=tmp_path)
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [900, 300, 300]


def test_line_ends_of_other_systems_and_a_byte_order_mark_make_no_difference(option, tmp_path):
    lines = ["First line,", "", "and a second one."] * 200
    for name, end in (("unix", "\n"), ("windows", "\r\n"), ("mac", "\r")):
        (tmp_path / name).write_bytes(end.join(lines).encode("utf-8-sig" if name == "windows" else "utf-8"))
    digests = {
        load(option("text", train=str(tmp_path / name)), folder=tmp_path).digest for name in ("unix", "windows", "mac")
    }
    assert len(digests) == 1


def test_a_home_folder_may_be_named_by_its_sign(option, tmp_path, three, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert len(load(option("text", train="~/train.txt"), folder=tmp_path).train) > 0


def loop(path):
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_bytes(b" \n\t\n"), "empty"),
        (lambda path: path.write_bytes(b"text\0with NUL bytes"), "binary"),
        (lambda path: path.write_bytes(bytes(range(256))), "NUL|not UTF-8"),
        (lambda path: path.write_bytes("naïve".encode("latin-1")), "byte 2 is not UTF-8.*iconv"),
        (lambda path: path.write_bytes("text".encode("utf-16")), "not UTF-8"),
        (lambda path: path.mkdir(), "a folder"),
        (loop, "symbolic links"),
        (os.mkfifo, "no regular file"),
    ],
    ids=["missing", "empty", "blank", "NUL", "binary", "latin-1", "utf-16", "folder", "symlink loop", "pipe"],
)
@pytest.mark.parametrize("key", ["train", "test"])
def test_a_file_that_is_no_text_is_refused_by_key_and_name(option, tmp_path, three, make, words, key):
    path = tmp_path / "broken"
    make(path)
    with pytest.raises(BadInput, match=f"(?s)data.{key}={path} .*({words})"):
        load(option("text", **three | {key: str(path)}), folder=tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_refused(option, tmp_path, three):
    os.chmod(three["train"], 0)
    with pytest.raises(BadInput, match="permission denied"):
        load(option("text", **three), folder=tmp_path)


@pytest.mark.parametrize("path", ["", "a\0b", "x" * 5000])
def test_what_is_no_file_name_is_refused(option, tmp_path, path):
    with pytest.raises(BadInput, match=r"data\.train="):
        load(option("text", train=path), folder=tmp_path)


@pytest.mark.parametrize("keys", [[], ["valid"], ["train", "valid"], ["valid", "test"]])
def test_files_that_make_no_three_splits_are_refused(option, tmp_path, three, keys):
    with pytest.raises(BadInput, match=r"data\.train, data\.valid and data\.test, or data\.train alone"):
        load(option("text", **{key: three[key] for key in keys}), folder=tmp_path)


@pytest.mark.parametrize("level", ["word", "char"])
def test_one_gigantic_line_is_read(option, tmp_path, level):
    file = tmp_path / "line.txt"
    file.write_text("it's a very long line, " * 100_000)
    splits = load(option("text", train=str(file), level=level), folder=tmp_path)
    assert len(splits.train) > 500_000


def test_one_gigantic_word_is_one_token(option, tmp_path):
    file = tmp_path / "word.txt"
    file.write_text("a'" * 1_000_000)
    with pytest.raises(BadInput, match="tokens"):
        load(option("text", train=str(file)), folder=tmp_path)
