"""Layers that Keras lacks. Importing this package registers them, so that saved models load."""

from zoo.layers.augment import RandomAffine
from zoo.layers.feedback import FeedbackCell
from zoo.layers.recurrent import GRU, LSTM, SimpleRNN

__all__ = ["GRU", "LSTM", "FeedbackCell", "RandomAffine", "SimpleRNN"]
