"""The trigram baseline: its probabilities are those of the formulas, worked out with dictionaries."""

from collections import Counter

import numpy as np
import pytest

from zoo.models.ngram import DISCOUNT, Trigram, perplexity

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
    found = Trigram(TEXT, WORDS).probabilities(np.full(WORDS, u), np.full(WORDS, v), words)
    wanted = [by_dictionaries(u, v, int(word)) for word in words]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert found.sum() == pytest.approx(1.0)
    assert found.min() > 0


def test_a_text_is_judged_token_by_token_and_its_second_by_the_first_alone():
    text = [3, 1, 2, 1, 1]
    steps = [by_dictionaries(None, 3, 1), *(by_dictionaries(*text[at : at + 3]) for at in range(3))]
    assert Trigram(TEXT, WORDS).negative_log_likelihood(np.array(text)) == pytest.approx(-np.mean(np.log(steps)))


@pytest.mark.parametrize("length", [0, 1, 2])
def test_a_text_too_short_to_count_leaves_every_word_as_likely(length):
    assert perplexity(TEXT[:length], TEXT, WORDS) == pytest.approx(WORDS)
