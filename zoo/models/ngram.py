"""An interpolated Kneser-Ney trigram: counts, no training. What every language model here has to beat.

    p(w | u v) = max(c(u v w) - D, 0) / c(u v)  +  D n(u v ·) / c(u v) · p(w | v)
    p(w | v)   = max(n(· v w) - D, 0) / n(· v ·)  +  D n(v ·) / n(· v ·) · p(w)
    p(w)       = max(n(· w) - D, 0) / n(· ·)  +  D n(·) / n(· ·) · 1 / V

c counts occurrences, n counts *different* ones: n(· v w) is the number of words that v w has been seen after. A context
that has not been seen leaves all to the shorter one. (Kneser & Ney 1995; interpolated as in Chen & Goodman 1999,
section 2.7, with one discount D.)
"""

from dataclasses import dataclass

import numpy as np

DISCOUNT = 0.75


@dataclass(frozen=True)
class Counts:
    """How often each context has been followed by each word, and what that makes of the context.

    A context is a number: the ids of its words in base V, 0 where it has none.

    Attributes:
        keys: Of context and word, context · V + word, int64, ascending.
        counts: How often each was seen, float64 [keys].
        contexts: int64, ascending.
        totals: Sum of the counts of a context, float64 [contexts].
        kinds: Number of different words that follow a context, float64 [contexts].
    """

    keys: np.ndarray
    counts: np.ndarray
    contexts: np.ndarray
    totals: np.ndarray
    kinds: np.ndarray

    @classmethod
    def of(cls, keys: np.ndarray, counts: np.ndarray, words: int) -> "Counts":
        """Add up counts [keys] of different keys, by context."""
        contexts, place, kinds = np.unique(keys // words, return_inverse=True, return_counts=True)
        return cls(keys, counts, contexts, np.bincount(place, counts, len(contexts)), kinds.astype(np.float64))

    def share(self, context: np.ndarray, word: np.ndarray, words: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the discounted share of words after contexts, and what is left to the shorter context, float64 [n]."""
        if not len(self.keys):
            return np.zeros(len(word)), np.ones(len(word))
        at = np.minimum(np.searchsorted(self.contexts, context), len(self.contexts) - 1)
        known = self.contexts[at] == context
        key = context * words + word
        found = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        count = np.where(self.keys[found] == key, self.counts[found], 0.0)
        total = np.where(known, self.totals[at], 1.0)
        share = np.where(known, np.maximum(count - DISCOUNT, 0.0) / total, 0.0)
        return share, np.where(known, DISCOUNT * self.kinds[at] / total, 1.0)


class Trigram:
    """Probabilities of words by the two words before them.

    Args:
        tokens: The text that is counted, int [n]. One of less than three tokens says nothing of any word.
        words: V, the number of different ids.
    """

    def __init__(self, tokens: np.ndarray, words: int):
        ids = np.asarray(tokens, np.int64)
        self.words = words
        keys, counts = np.unique((ids[:-2] * words + ids[1:-1]) * words + ids[2:], return_counts=True)
        self._trigrams = Counts.of(keys, counts.astype(np.float64), words)
        pairs, before = np.unique(keys % words**2, return_counts=True)  # each after so many different words
        self._bigrams = Counts.of(pairs, before.astype(np.float64), words)
        single, before = np.unique(pairs % words, return_counts=True)
        self._unigrams = Counts.of(single, before.astype(np.float64), words)

    def probabilities(self, first: np.ndarray, second: np.ndarray, word: np.ndarray) -> np.ndarray:
        """Return p(word | first second), float64 [n].

        Args:
            first: Ids of the words before last, int [n].
            second: Ids of the words before, int [n].
            word: Ids, int [n].
        """
        first, second, word = (np.asarray(ids, np.int64) for ids in (first, second, word))
        return self._interpolated([(self._trigrams, first * self.words + second), *self._shorter(second)], word)

    def negative_log_likelihood(self, tokens: np.ndarray) -> float:
        """Return the mean of -ln p over all tokens of a text but the first, each given the words before it.

        Args:
            tokens: int [n], at least two; the second is judged by the first alone.
        """
        ids = np.asarray(tokens, np.int64)
        start = self._interpolated(self._shorter(ids[:1]), ids[1:2])
        rest = self.probabilities(ids[:-2], ids[1:-1], ids[2:])
        return float(-np.mean(np.log(np.concatenate([start, rest]))))

    def _shorter(self, second: np.ndarray) -> list[tuple[Counts, np.ndarray]]:
        return [(self._bigrams, second), (self._unigrams, np.zeros_like(second))]

    def _interpolated(self, levels: list[tuple[Counts, np.ndarray]], word: np.ndarray) -> np.ndarray:
        probability = np.full(len(word), 1.0 / self.words)
        for counts, context in reversed(levels):
            share, left = counts.share(context, word, self.words)
            probability = share + left * probability
        return probability


def perplexity(train: np.ndarray, text: np.ndarray, words: int) -> float:
    """Return the perplexity of a text under a trigram counted in another.

    Args:
        train: Token ids that are counted, int [n].
        text: Token ids that are judged, int [m], of at least two tokens.
        words: Size of the vocabulary.
    """
    return float(np.exp(Trigram(train, words).negative_log_likelihood(text)))
