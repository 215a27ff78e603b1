"""How much memory a training takes, estimated before it begins: the system would kill what takes too much."""

import keras
import psutil
import tensorflow as tf

from zoo.config import BadInput, Config
from zoo.training.batches import Batches
from zoo.training.ending import out_of_memory

_SLOTS = {"adam": 2, "adamw": 2, "nadam": 2, "lamb": 2, "adamax": 2, "adadelta": 2, "rprop": 2, "sgd": 0}


def estimate(model: keras.Model, config: Config, learn: Batches) -> float:
    """Return about how many bytes a training takes beside its data.

    The weights are held with their gradients, the optimizer's state, the best ones and a copy; the activations of a
    batch about three times.

    Args:
        model: With its weights.
        config: The run's.
        learn: The training batches.
    """
    copies = 4 + _SLOTS.get(config.optimizer.name, 1) + config.optimizer.use_ema
    return 4.0 * (copies * model.count_params() + 3 * _activations(model, learn))


def check(model: keras.Model, config: Config, learn: Batches) -> None:
    """Refuse a training that cannot fit into the memory that is free; on a GPU, TensorFlow itself says so.

    Asked for is the least that it takes beside the weights, which are there: gradients, the optimizer's state, and the
    activations of one batch, once. Where that is more than is free, the system would kill this or another program.

    Args:
        model: With its weights.
        config: The run's.
        learn: The training batches.

    Raises:
        BadInput: It cannot fit.
    """
    if tf.config.list_physical_devices("GPU"):
        return
    copies = 1 + _SLOTS.get(config.optimizer.name, 1)
    needed = 4.0 * (copies * model.count_params() + _activations(model, learn))
    free = psutil.virtual_memory().available + psutil.swap_memory().free
    if needed > free:
        numbers = f"It takes {needed / 1e9:,.1f} GB or more, and {free / 1e9:,.1f} are free."
        raise BadInput(f"{out_of_memory(config)} {numbers}")


def _activations(model: keras.Model, learn: Batches) -> int:
    widths = sum(int(layer.output.shape[-1] or 1) for layer in model.layers if hasattr(layer, "output"))
    return learn.batch_size * learn.passes * widths
