"""What stock Keras and PyTorch are given: the zoo's training rows, their order and its initial weights, as one file."""

from pathlib import Path
from typing import Any

import numpy as np

import zoo
from benchmarks.peers import zoo_run
from zoo.config import Config
from zoo.training import batches


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Write what a config trains on and starts from.

    Args:
        spec: `words` for `zoo.compose`, `to` (the file), `epochs` (orders to write), `weights` (whether to build the
            model and write its initial weights).

    Returns:
        The shapes and choices that a peer has to know to build the same model.
    """
    config = zoo.compose(*spec["words"])
    splits = zoo_run.load(config)
    learn = batches.training(splits, config)
    orders = [learn.order(epoch) for epoch in range(spec["epochs"])]
    # The rows lie in the order of the first epoch, so that a peer that does not shuffle sees the same batches in it.
    place = np.empty(learn.rows, np.int64)
    place[orders[0]] = np.arange(learn.rows)
    arrays = {
        "x": learn.x[orders[0]],
        "y": learn.y[orders[0]],
        "order": np.stack([place[order] for order in orders]),
    }
    if spec["weights"]:
        arrays |= _initial_weights(config, splits)
    np.savez(Path(spec["to"]), **arrays)
    model, optimizer = config.model, config.optimizer
    return {
        "cell": model.cell if config.data.gives == "tokens" else None,
        "stateful": model.carries_state,
        "features": splits.spec.shape[0],
        "outputs": 1 if splits.spec.target == "binary" or model.output == "values" else splits.spec.classes,
        "output": model.output,
        "hidden": model.hidden,
        "activation": model.activation,
        "embedding": model.embedding,
        "units": model.units,
        "layers": model.layers,
        "batch_size": learn.batch_size,
        "units_per_row": learn.units,
        "optimizer": optimizer.class_name,
        "learning_rate": optimizer.learning_rate,
    }


def _initial_weights(config: Config, splits: Any) -> dict[str, np.ndarray]:
    """Return the trainable weights by name, such as `hidden_1/kernel` and `lstm_1/recurrent_kernel`."""
    from zoo import quiet

    quiet.import_tensorflow()
    from zoo.training import setup

    model = setup.build(config, splits)
    named = {}
    for layer in model.layers:
        for variable in layer.trainable_variables:
            named[f"{layer.name}/{variable.name}"] = np.array(variable)
    return named
