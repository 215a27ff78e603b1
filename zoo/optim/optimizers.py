"""Keras optimizers from the `optimizer` section of a config. Rprop, which Keras lacks, is in `zoo.optim.rprop`."""

import keras

from zoo.config import BadInput, Optimizer, named
from zoo.optim.rprop import Rprop


def build(
    optimizer: Optimizer, learning_rate: float | keras.optimizers.schedules.LearningRateSchedule
) -> keras.optimizers.Optimizer:
    """Build the optimizer of a config section.

    Args:
        optimizer: The class and its arguments, under Keras's names. What every optimizer of Keras takes (clipping,
            weight decay, accumulation, averaging) may stand there switched off for a class that does not take it.
        learning_rate: A constant, or what `zoo.optim.schedules.build` returned. It replaces `optimizer.learning_rate`.

    Returns:
        The optimizer, without variables yet.

    Raises:
        BadInput: There is no such class, it takes no such argument or refuses a value, or it takes no schedule.
    """
    found = named.find(optimizer.class_name, keras.optimizers, keras.optimizers.Optimizer, "optimizer.class_name")
    scheduled = isinstance(learning_rate, keras.optimizers.schedules.LearningRateSchedule)
    if scheduled and issubclass(found, Rprop):
        raise BadInput(
            f"optimizer={optimizer.name} adapts the step of each weight by itself, and learning_rate is only where the "
            "steps start: a schedule would change nothing. Use schedule=constant."
        )
    arguments = optimizer.options("name", "class_name", "full_batch", "learning_rate")
    accepted = named.argument_names(found) or set(arguments)
    unused = {key for key, value in arguments.items() if key not in accepted and (value is None or value is False)}
    if not optimizer.use_ema and "ema_momentum" not in accepted:
        unused.add("ema_momentum")
    arguments = {key: value for key, value in arguments.items() if key not in unused}
    arguments["learning_rate"] = learning_rate if scheduled else float(learning_rate)
    return named.call(found, arguments, "optimizer")
