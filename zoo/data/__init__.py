"""Data sets as NumPy arrays: `load(config.data, folder=...)` returns `Splits`. Nothing here imports TensorFlow."""

from zoo.data.cache import location
from zoo.data.inputs import Inputs
from zoo.data.loading import load
from zoo.data.spec import Examples, Spec, Split, Splits, Texts
from zoo.data.vocabulary import Vocabulary

__all__ = ["Examples", "Inputs", "Spec", "Split", "Splits", "Texts", "Vocabulary", "load", "location"]
