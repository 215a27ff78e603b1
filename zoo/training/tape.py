"""The GradientTape loop: epochs of the shared step, with Keras's own callbacks.

What happens to one batch (forward, loss, gradient, clip, apply) reads in zoo/training/step.py.
"""

from collections.abc import Sequence

import keras

from zoo.training.batches import Batches
from zoo.training.evaluation import TestStep
from zoo.training.execution import Execution
from zoo.training.step import TrainStep


def train(
    model: keras.Model,
    step: TrainStep,
    training: Batches,
    validation: Batches,
    *,
    epochs: int,
    callbacks: Sequence[keras.callbacks.Callback],
    jit: bool,
    steps_per_execution: int | None = None,
) -> dict[str, list[float]]:
    """Train a compiled model and return its history, metric by metric, epoch by epoch.

    Args:
        model: Compiled with its loss, optimizer and metrics.
        step: The training step of that model.
        training: Batches to learn from.
        validation: Batches to measure on after each epoch.
        epochs: How often the training rows are read, unless a callback sets `model.stop_training`.
        callbacks: Called in order, as in `fit`; batch hooks once in each call of the compiled function.
        jit: Compile with XLA.
        steps_per_execution: Steps in one such call; None: as many as take a quarter of a second.
    """
    learn = Execution(step, model, training, jit=jit, steps_per_call=steps_per_execution)
    measure = Execution(TestStep(model), model, validation, jit=jit)
    hooks = keras.callbacks.CallbackList(
        list(callbacks),
        add_history=True,
        add_progbar=False,
        model=model,
        epochs=epochs,
        steps=training.steps,
        verbose=0,
    )
    logs: dict[str, float] = {}
    model.stop_training = False
    hooks.on_train_begin()
    for epoch in range(epochs):
        model.reset_metrics()
        hooks.on_epoch_begin(epoch)
        hooks.on_train_batch_begin(0)
        for _, done, logs in learn.epoch(epoch):
            hooks.on_train_batch_end(done - 1, logs)
            if model.stop_training:
                break
            if done < training.steps:
                hooks.on_train_batch_begin(done)

        model.reset_metrics()
        hooks.on_test_begin()
        measured: dict[str, float] = {}
        for _, done, measured in measure.epoch():
            hooks.on_test_batch_end(done - 1, measured)
        hooks.on_test_end(measured)

        logs = {**logs, **{f"val_{name}": value for name, value in measured.items()}}
        hooks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_variables)
    hooks.on_train_end(logs)
    return model.history.history
