"""How often a word has followed others: the counts of one order of an n-gram, and what they leave to a shorter one."""

from dataclasses import dataclass

import numpy as np


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

    def share(
        self, context: np.ndarray, word: np.ndarray, words: int, discount: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the discounted share of words after contexts, and what is left to the shorter context, float64 [n]."""
        if not len(self.keys):
            return np.zeros(len(word)), np.ones(len(word))
        at = np.minimum(np.searchsorted(self.contexts, context), len(self.contexts) - 1)
        known = self.contexts[at] == context
        key = context * words + word
        found = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        count = np.where(self.keys[found] == key, self.counts[found], 0.0)
        total = np.where(known, self.totals[at], 1.0)
        share = np.where(known, np.maximum(count - discount, 0.0) / total, 0.0)
        return share, np.where(known, discount * self.kinds[at] / total, 1.0)
