"""Layers that Keras lacks. Importing this package registers them, so that saved models load."""

from zoo.layers.augment import RandomAffine

__all__ = ["RandomAffine"]
