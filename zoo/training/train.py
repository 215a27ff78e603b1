"""One training from a built model to its best weights: compile, drive by fit or tape, say why it ended."""

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console

from zoo.config import Config
from zoo.data import Splits
from zoo.models import building
from zoo.optim import schedules
from zoo.results.trials import rises
from zoo.training import batches, callbacks, evaluation, fit, likelihood, losses, progress, pruning, tape
from zoo.training.checkpoint_files import CheckpointFolder
from zoo.training.checkpoints import Saver, position
from zoo.training.ending import Judge, ProcessLost, Training, reason
from zoo.training.interruption import Interrupted
from zoo.training.program import Program
from zoo.training.setup import compile_model
from zoo.training.state import State

_messages = logging.getLogger(__name__)


def train(
    model: keras.Model,
    splits: Splits,
    config: Config,
    *,
    log: Callable[[dict[str, float], int], None],
    console: Console,
    check_interrupt: Callable[[], None],
    checkpoints: CheckpointFolder | None = None,
    user_callbacks: Sequence[keras.callbacks.Callback] = (),
    program: Program | None = None,
    judge: Judge | None = None,
) -> Training:
    """Train a built model as the config says.

    Args:
        model: Built, with its initial weights.
        splits: What to learn from and to validate on.
        config: The run's.
        log: Receives the metrics of each epoch and the optimizer's step.
        console: Shows the progress.
        check_interrupt: Raises `Interrupted` when an end was asked for.
        checkpoints: Where the state is saved; if there is one already, the training goes on from it. None: nowhere.
        user_callbacks: The user's own.
        program: Of the model, if it has one already.
        judge: Says after each epoch whether the run has no hope; None: nobody does.
    """
    if program is None:
        learn, measure = batches.training(splits, config), batches.evaluation(splits.valid, splits, config)
        program = Program(model, splits.spec, config, learn, measure, user_callbacks)
    learn, step = program.learn, program.step
    state = State(model, step.gradients, program.sharing)

    per_character = losses.is_per_character(splits.spec, config)
    record = callbacks.EpochRecord(learn, state, losses.is_likelihood(splits.spec, config), per_character)
    best = callbacks.KeepBest(config.monitored, state)
    early = _early_stopping(config)
    target = callbacks.StopAtTarget(config.stop.metric, config.stop.value) if config.stop.metric else None  # type: ignore[arg-type]
    prune = pruning.Prune(config.monitored, judge) if judge else None
    bar = progress.ProgressBar(learn, config.epochs, console)
    averages = keras.callbacks.SwapEMAWeights(swap_on_epoch=True) if config.optimizer.use_ema else None
    plateau = schedules.plateau_callback(config.schedule, config.monitored)
    report = callbacks.Report(log, state)
    if program.sharing and config.resume is not None and checkpoints:
        program.sharing.hand_over(checkpoints.folder)
    saved = checkpoints.load() if checkpoints else None
    remembering = [record, best, *(hook for hook in (early, plateau, target, averages) if hook), *user_callbacks]
    sharing = program.sharing
    check = functools.partial(sharing.check, check_interrupt) if sharing else check_interrupt
    is_chief = sharing is None or sharing.index == 0
    saver = Saver(checkpoints if is_chief else None, config, state, report, best, remembering, check, saved)
    hooks = [
        callbacks.ResetStates(),
        averages,
        record,
        callbacks.Guard(state),
        plateau,
        best,
        early,
        target,
        prune,
        *user_callbacks,
        report,
        saver,
        bar,
    ]
    drive = fit.train
    if config.loop.name != "fit":
        # These look at the model itself, or change what the next epoch does; processes end together behind one step.
        live = (
            sharing
            or user_callbacks
            or config.optimizer.use_ema
            or config.schedule.name == "plateau"
            or config.loop.steps_per_execution
        )
        drive = functools.partial(tape.train, state=None if live else state)
    result = Training("completed", reason("completed", config), config.monitored)
    try:
        if saver.take_result(model):
            result.reason = reason("completed", config, len(record.norms))
        else:
            epoch, done = position(saved)
            if saved and epoch < config.epochs:
                behind = f" behind step {done:,} of {learn.steps:,}" if done else ""
                _messages.info(f"It goes on in epoch {epoch + 1:,}{behind}.")
            drive(program, epochs=config.epochs, callbacks=[hook for hook in hooks if hook], begin=(epoch, done))
        if target and target.epoch:
            result.outcome = "target_reached"
            result.target_epoch = target.epoch
            result.reason = reason("target_reached", config, target.epoch)
        elif early and early.stopped_epoch:
            result.outcome = "early_stopped"
            result.reason = reason("early_stopped", config)
        elif prune and prune.reason:
            result.outcome, result.reason = "pruned", prune.reason
        elif (done := len(record.norms)) < config.epochs:
            result.outcome = "early_stopped"
            result.reason = f"A callback ended the training after epoch {done:,}."
    except callbacks.Diverged as error:
        result.outcome, result.reason = "diverged", str(error)
    except Interrupted as error:
        result.outcome, result.reason, result.signal = "interrupted", str(error), error.number
    except tf.errors.OpError as error:
        if sharing is None or (lost := sharing.lost(error)) is None:
            raise
        if (fault := state.fault()) is None:
            raise ProcessLost(lost) from error
        result.outcome, result.reason = "diverged", f"{fault[0].upper()}{fault[1:]}."  # the others saw it first
    finally:
        bar.close()
    result.seconds, result.seconds_before = saver.seconds, saver.seconds_before
    result.history = report.history
    result.best, result.best_weights = best.logs, best.weights
    result.layers = step.gradients.layers
    result.norms = np.array(record.norms, np.float32).reshape(len(record.norms), len(result.layers))
    return result


def _early_stopping(config: Config) -> keras.callbacks.EarlyStopping | None:
    if config.early_stopping.patience is None:
        return None
    metric = config.early_stopping.metric or config.monitored
    return keras.callbacks.EarlyStopping(
        monitor=metric,
        patience=config.early_stopping.patience,
        min_delta=config.early_stopping.min_delta,
        mode="max" if rises(metric) else "min",
    )


def test(weights: list[np.ndarray], splits: Splits, config: Config) -> dict[str, float]:
    """Return loss and metrics of given weights on the test split.

    Args:
        weights: As `model.get_weights()` gave them.
        splits: The data.
        config: The run's.
    """
    parts = batches.whole(splits.test, splits, config)
    spec = replace(splits.spec, batch_size=1 if config.model.carries_state else None)
    model = building.build(config.model, spec, config.precision)
    model.set_weights(weights)
    compile_model(model, splits.spec, config, steps_per_epoch=1, jit=False)
    logs = evaluation.evaluate(model, parts, jit=False)
    is_likelihood = losses.is_likelihood(splits.spec, config)
    likelihood.complete(logs, is_likelihood=is_likelihood, per_character=losses.is_per_character(splits.spec, config))
    return logs
