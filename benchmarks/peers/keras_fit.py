"""Stock Keras, as its guides show it: a Sequential model, `compile`, `fit`, with metrics and the progress bar."""

import time
from typing import Any

import keras
import numpy as np

from benchmarks.peers.clock import Clock, keras_callback

LAYERS = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU, "rnn": keras.layers.SimpleRNN}


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Train with `fit`.

    Args:
        spec: `shape` and `file` from benchmarks/peers/prepare.py, `epochs`, and perhaps another `learning_rate`.
    """
    began = time.perf_counter()
    keras.utils.clear_session()
    shape, file = spec["shape"], np.load(spec["file"])
    x, y = file["x"], file["y"]
    loaded = time.perf_counter()
    model = build(shape, spec.get("recurrent_initializer", "orthogonal"))
    set_weights(model, file)
    built = time.perf_counter()

    clock = Clock(len(x) * shape["units_per_row"])
    optimizer = getattr(keras.optimizers, shape["optimizer"])
    model.compile(
        optimizer=optimizer(spec.get("learning_rate", shape["learning_rate"])),
        loss=loss(shape),
        metrics=["accuracy"] if shape["cell"] is None and shape["output"] != "values" else [],
    )
    callbacks = [keras_callback(clock, ends=True)]
    if shape["stateful"]:
        callbacks.append(ResetStates())
    history = model.fit(x, y, batch_size=shape["batch_size"], epochs=spec["epochs"], shuffle=False, callbacks=callbacks)
    return {
        "data_seconds": loaded - began,
        "build_seconds": built - loaded,
        **clock.values(),
        "losses": history.history["loss"],
    }


def build(shape: dict[str, Any], recurrent_initializer: str = "orthogonal", batch: int | None = None) -> keras.Model:
    """Return the model of a shape; a recurrent one takes `batch` rows, or as many as in training."""
    last = keras.layers.Dense(shape["outputs"], activation=_last_activation(shape), name="output")
    if shape["cell"] is None:
        hidden = [
            keras.layers.Dense(units, activation=shape["activation"], name=f"hidden_{depth}")
            for depth, units in enumerate(shape["hidden"], start=1)
        ]
        return keras.Sequential([keras.Input((shape["features"],)), *hidden, last])
    recurrent = [
        LAYERS[shape["cell"]](
            shape["units"],
            return_sequences=True,
            stateful=shape["stateful"],
            recurrent_initializer=recurrent_initializer,
            name=f"{shape['cell']}_{depth}",
        )
        for depth in range(1, shape["layers"] + 1)
    ]
    words = keras.layers.Embedding(shape["outputs"], shape["embedding"], name="embedding")
    inputs = keras.Input(batch_shape=(batch or shape["batch_size"], None), dtype="int32")
    return keras.Sequential([inputs, words, *recurrent, last])


def set_weights(model: keras.Model, file: Any) -> None:
    """Give a model the initial weights in a prepared file, if there are any."""
    for layer in model.layers:
        for variable in layer.trainable_variables:
            if (name := f"{layer.name}/{variable.name}") in file:
                variable.assign(file[name])


def loss(shape: dict[str, Any]) -> keras.losses.Loss:
    """Return the loss that goes with the outputs."""
    if shape["output"] == "values":
        return keras.losses.MeanSquaredError()
    from_logits = shape["output"] == "logits"
    if shape["outputs"] == 1:
        return keras.losses.BinaryCrossentropy(from_logits=from_logits)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)


def _last_activation(shape: dict[str, Any]) -> str | None:
    if shape["output"] != "probabilities":
        return None
    return "sigmoid" if shape["outputs"] == 1 else "softmax"


class ResetStates(keras.callbacks.Callback):
    """Carried state starts from zero in each epoch."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Reset every recurrent layer."""
        for layer in self.model.layers:
            if hasattr(layer, "reset_states"):
                layer.reset_states()
