import pytest

from zoo.config import BadInput
from zoo.data import Vocabulary
from zoo.data.vocabulary import is_tokenized, tokenize


def words(text, **how):
    return Vocabulary.build(tokenize(text, "word"), "word", **how)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The LORD's day.\n", ["the", "lord's", "day", ".", "<eos>"]),
        ("'Tis, said he; 'tis!", ["'", "tis", ",", "said", "he", ";", "'", "tis", "!"]),
        ("the kings' sons", ["the", "kings", "'", "sons"]),
        ("well-known", ["well", "-", "known"]),
        ("don’t wait…\n\nÉtude no_7\n", ["don’t", "wait", "…", "<eos>", "<eos>", "étude", "no", "_", "7", "<eos>"]),
        ("  \t", []),
    ],
)
def test_words_are_lower_cased_and_punctuation_stands_alone(text, tokens):
    assert tokenize(text, "word") == tokens


def test_tokenized_text_keeps_its_case_and_its_tokens():
    text = " mr. <unk> earned $ N million it 's said\n no it does n't\n"
    assert is_tokenized(text)
    assert tokenize(text, "word", tokenized=True) == [
        *("mr.", "<unk>", "earned", "$", "N", "million", "it", "'s", "said", "<eos>"),
        *("no", "it", "does", "n't", "<eos>"),
    ]


def test_text_is_tokenized_only_if_unk_is_a_token_of_its_own():
    assert not is_tokenized("what <unk>nown words are")


def test_words_are_ordered_by_frequency_and_then_alphabetically():
    vocabulary = words("b a c a b d d d\n")
    assert vocabulary.tokens == ("<unk>", "<eos>", "d", "a", "b", "c")
    assert (vocabulary.unk, vocabulary.eos) == (0, 1)


def test_truncation_keeps_the_most_frequent_words_and_the_rest_become_unknown():
    vocabulary = words("b a c a b d d d\n").truncated(4)
    assert vocabulary.tokens == ("<unk>", "<eos>", "d", "a")
    assert vocabulary.encode("A b d zebra\n").tolist() == [3, 0, 2, 0, 1]


def test_characters_have_an_unknown_only_where_it_is_needed():
    everything = Vocabulary.build("abca", "char", unk=False)
    assert everything.tokens == ("a", "b", "c")
    assert everything.unk is None
    assert everything.truncated(2).tokens == ("<unk>", "a")
    assert Vocabulary.build("abca", "char", unk=True).tokens == ("<unk>", "a", "b", "c")


def test_an_unknown_character_is_named_where_there_is_no_place_for_it():
    with pytest.raises(BadInput, match="'é'"):
        Vocabulary.build("cafe", "char", unk=False).encode("café")


def test_characters_come_back_as_they_were():
    text = "First Citizen:\nBefore we proceed!\n"
    vocabulary = Vocabulary.build(text, "char", unk=False)
    ids = vocabulary.encode(text)
    assert ids.dtype == "int32"
    assert vocabulary.decode(ids) == text


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("And God said, Let there be light.\n", "and god said, let there be light.\n"),
        ("(For he is good;) yea!\nWhy?\n", "(for he is good;) yea!\nwhy?\n"),
        ('"Come," he said, "and see."\nSo they came.\n', '"come," he said, "and see."\nso they came.\n'),
        ("the LORD's “day”\n", "the lord's “day”\n"),
    ],
)
def test_decoded_words_read_as_text(text, readable):
    vocabulary = words(text)
    assert vocabulary.decode(vocabulary.encode(text)) == readable


def test_decoded_clitics_of_tokenized_text_join_their_word():
    text = "it 's N % that <unk> does n't\n"
    vocabulary = Vocabulary.build(tokenize(text, "word", tokenized=True), "word", tokenized=True)
    assert vocabulary.decode(vocabulary.encode(text)) == "it's N% that <unk> doesn't\n"


@pytest.mark.parametrize("level", ["word", "char"])
def test_a_saved_vocabulary_comes_back_equal(tmp_path, level):
    text = 'naïve "words" \\ and\ttabs\n'
    vocabulary = Vocabulary.build(tokenize(text, level), level, unk=False)
    vocabulary.save(tmp_path / "vocabulary.json")
    again = Vocabulary.load(tmp_path / "vocabulary.json")
    assert again == vocabulary
    assert again.encode(text).tolist() == vocabulary.encode(text).tolist()
