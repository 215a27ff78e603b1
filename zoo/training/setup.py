"""From a config to a model that is ready to train: seeded, built, with its initial weights, compiled."""

import contextlib
import logging
import os
from dataclasses import replace

import keras
import tensorflow as tf

from zoo.config import Config
from zoo.data import Spec, Splits
from zoo.models import building
from zoo.optim import initializers, optimizers, schedules
from zoo.training import batches, losses
from zoo.training.transfer import freeze

log = logging.getLogger(__name__)


def build(config: Config, splits: Splits, parts: int = 1) -> keras.Model:
    """Seed everything and return the model with its initial weights, a function of (seed, layer name).

    Args:
        config: The run's.
        splits: The data; where recurrent state is carried, its size bounds the batch size.
        parts: Into how many each batch is cut, one for each of the devices that share it.

    Raises:
        BadInput: The builder, the model's output or the optimizer's arguments are not as they should be.
    """
    keras.utils.clear_session()
    keras.utils.set_random_seed(config.seed)
    if config.deterministic:
        pin()
    spec = splits.spec
    if config.model.carries_state:
        spec = replace(spec, batch_size=batches.batch_size(splits.train, config) // parts)
    model = building.build(config.model, spec, config.precision, config.data.augment)
    initializers.initialize(model, config.init, config.seed)
    freeze(model, config.freeze)
    losses.check_output(model, spec, config)
    optimizers.build(config.optimizer, config.optimizer.learning_rate)  # refuses what its class does not take
    return model


def pin() -> None:
    """Fix what the last bits depend on besides the seed: kernels without races, and the number of threads."""
    tf.config.experimental.enable_op_determinism()
    with contextlib.suppress(RuntimeError):  # TensorFlow has started; its threads are what they are
        tf.config.threading.set_intra_op_parallelism_threads(os.cpu_count() or 1)
        tf.config.threading.set_inter_op_parallelism_threads(1)


def compile_model(
    model: keras.Model,
    spec: Spec,
    config: Config,
    *,
    steps_per_epoch: int,
    jit: bool,
    steps_per_execution: int = 1,
) -> None:
    """Give a model its loss, metrics and optimizer, the same for both loops."""
    rate = schedules.build(config.schedule, config.optimizer.learning_rate, config.epochs, steps_per_epoch)
    model.compile(
        optimizer=optimizers.build(config.optimizer, rate),
        loss=losses.loss(spec, config, compiled=compiles_parts(model, config, jit)),
        metrics=losses.metrics(spec, config),
        jit_compile=jit,
        steps_per_execution=steps_per_execution,
    )


def choose_jit(model: keras.Model, config: Config) -> bool:
    """Return whether to compile with XLA: what was asked for, else yes where it pays.

    On a CPU with two cores, 784-256-10 at batch size 64 trains on 98,000 examples a second with XLA and on 29,000
    without; with dropout on 5,000 and 39,000, because XLA draws random numbers slowly there. Recurrent layers gain
    nothing, and an unrolled one compiles for most of a minute; on a GPU, XLA would keep them from cuDNN.
    """
    if config.deterministic:
        if config.loop.jit:
            log.warning("loop.jit=true has no effect beside deterministic=true, under which Keras does not use XLA.")
        return False
    if config.loop.name == "by_hand" or config.strategy.name != "none":
        return False
    if config.loop.jit is not None:
        return config.loop.jit
    layers = model._flatten_layers(include_self=False, recursive=True)
    return not any(isinstance(layer, keras.layers.RNN) or hasattr(layer, "seed_generator") for layer in layers)


def compiles_parts(model: keras.Model, config: Config, jit: bool) -> bool:
    """Return whether to compile parts of a step with XLA: of a large model's that is not compiled as a whole."""
    large = model.count_params() > 1_000_000
    return large and not jit and config.loop.jit is None and not config.deterministic


def choose_fused(model: keras.Model, config: Config, jit: bool) -> bool:
    """Return whether to compile the optimizer alone with XLA.

    Adam takes 22 ms for the 4.8 million weights of the default language model on two cores, and 6 ms so. It has to be
    an optimizer of element-wise operations: XLA's matrix products are slow on a CPU, and an optimizer of the user's may
    hold what XLA cannot compile.
    """
    inner = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    known = type(inner).__module__.startswith(("keras.", "zoo.")) and not isinstance(inner, keras.optimizers.Muon)
    return known and compiles_parts(model, config, jit)


def operations(model: keras.Model, rows: batches.Batches, count: int) -> float:
    """Return about how many floating point operations it takes to train on some rows.

    They are six for each parameter and row, or each time step of a row: a multiplication and an addition forward, two
    of each backward.
    """
    return 6.0 * model.count_params() * count * rows.passes
