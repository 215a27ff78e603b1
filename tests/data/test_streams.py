import numpy as np
import pytest

from zoo.config import BadInput, Data
from zoo.data import Texts
from zoo.data.streams import split


def asked(**changes):
    keys = {"name": "mine", "load": "my.loader", "gives": "tokens", "target": "tokens", "sequence_length": 2}
    return Data.model_validate(keys | changes)


def cut(raw, vocab_size=None, explicit=False, **changes):
    return split(raw, asked(**changes), vocab_size, explicit=explicit)


THREE = Texts("the cat sat\nthe cat ran\n", "the dog sat\n", "a cat ran\n")


def test_each_split_is_one_stream_of_ids():
    spec, parts, vocabulary, notes = cut(THREE)
    assert [part.x.dtype for part in parts] == [np.int32] * 3
    assert [part.y for part in parts] == [None] * 3
    assert vocabulary.decode(parts[0].x) == THREE.train
    assert (spec.kind, spec.shape, spec.target, spec.classes) == ("tokens", (2,), "tokens", len(vocabulary))
    assert notes == []


def test_the_vocabulary_is_that_of_the_training_split_alone():
    _, (_, valid, test), vocabulary, _ = cut(THREE)
    assert vocabulary.tokens == ("<unk>", "<eos>", "cat", "the", "ran", "sat")
    assert vocabulary.decode(valid.x) == "the <unk> sat\n"
    assert vocabulary.decode(test.x) == "<unk> cat ran\n"


def test_the_default_size_is_capped_by_the_text_with_a_note():
    spec, _, _, notes = cut(THREE, vocab_size=10_000)
    assert spec.classes == 6
    assert notes == ["The vocabulary is capped at 6: the training text has no more distinct words."]


def test_a_size_asked_for_beyond_the_text_is_refused():
    with pytest.raises(BadInput, match=r"model\.vocab_size=7 is more .* 6 distinct words"):
        cut(THREE, vocab_size=7, explicit=True)


def test_a_size_asked_for_that_the_text_just_gives_is_taken():
    assert cut(THREE, vocab_size=6, explicit=True)[0].classes == 6


def test_a_smaller_size_keeps_the_most_frequent():
    spec, (train, _, _), vocabulary, notes = cut(THREE, vocab_size=4)
    assert vocabulary.tokens == ("<unk>", "<eos>", "cat", "the")
    assert vocabulary.decode(train.x) == "the cat <unk>\nthe cat <unk>\n"
    assert (spec.classes, notes) == (4, [])


@pytest.mark.parametrize(("level", "size"), [("word", 2), ("char", 1)])
def test_a_size_that_leaves_only_special_tokens_is_refused(level, size):
    with pytest.raises(BadInput, match=r"model\.vocab_size"):
        cut(THREE, vocab_size=size, level=level)


def test_penn_treebank_text_passes_through_and_gives_exactly_ten_thousand_tokens():
    # As in the corpus: 9,999 word types with <unk> and N among them, mixed case kept; <eos> is the one beside.
    types = ["<unk>", "N", "Mr.", *(f"w{i}" for i in range(9_996))]
    lines = [" " + " ".join(types[i : i + 20]) + " \n" for i in range(0, len(types), 20)]
    raw = Texts("".join(lines), " Mr. w3 n't <unk> \n", " N w5 mr. \n")
    spec, (train, valid, test), vocabulary, notes = cut(raw, vocab_size=10_000, explicit=True)
    assert spec.classes == len(vocabulary) == 10_000
    assert set(vocabulary.tokens) == {*types, "<eos>"}
    assert len(train) == 9_999 + len(lines)
    assert [vocabulary.tokens[i] for i in valid.x] == ["Mr.", "w3", "<unk>", "<unk>", "<eos>"]
    assert [vocabulary.tokens[i] for i in test.x] == ["N", "w5", "<unk>", "<eos>"]
    assert vocabulary.tokenized
    assert notes == []


def test_one_text_is_held_out_from_its_end_at_the_positions_of_tensorflow_datasets():
    text = "".join(chr(ord("a") + i % 26) for i in range(1003))
    _, parts, vocabulary, _ = cut(Texts(text, held_out=0.1), level="char")
    assert [len(part) for part in parts] == [902, 50, 51]
    assert "".join(vocabulary.decode(part.x) for part in parts) == text


def test_characters_are_as_many_as_the_text_has():
    spec, (train, _, _), vocabulary, _ = cut(Texts("abcab" * 100), level="char")
    assert spec.classes == 3
    assert vocabulary.unk is None
    assert train.x.min() == 0


def test_a_character_that_only_the_other_splits_hold_is_unknown():
    _, (_, valid, _), vocabulary, _ = cut(Texts("abab", "abc", "aba"), level="char")
    assert vocabulary.tokens == ("<unk>", "a", "b")
    assert valid.x.tolist() == [1, 2, 0]


def test_a_loader_brings_validation_and_test_text_or_neither():
    with pytest.raises(BadInput, match="or neither of them"):
        cut(Texts("a b c d\n", valid="a b c\n"))


def test_a_limit_shortens_the_training_stream_and_leaves_the_vocabulary_alone():
    _, (whole, _, _), vocabulary, _ = cut(THREE)
    _, (train, _, _), same, notes = cut(THREE, limit=3)
    assert np.array_equal(train.x, whole.x[:3])
    assert same == vocabulary
    assert notes == []
    assert cut(THREE, limit=9)[3] == ["data.limit=9 keeps all of the 8 training tokens."]


def test_the_last_line_ends_even_without_a_newline():
    _, (train, _, _), _, _ = cut(Texts("a b\nc d", "a b\nc", "d d d"))
    assert train.x[-1] == 1


@pytest.mark.parametrize(
    ("raw", "changes", "which"),
    [
        (THREE, {"sequence_length": 8}, "training split of data=mine has 8 tokens"),
        (THREE, {"sequence_length": 4}, "validation"),
        (Texts("a b c d\n" * 9, "a b c d\n", "a\n"), {}, "test split of data=mine has 2 tokens"),
        (THREE, {"limit": 2}, "training"),
        (Texts("word"), {}, "training"),
    ],
)
def test_a_split_too_short_for_one_sequence_is_refused(raw, changes, which):
    with pytest.raises(BadInput, match=f"{which}.*data.sequence_length"):
        cut(raw, **changes)
