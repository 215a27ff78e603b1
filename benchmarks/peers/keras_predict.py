"""Text written by stock Keras: one call of `model.predict` for each word, with the state carried by the layers."""

import time
from typing import Any

import keras
import numpy as np

from benchmarks.peers import keras_fit


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Continue one word by many, always with the likeliest.

    Args:
        spec: `shape` and `file` from benchmarks/peers/prepare.py, `length` (words to write).
    """
    began = time.perf_counter()
    keras.utils.clear_session()
    shape, file = spec["shape"], np.load(spec["file"])
    loaded = time.perf_counter()
    model = keras_fit.build(shape, batch=1)
    keras_fit.set_weights(model, file)
    built = time.perf_counter()
    word = next_word(model, 0)  # traces
    traced = time.perf_counter()
    ids = []
    for _ in range(spec["length"]):
        word = next_word(model, word)
        ids.append(word)
    seconds = time.perf_counter() - traced
    return {
        "data_seconds": loaded - began,
        "build_seconds": built - loaded,
        "compile_seconds": traced - built,
        "words_per_second": spec["length"] / seconds,
        "ids": ids,
    }


def next_word(model: keras.Model, word: int) -> int:
    """Return the id of the likeliest word after another."""
    logits = model.predict(np.array([[word]], np.int32), verbose=0)
    return int(logits[0, -1].argmax())
