"""A finished run as a service: values or a text in, probabilities and labels out, as a table.

MLflow loads it by `_load_pyfunc`, from a folder that holds arrays, words and numbers alone: the model, which Keras
loads in its safe mode, what it reads, and its vocabulary. No code is in it, and none of it is executed.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zoo import kept, writing
from zoo.config import BadInput
from zoo.data import Inputs, Vocabulary, inputs
from zoo.kept import Kept
from zoo.models import ngram
from zoo.tracking import checked, serving

if TYPE_CHECKING:
    import pandas as pd

MOST_VALUES = 10_000_000  # numbers in one request
MOST_EXAMPLES = 10_000
MOST_TEXTS = 100
MOST_TOKENS = 1_000  # of a text
_TOP = 10  # words that are told with their probabilities
_AT_ONCE = 1024


def _load_pyfunc(path: str) -> "Served":
    """Load the service from its folder: what MLflow calls."""
    return Served(Path(path))


def save(found: Kept, folder: Path, model_id: str | None = None) -> None:
    """Write a run as a model of MLflow's, with its signature and an example of its input.

    Args:
        found: The run.
        folder: Where to; it must not be there yet.
        model_id: MLflow's, if the model is to be logged.

    Raises:
        BadInput: What the run kept is damaged.
    """
    parts = folder.with_name(f"{folder.name}-parts")
    parts.mkdir(parents=True)
    shutil.copy(found.file, parts)
    found.inputs.save(parts)
    if found.vocabulary is not None:
        found.vocabulary.save(parts / "vocabulary.json")
    served = Served(parts)
    example = served.example()
    answer = served.predict(example)
    if "unknown" in answer:
        answer["unknown"] = [["word"]]  # of an empty list MLflow can't tell what is in it
    serving.save(
        folder,
        parts,
        loader=__name__,
        example=example,
        answer=answer,
        shape=served.shape,
        params=served.params,
        libraries=("numpy", "pandas") if found.is_counted else ("numpy", "pandas", "tensorflow", "keras"),
        run_id=found.run.id,
        model_id=model_id,
    )
    shutil.rmtree(parts)


def shapes(folder: Path) -> list[tuple[int, ...]]:
    """Return the shapes that one example may have for `zoo serve`: those that `zoo predict` takes.

    Args:
        folder: As `save` has written it.
    """
    spec = Inputs.load(next((folder / "data").rglob(inputs.FILE))).spec
    return [shape for shape in (spec.shape, spec.image_shape) if shape is not None and spec.kind == "vectors"]


class Served:
    """A model that answers tables with tables.

    Args:
        folder: As `save` fills it.

    Attributes:
        shape: Of the values that it reads, the first axis for examples, -1 for any size; None: it reads texts.
        params: That a request may have beside its data, with their defaults.
    """

    def __init__(self, folder: Path):
        self._inputs = Inputs.load(folder / inputs.FILE)
        file = folder / "vocabulary.json"
        self._vocabulary = Vocabulary.load(file) if file.exists() else None
        counted = folder / ngram.FILE
        self._model: Any = ngram.Trigram.load(counted) if counted.exists() else kept.network(folder / kept.NETWORK)
        spec = self._inputs.spec
        self.params: dict[str, Any] = {"top": _TOP} if spec.kind == "tokens" else {"scaled": False}
        of_sequences = (-1, -1, spec.shape[-1]) if spec.kind == "sequences" else (-1, *spec.shape)
        self.shape = None if spec.kind == "tokens" else of_sequences
        if spec.kind == "tokens" and self._vocabulary is None:
            raise BadInput(f"{folder} should hold the vocabulary of a language model, vocabulary.json.")

    def example(self) -> Any:
        """Return what could be asked: float32 values as the data set has them, or a table with a column `text`."""
        example = self._inputs.example
        if self._vocabulary is None:
            return self._inputs.spec.scaling.undone(example).astype(np.float32)
        import pandas as pd

        return pd.DataFrame({"text": [self._vocabulary.decode(example.tolist())]})

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> "pd.DataFrame":
        """Answer a request.

        Args:
            data: Values as the data set has them, [n, ...], which are scaled here as they were in training; or a table
                with a column `text`.
            params: `scaled=true`: the values are scaled already. `top`: how many next words, or characters, to tell.

        Returns:
            A row for each example. Of classes: `label`, its `probability`, and that of each, `probability_<label>`. Of
            values: `value`. Of texts: the likeliest `next` word, its `probability`, the likeliest `words` with their
            `probabilities`, and the `unknown` words of the text.
        """
        said = {**self.params, **(params or {})}
        try:
            if self._vocabulary is not None:
                return self._next_words(data, self._vocabulary, int(said["top"]))
            return self._judged(data, is_scaled=bool(said["scaled"]))
        except BadInput as error:
            raise checked.bad_request(str(error)) from None

    def _judged(self, data: Any, *, is_scaled: bool) -> "pd.DataFrame":
        import pandas as pd

        x = np.asarray(data, np.float32)
        spec = self._inputs.spec
        axes = len(self.shape or ())
        fits = x.ndim == axes and all(
            size in (-1, found) for size, found in zip(self.shape or (), x.shape, strict=True)
        )
        if not fits or not x.size:
            shape = ", ".join("n" if size == -1 else str(size) for size in self.shape or ())
            raise BadInput(f"Expected values of shape [{shape}]. Received: {list(x.shape)}.")
        if x.size > MOST_VALUES or len(x) > MOST_EXAMPLES:
            raise BadInput(
                f"One request may hold {MOST_EXAMPLES:,} examples and {MOST_VALUES:,} values. "
                f"Received: {len(x):,} and {x.size:,}. Send them in several."
            )
        with np.errstate(over="ignore", invalid="ignore"):
            x = x if is_scaled else spec.scaling(x)
        if not np.isfinite(x).all():
            raise BadInput("Expected values that are finite numbers. Received: NaN or infinity, or one too large.")
        found = np.concatenate(
            [
                np.asarray(self._model(x[i : i + _AT_ONCE], training=False), np.float64)
                for i in range(0, len(x), _AT_ONCE)
            ]
        )
        if not np.isfinite(found).all():
            raise BadInput("The model puts out NaN or infinity for these values: they are too large for it.")
        if self._inputs.output == "values":
            return pd.DataFrame({"value": found.reshape(len(x), -1)[:, 0]})
        chances = self._probabilities(found)
        names = list(spec.labels) or [str(number) for number in range(chances.shape[1])]
        best = chances.argmax(axis=1)
        columns = {"label": [names[one] for one in best], "probability": chances.max(axis=1)}
        return pd.DataFrame(
            columns | {f"probability_{name}": column for name, column in zip(names, chances.T, strict=True)}
        )

    def _probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return a probability for each class, float64 [n, classes]."""
        is_one = outputs.shape[1] == 1
        if self._inputs.output == "logits":
            if is_one:
                outputs = np.concatenate([np.zeros_like(outputs), outputs], axis=1)
            outputs = np.exp(outputs - outputs.max(axis=1, keepdims=True))
            return outputs / outputs.sum(axis=1, keepdims=True)
        return np.concatenate([1 - outputs, outputs], axis=1) if is_one else outputs

    def _next_words(self, data: Any, vocabulary: Vocabulary, top: int) -> "pd.DataFrame":
        import pandas as pd

        texts = list(data["text"]) if "text" in data else None
        if not texts:
            raise BadInput("Expected a column `text` with at least one text.")
        if other := [text for text in texts if not isinstance(text, str)]:
            kind = "null" if other[0] is None or other[0] != other[0] else f"{str(other[0])[:40]}, which is no text"
            raise BadInput(f"Expected a text in each row of the column `text`. Received: {kind}.")
        if len(texts) > MOST_TEXTS:
            raise BadInput(
                f"One request may hold {MOST_TEXTS:,} texts. Received: {len(texts):,}. Send them in several."
            )
        if not 1 <= top <= len(vocabulary):
            raise BadInput(f"top should be from 1 to {len(vocabulary):,}, the size of the vocabulary. Received: {top}.")
        rows = []
        for text in texts:
            prompt = writing.read(text, vocabulary)
            ids = prompt.ids
            if len(ids) > MOST_TOKENS:
                what = "words" if vocabulary.level == "word" else "characters"
                raise BadInput(f"A text may have {MOST_TOKENS:,} {what}. Received: {len(ids):,}. Send its end alone.")
            chances = self._after(ids, vocabulary)
            order = np.argsort(-chances, kind="stable")[:top]
            words = [writing.shown(vocabulary, int(one)) for one in order]
            rows.append((words[0], float(chances[order[0]]), words, chances[order].tolist(), prompt.unknown))
        return pd.DataFrame(rows, columns=["next", "probability", "words", "probabilities", "unknown"])

    def _after(self, ids: list[int], vocabulary: Vocabulary) -> np.ndarray:
        """Return the probability of each token to come next, float64 [vocabulary]."""
        if isinstance(self._model, ngram.Trigram):
            return self._model.after(self._model.context(ids, writing.beginning(vocabulary)))
        output = np.asarray(self._model(np.array([ids], np.int32), training=False), np.float64)[0]
        return self._probabilities(output.reshape(-1, len(vocabulary))[-1:])[0]
