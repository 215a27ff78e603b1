"""The zoo, as `python train.py` runs it from the first line to the last step: see zoo/run.py."""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import zoo
from benchmarks.peers.clock import Clock, keras_callback
from zoo import data, quiet, terminal, tracking
from zoo import run as run_of_zoo
from zoo.config import Config
from zoo.start import naming
from zoo.training import batches


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Train with the zoo's own loops, with progress on.

    Args:
        spec: `words` for `zoo.compose`; `checkpoints`: whether they are saved; `watch_epochs`: whether a callback
            times the training part of each epoch (without it the zoo may run several short epochs in one call);
            `valid`: how much of the validation split to keep.
    """
    began = time.perf_counter()
    config = zoo.compose(*spec["words"])
    console = terminal.console()
    with terminal.messages(console):
        splits = load(config, spec.get("valid"))
        loaded = time.perf_counter()
        store = tracking.connect(config.tracking, config.model.name)
        connected = time.perf_counter()
        quiet.import_tensorflow()
        from zoo.training import setup
        from zoo.training.checkpoint_files import CheckpointFolder
        from zoo.training.interruption import Interruption
        from zoo.training.train import train

        imported = time.perf_counter()
        model = setup.build(config, splits)
        built = time.perf_counter()

        record = store.start(naming.name(config))
        record.log_params(config.tree())
        opened = time.perf_counter()
        learn = batches.training(splits, config)
        units = learn.rows * learn.units
        del learn
        clock = Clock(units)
        metrics = 0

        def write(values: Mapping[str, float], step: int) -> None:
            nonlocal metrics
            record.log_metrics(values, step)
            metrics += len(values)

        watching = [keras_callback(clock, ends=False)] if spec.get("watch_epochs", True) else []
        with (
            Interruption() as interruption,
            tracking.Thinned(write, config.epochs, config.tracking.every) as thinned,
            tempfile.TemporaryDirectory(dir=Path.cwd()) as folder,
        ):

            def log(values: dict[str, float], step: int) -> None:
                thinned(values, step)
                clock.epoch_ends()

            training = train(
                model,
                splits,
                config,
                log=log,
                console=console,
                check_interrupt=interruption.check,
                checkpoints=CheckpointFolder(Path(folder)) if spec.get("checkpoints", True) else None,
                user_callbacks=watching,
            )
        trained = time.perf_counter()
        record.finish("FINISHED")
        finished = time.perf_counter() - trained
    if training.outcome != "completed" or len(training.history["loss"]) != config.epochs:
        raise RuntimeError(f"Not all epochs were trained: {training.outcome}. {training.reason}")
    values: dict[str, Any] = clock.values()
    epochs = len(training.history["loss"])
    return {
        "data_seconds": loaded - began,
        "tracking_seconds": connected - loaded + opened - built,
        "import_seconds": imported - connected,
        "build_seconds": built - imported,
        **values,
        # What is still to be written after the last step belongs to the epochs that it tells of.
        "recorded_seconds_per_epoch": values["seconds_per_epoch"] + finished / epochs,
        "metrics_per_epoch": metrics / epochs,
        "losses": training.history["loss"],
    }


def load(config: Config, valid: int | None = None) -> data.Splits:
    """Load the data of a config.

    Args:
        config: The run's.
        valid: Rows or tokens of the validation split to keep; all, if left out.
    """
    splits = run_of_zoo.load(config)
    if valid is None:
        return splits
    kept = splits.valid
    return replace(splits, valid=data.Split(kept.x[:valid], None if kept.y is None else kept.y[:valid]))
