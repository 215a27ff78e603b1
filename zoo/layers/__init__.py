"""Layers that Keras lacks or computes slowly. Importing this package registers them, so that saved models load."""

from zoo.layers.augment import RandomAffine
from zoo.layers.softmax import Logits, TiedEmbedding, TokenCrossentropy

__all__ = ["Logits", "RandomAffine", "TiedEmbedding", "TokenCrossentropy"]
