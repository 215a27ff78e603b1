"""Text written by the zoo's language model."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

import zoo
from benchmarks.peers import zoo_run
from zoo import data, quiet
from zoo.config import Config


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Continue one word by many, always with the likeliest.

    Args:
        spec: `words` for `zoo.compose`, `length` (words to write).
    """
    began = time.perf_counter()
    config = zoo.compose(*spec["words"])
    splits = zoo_run.load(config)
    loaded = time.perf_counter()
    quiet.import_tensorflow()
    from zoo.training import setup

    weights = setup.build(config, splits).get_weights()
    write = writer(config, splits, weights)
    built = time.perf_counter()
    write(1)  # traces
    traced = time.perf_counter()
    ids = write(spec["length"])
    seconds = time.perf_counter() - traced
    return {
        "data_seconds": loaded - began,
        "build_seconds": built - loaded,
        "compile_seconds": traced - built,
        "words_per_second": spec["length"] / seconds,
        "ids": ids,
    }


def writer(config: Config, splits: data.Splits, weights: list[np.ndarray]) -> Callable[[int], list[int]]:
    """Return a function that goes on with a text, begun with word 0, by a number of words.

    This is the one place that knows which of the zoo's functions writes text; zoo/artifacts.py calls the same.
    """
    from zoo.models import building, generation

    model = building.build(config.model, replace(splits.spec, batch_size=1), config.precision)
    model.set_weights(weights)
    found = generation.Writer(generation.next_logits(model), splits.spec.classes, temperature=0)
    found.read([0])
    return found.write
