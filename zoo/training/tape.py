"""The GradientTape loop: epochs of the shared step, with Keras's own callbacks.

What happens to one batch (forward, loss, gradient, clip, apply) reads in zoo/training/step.py.
"""

from collections.abc import Sequence

import keras

from zoo.training import ahead
from zoo.training.batches import Batches
from zoo.training.evaluation import TestStep
from zoo.training.execution import Execution
from zoo.training.state import State
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
    state: State | None = None,
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
        state: Where callbacks look that read nothing of the model itself; short epochs then run several in one call.
    """
    hooks = keras.callbacks.CallbackList(
        list(callbacks),
        add_history=True,
        add_progbar=False,
        model=model,
        epochs=epochs,
        steps=training.steps,
        verbose=0,
    )
    several = None
    if state and ahead.pays(model, training):
        several = ahead.EpochsAhead(step, training, validation, state, epochs=epochs, jit=jit)
    else:
        learn = Execution(step, model, training, jit=jit, steps_per_call=steps_per_execution)
        measure = Execution(TestStep(model), model, validation, jit=jit)

    logs: dict[str, float] = {}
    model.stop_training = False
    hooks.on_train_begin()
    try:
        for epoch in range(epochs):
            hooks.on_epoch_begin(epoch)
            logs = several.epoch(epoch) if several else _epoch(learn, measure, hooks, epoch)
            hooks.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
    finally:
        if several:
            several.settle()
    model.optimizer.finalize_variable_values(model.trainable_variables)
    hooks.on_train_end(logs)
    return model.history.history


def _epoch(learn: Execution, measure: Execution, hooks: keras.callbacks.CallbackList, epoch: int) -> dict[str, float]:
    """Train on every batch once, measure on the validation batches, and return the logs of both."""
    logs: dict[str, float] = {}
    hooks.model.reset_metrics()
    hooks.on_train_batch_begin(0)
    for _, done, logs in learn.epoch(epoch):
        hooks.on_train_batch_end(done - 1, logs)
        if hooks.model.stop_training:
            break
        if done < learn.batches.steps:
            hooks.on_train_batch_begin(done)

    measured: dict[str, float] = {}
    hooks.model.reset_metrics()
    hooks.on_test_begin()
    for _, done, measured in measure.epoch():
        hooks.on_test_batch_end(done - 1, measured)
    hooks.on_test_end(measured)
    return {**logs, **{f"val_{name}": value for name, value in measured.items()}}
