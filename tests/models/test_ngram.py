"""The trigram baseline: its probabilities are those of the formulas, worked out with dictionaries."""

from collections import Counter

import numpy as np
import pytest

from zoo.models import ngram
from zoo.models.ngram import DISCOUNT, Trigram, count, perplexity

WORDS = 12
TEXT = np.random.default_rng(0).zipf(1.6, 500) % (WORDS - 1)  # the last id is never seen


def by_dictionaries(u, v, w):
    text = [int(token) for token in TEXT]
    trigrams = Counter(zip(text, text[1:], text[2:], strict=False))
    pairs = Counter((b, c) for _, b, c in trigrams)  # words that b c was seen after
    singles = Counter(c for _, c in pairs)

    def level(counts, context, shorter):
        after = {key[-1]: count for key, count in counts.items() if key[:-1] == context}
        if not after:
            return shorter
        total = sum(after.values())
        return max(after.get(w, 0) - DISCOUNT, 0) / total + DISCOUNT * len(after) / total * shorter

    p = level({(c,): count for c, count in singles.items()}, (), 1 / WORDS)
    p = level(pairs, (v,), p)
    return p if u is None else level(trigrams, (u, v), p)


@pytest.mark.parametrize(("u", "v"), [(1, 1), (1, 2), (2, 1), (0, 9), (WORDS - 1, 1), (1, WORDS - 1)])
def test_probabilities_are_those_of_the_formulas_and_add_up_to_one(u, v):
    words = np.arange(WORDS)
    found = count(TEXT, WORDS).probabilities(np.full(WORDS, u), np.full(WORDS, v), words)
    wanted = [by_dictionaries(u, v, int(word)) for word in words]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert found.sum() == pytest.approx(1.0)
    assert found.min() > 0


def test_a_text_is_judged_token_by_token_and_its_second_by_the_first_alone():
    text = [3, 1, 2, 1, 1]
    steps = [by_dictionaries(None, 3, 1), *(by_dictionaries(*text[at : at + 3]) for at in range(3))]
    assert count(TEXT, WORDS).negative_log_likelihood(np.array(text)) == pytest.approx(-np.mean(np.log(steps)))


@pytest.mark.parametrize("length", [0, 1, 2])
def test_a_text_too_short_to_count_leaves_every_word_as_likely(length):
    assert perplexity(TEXT[:length], TEXT, WORDS) == pytest.approx(WORDS)


def test_another_discount_is_another_model_of_the_same_counts():
    half, most = count(TEXT, WORDS, discount=0.5), count(TEXT, WORDS, discount=0.95)
    assert half.negative_log_likelihood(TEXT) < most.negative_log_likelihood(TEXT)
    assert all(np.array_equal(one, other) for one, other in zip(half.weights[:3], most.weights[:3], strict=True))


def test_a_long_text_is_judged_in_parts_as_in_one(monkeypatch):
    model = count(TEXT, WORDS)
    whole = model.negative_log_likelihood(TEXT)
    for size in (1, 7, len(TEXT) - 2):
        monkeypatch.setattr(ngram, "AT_ONCE", size)
        assert model.negative_log_likelihood(TEXT) == pytest.approx(whole, rel=1e-12)


def test_a_model_is_the_same_after_it_was_saved(tmp_path):
    model = count(TEXT, WORDS, discount=0.6)
    model.save(tmp_path / "trigram.npz")
    for other in (Trigram.load(tmp_path / "trigram.npz"), Trigram(*model.weights)):
        assert (other.words, other.discount) == (WORDS, 0.6)
        assert other.negative_log_likelihood(TEXT) == model.negative_log_likelihood(TEXT)


def test_a_text_is_written_again_by_the_same_seed_and_never_with_a_banned_word():
    model = count(TEXT, WORDS)
    texts = [model.write([1, 2], 200, temperature=1.0, seed=seed, banned=[1, 3]) for seed in (0, 0, 1)]
    assert texts[0] == texts[1] != texts[2]
    assert [len(text) for text in texts] == [200] * 3
    assert not {1, 3} & set(texts[0])
    assert model.write([1, 2], 50, temperature=1.0, banned=[1, 3]) == texts[0][:50]


def test_a_low_temperature_writes_what_is_likeliest():
    model = count(np.tile([4, 5, 6, 7], 50), WORDS)
    assert model.write([6, 7], 8, temperature=0.05) == [4, 5, 6, 7] * 2


def test_words_are_drawn_as_often_as_they_are_likely():
    model = count(TEXT, WORDS)
    drawn = [model.write([1, 2], 1, temperature=1.0, seed=seed)[0] for seed in range(3000)]
    wanted = model.probabilities(np.full(WORDS, 1), np.full(WORDS, 2), np.arange(WORDS))
    np.testing.assert_allclose(np.bincount(drawn, minlength=WORDS) / 3000, wanted, atol=0.03)


def test_the_loss_of_each_token_is_that_of_the_tokens_before_it_in_its_row():
    model, rows = count(TEXT, WORDS), TEXT[:60].reshape(6, 10)
    found = model.losses(rows)
    assert found.shape == (6, 9)
    assert found.mean(axis=1) == pytest.approx([model.negative_log_likelihood(row) for row in rows])


@pytest.mark.parametrize("ids", [[3], [1, 2], [7, 7, 1, 2]])
def test_what_comes_after_a_text_depends_on_its_last_two_tokens(ids):
    first, last = (None, *ids)[-2:]
    wanted = [by_dictionaries(first, last, word) for word in range(WORDS)]
    np.testing.assert_allclose(count(TEXT, WORDS).after(ids), wanted, rtol=1e-12)


def test_a_text_is_gone_on_from_the_beginning_of_a_line():
    ends, dot, comma, a = range(4)
    text = np.array([a, comma, a, dot, ends, a, a, dot, ends, a, comma, ends])
    model = count(text, 5)
    assert model.context([a], ends) == [ends, a]
    assert model.context([ends], ends) == [dot, ends]  # two lines of three end with it
    assert model.context([a, dot, comma], ends) == [dot, comma]
    assert model.context([ends, a], ends) == [ends, a]
    assert model.context([4], 4) == [4, 4]  # before which nothing was seen
