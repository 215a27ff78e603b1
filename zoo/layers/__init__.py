"""Layers that Keras lacks. Importing this package registers them, so that saved models load."""

from zoo.layers.augment import RandomAffine
from zoo.layers.feedback import FeedbackCell
from zoo.layers.recurrent import GRU, LSTM, SimpleRNN
from zoo.layers.softmax import Logits, TiedEmbedding

__all__ = ["GRU", "LSTM", "FeedbackCell", "Logits", "RandomAffine", "SimpleRNN", "TiedEmbedding"]
