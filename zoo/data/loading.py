"""From a data option to `Splits`. A loader brings raw data; what all data sets share is done from here.

Adding a data set takes a function and an option file. The function gets the option's keys and the folder of prepared
data, and returns `Examples` (see zoo.data.examples, or zoo.data.sequences, for what happens to them) or `Texts` (see
zoo.data.streams):

    # my_package/wine.py
    def wine(data, folder):
        from sklearn.datasets import load_wine
        table = load_wine()
        return Examples((table.data, table.target), labels=table.target_names, source="scikit-learn")

    # conf/data/wine.yaml
    # Three Italian wines told apart by 13 chemical measurements.
    name: wine
    load: my_package.wine.wine
    gives: vectors
    scale: standardize        # unit | standardize | none
    validation: 0.2           # a number of training examples, or a fraction
    limit: null

A loader raises `BadInput` where the user can mend what is wrong. One that downloads keeps the result with
`zoo.data.cache.prepared`.
"""

import inspect
import json
import pkgutil
from collections.abc import Callable
from pathlib import Path

from zoo.config import BadInput, Data
from zoo.data import examples, sequences, streams
from zoo.data.hashes import digest
from zoo.data.spec import Examples, Splits, Texts

Loader = Callable[[Data, Path], Examples | Texts]


def load(data: Data, *, folder: Path, vocab_size: int | None = None, vocab_size_explicit: bool = False) -> Splits:
    """Load the splits of a data option.

    Args:
        data: The checked `data` section of the config.
        folder: Where prepared data is kept; made when something is prepared.
        vocab_size: Of text: keep the most frequent tokens, this many in all; None: keep all.
        vocab_size_explicit: The user asked for that size: refuse it if the text gives fewer tokens, rather than cap it.

    Returns:
        Training, validation and test splits with what a model has to know about them.

    Raises:
        BadInput: An option is out of range, a file is not usable, or no source of the data is within reach.
    """
    if data.streaming and data.gives == "vectors":
        from zoo.data import streamed_examples

        return streamed_examples.load(data, folder.expanduser(), lambda: read(data, folder))
    raw = read(data, folder)
    if isinstance(raw, Examples):
        return _examples(raw, data)
    if data.streaming:
        from zoo.data import streamed_text

        return streamed_text.load(raw, data, folder.expanduser(), vocab_size, explicit=vocab_size_explicit)
    spec, parts, vocabulary, notes = streams.split(raw, data, vocab_size, explicit=vocab_size_explicit)
    content = digest(parts, json.dumps(vocabulary.to_dict()))
    train, valid, test = parts
    return Splits(data.name, spec, train, valid, test, vocabulary, content, raw.source, (*raw.notes, *notes))


def _examples(raw: Examples, data: Data) -> Splits:
    spec, parts, notes = (examples if data.gives == "vectors" else sequences).split(raw, data)
    train, valid, test = parts
    return Splits(data.name, spec, train, valid, test, None, digest(parts), raw.source, (*raw.notes, *notes))


def read(data: Data, folder: Path) -> Examples | Texts:
    """Return what the loader of a data option brings, as it is.

    Raises:
        BadInput: No source of the data is within reach, or the loader brings something else than the option says.
    """
    try:
        raw = _loader(data.load)(data, folder.expanduser())
    except MemoryError as error:
        raise BadInput(f"data={data.name} should fit into memory: {error or 'there is no room for it'}.") from None
    expected = Texts if data.gives == "tokens" else Examples
    if not isinstance(raw, expected):
        raise BadInput(
            f"data.gives={data.gives} expects {data.load} to return zoo.data.{expected.__name__}. "
            f"Received: {type(raw).__name__}."
        )
    return raw


def _loader(path: str) -> Loader:
    try:
        found = pkgutil.resolve_name(path)
    except (ImportError, AttributeError) as error:
        raise BadInput(
            f"data.load={path} should be the import path of a function, but {error}. "
            "Check its spelling, and that its package is installed or stands in the current folder."
        ) from None
    if not callable(found):
        raise BadInput(f"data.load={path} should be a function. Received: {type(found).__name__}.")
    try:
        inspect.signature(found).bind("data", "folder")
    except TypeError:
        raise BadInput(f"data.load={path} should be a function of two arguments, (data, folder).") from None
    except ValueError:  # it does not tell
        pass
    return found
