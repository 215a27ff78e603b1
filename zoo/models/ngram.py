"""An interpolated Kneser-Ney trigram: counts, no training. `model=trigram`, and what every language model has to beat.

    p(w | u v) = max(c(u v w) - D, 0) / c(u v)  +  D n(u v ·) / c(u v) · p(w | v)
    p(w | v)   = max(n(· v w) - D, 0) / n(· v ·)  +  D n(v ·) / n(· v ·) · p(w)
    p(w)       = max(n(· w) - D, 0) / n(· ·)  +  D n(·) / n(· ·) · 1 / V

c counts occurrences, n counts *different* ones: n(· v w) is the number of words that v w has been seen after. A context
that has not been seen leaves all to the shorter one. (Kneser & Ney 1995; interpolated as in Chen & Goodman 1999,
section 2.7, with one discount D.)
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Self

import numpy as np

from zoo.config import BadInput
from zoo.models import drawing
from zoo.models.counts import Counts

DISCOUNT = 0.75
FILE = "trigram.npz"
AT_ONCE = 2**18  # tokens that are judged at a time: the arrays of a long text would take gigabytes


class Trigram:
    """Probabilities of words by the two words before them; made by `count` from a text, or of what was counted.

    Args:
        keys: Of the different trigrams u v w, (u · V + v) · V + w, int64 [keys], ascending.
        counts: How often each was seen, int64 [keys].
        words: V, the number of different ids.
        discount: D, between 0 and 1: taken off each count, and given to the shorter context.

    Attributes:
        weights: All of it as arrays: `Trigram(*weights)` is the same model.
    """

    def __init__(
        self, keys: np.ndarray, counts: np.ndarray, words: int | np.ndarray, discount: float | np.ndarray = DISCOUNT
    ):
        self.words = words = int(words)
        self.discount = float(discount)
        self.weights = [keys, counts, np.array(words), np.array(self.discount)]
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
        total = np.log(self._interpolated(self._shorter(ids[:1]), ids[1:2])).sum()
        for start in range(0, len(ids) - 2, AT_ONCE):
            part = ids[start : start + AT_ONCE + 2]
            total += np.log(self.probabilities(part[:-2], part[1:-1], part[2:])).sum()
        return float(-total / (len(ids) - 1))

    def losses(self, rows: np.ndarray) -> np.ndarray:
        """Return -ln p of all tokens of some rows but the first, each given those before it, float64 [rows, n - 1].

        Args:
            rows: Token ids, int [rows, n], n of at least 2.
        """
        ids = np.asarray(rows, np.int64)
        second = self._interpolated(self._shorter(ids[:, 0]), ids[:, 1])[:, None]
        others = (ids[:, :-2].ravel(), ids[:, 1:-1].ravel(), ids[:, 2:].ravel())
        return -np.log(np.hstack([second, self.probabilities(*others).reshape(len(ids), -1)]))

    def after(self, ids: Sequence[int]) -> np.ndarray:
        """Return the probability of each token after some others, float64 [words].

        Args:
            ids: At least one; the last two count.
        """
        every = np.arange(self.words)
        *first, last = (np.full(self.words, int(one)) for one in ids[-2:])
        return self.probabilities(first[0], last, every) if first else self._interpolated(self._shorter(last), every)

    def context(self, ids: Sequence[int], begin: int) -> list[int]:
        """Return the two tokens that a text is gone on from.

        Args:
            ids: Of the text, at least one.
            begin: The token that a line begins after: where one word is all there is, a line has begun before it. If
                it is this token itself, what most often stands before it does.
        """
        return [self._usual_before(begin) if ids[0] == begin else begin, *(int(one) for one in ids)][-2:]

    def write(
        self, prompt: Sequence[int], count: int, *, temperature: float, seed: int = 0, banned: Collection[int] = ()
    ) -> list[int]:
        """Return the next tokens of a text, each drawn given the two before it.

        Args:
            prompt: Ids to go on from, at least two.
            count: Number of tokens.
            temperature: As in `Writer`.
            seed: The same seed draws the same tokens.
            banned: Ids that are never produced, such as that of `<unk>`.
        """
        writer = Writer(self, temperature=temperature, seed=seed, banned=banned)
        writer.read(prompt)
        return writer.write(count)

    def save(self, path: Path) -> None:
        """Write all of it to a file of NumPy's."""
        keys, counts, words, discount = self.weights
        np.savez_compressed(path, keys=keys, counts=counts, words=words, discount=discount)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a trigram that `save` wrote.

        Raises:
            BadInput: The file is not there, or is none; one that holds pickled objects is not unpickled.
        """
        try:
            if path.exists() and not path.is_file():  # reading a pipe would never end
                raise ValueError("it is no file")
            with np.load(path, allow_pickle=False) as file:
                keys, counts, words, discount = (file[name] for name in ("keys", "counts", "words", "discount"))
            is_one = keys.ndim == 1 and keys.shape == counts.shape and (np.diff(keys) > 0).all()
            is_one = is_one and {keys.dtype.kind, counts.dtype.kind, words.dtype.kind} <= set("iu")
            is_one = is_one and (counts > 0).all() and 0 <= float(discount) <= 1
            if not is_one or int(words) < 1 or not (keys >= 0).all() or not (keys < int(words) ** 3).all():
                raise ValueError("its arrays do not fit together")
            return cls(keys, counts, words, discount)
        except Exception as error:  # zipfile, zlib and NumPy have a dozen kinds for what is damaged
            raise BadInput(f"{path} should be a trigram that the zoo kept, but can't be read: {error}.") from None

    def _usual_before(self, word: int) -> int:
        """Return the token that most often stands before another; where none does, that one itself."""
        before, after = np.divmod(self._trigrams.contexts, self.words)
        totals = np.where(after == word, self._trigrams.totals, 0)
        return int(before[totals.argmax()]) if totals.any() else word

    def _shorter(self, second: np.ndarray) -> list[tuple[Counts, np.ndarray]]:
        return [(self._bigrams, second), (self._unigrams, np.zeros_like(second))]

    def _interpolated(self, levels: list[tuple[Counts, np.ndarray]], word: np.ndarray) -> np.ndarray:
        probability = np.full(len(word), 1.0 / self.words)
        for counts, context in reversed(levels):
            share, left = counts.share(context, word, self.words, self.discount)
            probability = share + left * probability
        return probability


class Writer:
    """Goes on with a text, as `zoo.models.generation.Writer` does by way of a network.

    Args:
        model: What was counted.
        temperature: Divides the log of the probabilities. Below 1 the likely becomes likelier; 0 always takes the
            likeliest.
        top_k: Draw from the likeliest `top_k` tokens alone; None: from all.
        top_p: Draw from the fewest of the likeliest tokens that together have this probability at least; None: all.
        seed: The same seed draws the same tokens, however many are asked for at a time.
        banned: Ids that are never produced.

    Raises:
        ValueError: A number is out of range, or no token is left to draw.
    """

    def __init__(
        self,
        model: Trigram,
        *,
        temperature: float = 0.8,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        banned: Collection[int] = (),
    ):
        drawing.check(temperature, top_k, top_p)
        if len(set(banned)) >= model.words:
            raise ValueError("No token is left to draw: every one is banned.")
        self._model, self._temperature, self._top_k, self._top_p = model, temperature, top_k, top_p
        self._random, self._every = np.random.default_rng(seed), np.arange(model.words)
        self._barred = list(banned)
        self._last: list[int] = []

    def read(self, ids: Sequence[int]) -> None:
        """Take in the tokens to go on from, at least two in all."""
        self._last = [*self._last, *(int(one) for one in ids)][-2:]

    def write(self, count: int) -> list[int]:
        """Return the next tokens; called again, it goes on from there."""
        found = []
        for _ in range(count):
            first, second = (np.full(self._model.words, one) for one in self._last)
            logits = np.log(self._model.probabilities(first, second, self._every))
            logits[self._barred] = -np.inf
            found.append(
                drawing.draw(logits, self._random, temperature=self._temperature, top_k=self._top_k, top_p=self._top_p)
            )
            self.read(found[-1:])
        return found


def count(tokens: np.ndarray, words: int, *, discount: float = DISCOUNT) -> Trigram:
    """Count a text.

    Args:
        tokens: Token ids, int [n]. A text of less than three says nothing of any word.
        words: V, the number of different ids.
        discount: D, as in `Trigram`.
    """
    ids = np.asarray(tokens, np.int64)
    keys, counts = np.unique((ids[:-2] * words + ids[1:-1]) * words + ids[2:], return_counts=True)
    return Trigram(keys, counts, words, discount)


def perplexity(train: np.ndarray, text: np.ndarray, words: int) -> float:
    """Return the perplexity of a text under a trigram counted in another.

    Args:
        train: Token ids that are counted, int [n].
        text: Token ids that are judged, int [m], of at least two tokens.
        words: Size of the vocabulary.
    """
    return float(np.exp(count(train, words).negative_log_likelihood(text)))
