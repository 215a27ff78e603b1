"""TensorFlow's strategies for sharing the steps of a training, started before anything else of TensorFlow's is."""

import os
from collections.abc import Callable

import tensorflow as tf

from zoo.config import BadInput, Config
from zoo.training import setup
from zoo.training.sharing.sharing import Sharing
from zoo.training.sharing.workers import VARIABLE, Workers

_of_process: dict[tuple[object, ...], tf.distribute.Strategy] = {}


def start(config: Config, workers: Workers | None) -> Sharing | None:
    """Return who shares the steps of a training, or None where one device does all of them.

    Args:
        config: The run's.
        workers: The processes of strategy=multiworker, which have met.

    Raises:
        BadInput: There are not enough devices, or TensorFlow has started before, without them.
    """
    name = config.strategy.name
    if name == "none" or config.dry_run:
        return None
    if config.deterministic:
        setup.pin()  # as long as TensorFlow has not started its threads
    if name == "mirrored":
        devices = _devices(config.strategy.devices)
        return Sharing(_once((name, *devices), lambda: tf.distribute.MirroredStrategy(devices)))
    return Sharing(_once((name, os.environ[VARIABLE]), _connected), workers)


def devices() -> str:
    """Return which devices of this process take a part of each batch, in words."""
    gpus = len(tf.config.list_physical_devices("GPU"))
    return f"{gpus} GPU{'s' * (gpus > 1)}" if gpus else "a CPU"


def _once(key: tuple[object, ...], make: Callable[[], tf.distribute.Strategy]) -> tf.distribute.Strategy:
    if key not in _of_process:
        _of_process[key] = make()
    return _of_process[key]


def _connected() -> tf.distribute.Strategy:
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except RuntimeError as error:  # operations have run in this process
        raise BadInput(
            "strategy=multiworker has to be the first that a process does with TensorFlow. Start a new process. "
            f"({str(error).partition(chr(10))[0]})"
        ) from None


def _devices(asked: int | None) -> list[str]:
    """Return the names of the devices that strategy=mirrored is to use."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        if len(gpus) < (asked or 2):
            raise BadInput(
                f"strategy=mirrored needs {asked or 'at least 2'} devices, and TensorFlow sees {len(gpus)} "
                f"GPU{'s' * (len(gpus) > 1)}. Use strategy=none."
            )
        return [f"GPU:{index}" for index in range(asked or len(gpus))]
    if asked is None:
        raise BadInput(
            "strategy=mirrored shares each batch out to several GPUs, and TensorFlow sees none. Use strategy=none; "
            "strategy.devices=2 makes two virtual devices of the CPU, to try it out."
        )
    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * asked)
        found = len(tf.config.list_logical_devices("CPU"))
    except RuntimeError:  # TensorFlow has started
        found = len(tf.config.list_logical_devices("CPU"))
    if found < asked:
        raise BadInput(
            f"strategy.devices={asked} makes virtual devices of the CPU before TensorFlow starts, and in this process "
            f"it has, with {found}. Start a new process."
        )
    return [f"CPU:{index}" for index in range(asked)]
