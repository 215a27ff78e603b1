"""The GradientTape loop: epochs of the shared step, with Keras's own callbacks.

What happens to one batch (forward, loss, gradient, clip, apply) reads in zoo/training/step.py.
"""

from collections.abc import Sequence

import keras
import numpy as np

from zoo.training import ahead
from zoo.training.execution import Execution
from zoo.training.program import Program
from zoo.training.state import State


def train(
    program: Program,
    *,
    epochs: int,
    callbacks: Sequence[keras.callbacks.Callback],
    begin: tuple[int, int] = (0, 0),
    state: State | None = None,
) -> dict[str, list[float]]:
    """Train a compiled model and return its history, metric by metric, epoch by epoch.

    Args:
        program: The model with its step and its batches.
        epochs: How often the training rows are read, unless a callback sets `model.stop_training`.
        callbacks: Called in order, as in `fit`; batch hooks once in each call of the compiled function.
        begin: The first epoch, and the steps of it that were made before; a callback has the variables ready for it.
        state: Where callbacks look that read nothing of the model itself; short epochs then run several in one call.
    """
    model, step, training, validation = program.model, program.step, program.learn, program.measure
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
        block = program.function("block", lambda: ahead.Block(step, training, validation, jit=program.jit))
        several = ahead.EpochsAhead(block, step, training, validation, state, epochs=epochs)
    else:
        learn = Execution(program.steps("learn", step, training), training, program.steps_per_call)
        measure = Execution(
            program.steps("measure", program.test_step, validation), validation, program.measured_per_call
        )
        if begin[1]:
            learn.trace()  # makes the variables of the metrics

    logs: dict[str, float] = {}
    model.stop_training = False
    hooks.on_train_begin()
    try:
        for epoch in range(begin[0], epochs):
            model.reset_metrics()
            hooks.on_epoch_begin(epoch)
            done = begin[1] if epoch == begin[0] else 0
            logs = several.epoch(epoch) if several else _epoch(learn, measure, hooks, epoch, done)
            hooks.on_epoch_end(epoch, logs)
            if model.stop_training:
                break
    finally:
        if several:
            several.settle()
    model.optimizer.finalize_variable_values(model.trainable_variables)
    hooks.on_train_end(logs)
    return model.history.history


def _epoch(
    learn: Execution, measure: Execution, hooks: keras.callbacks.CallbackList, epoch: int, done: int
) -> dict[str, float]:
    """Train on every batch once, measure on the validation batches, and return the logs of both.

    Args:
        learn: Runs the training steps.
        measure: Runs the validation steps.
        hooks: The callbacks.
        epoch: Counted from 0.
        done: Steps of the epoch that were made before; the metrics hold what came of them.
    """
    logs = {name: float(np.asarray(value)) for name, value in hooks.model.get_metrics_result().items()} if done else {}
    if done < learn.batches.steps:
        hooks.on_train_batch_begin(done)
    for _, now, logs in learn.epoch(epoch, done):
        hooks.on_train_batch_end(now - 1, logs)
        if hooks.model.stop_training:
            break
        if now < learn.batches.steps:
            hooks.on_train_batch_begin(now)

    measured: dict[str, float] = {}
    hooks.on_test_begin()
    hooks.model.reset_metrics()
    for _, done, measured in measure.epoch():
        hooks.on_test_batch_end(done - 1, measured)
    hooks.on_test_end(measured)
    return {**logs, **{f"val_{name}": value for name, value in measured.items()}}
