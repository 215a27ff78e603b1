"""Which runs can be members of a population, and which of them of the same one."""

import json
import math

import keras

from zoo.config import Config

# Their update of a weight looks at nothing but that weight, its gradient and the state kept beside it.
_ELEMENTWISE = ("SGD", "Adam", "AdamW", "Adamax", "Adadelta", "Adagrad", "RMSprop", "Lion", "Ftrl", "Rprop")


def obstacle(config: Config) -> str | None:
    """Return why a run cannot be a member of a population, in words, or None."""
    optimizer = config.optimizer
    if config.data.streaming:
        return "data.streaming reads each run's batches by themselves"
    if config.strategy.name != "none":
        return f"strategy={config.strategy.name} shares out each run's steps"
    if config.data.gives != "vectors":
        return "recurrent layers spend their time in matrix products, step after step"
    if config.loop.name != "tape":
        who = {"fit": "asks for Keras's own loop", "by_hand": "computes outside of TensorFlow"}
        return f"loop={config.loop.name} {who[config.loop.name]}"
    if optimizer.class_name.rpartition(".")[2] not in _ELEMENTWISE:
        return f"the update of {optimizer.class_name} is not elementwise"
    whole = ("clipnorm", "global_clipnorm", "gradient_accumulation_steps")
    if used := [key for key in whole if getattr(optimizer, key)]:
        return f"optimizer.{used[0]} looks at whole gradients"
    if optimizer.use_ema:
        return "optimizer.use_ema averages weights between epochs"
    if config.schedule.name == "plateau":
        return "schedule=plateau follows each run's own metrics"
    if config.model.dropout or config.model.input_dropout or config.data.augment:
        return "random layers draw from a state that cannot be stacked"
    if config.model.max_norm:
        return "model.max_norm looks at whole weights"
    for key in ("callbacks", "deterministic", "dry_run", "init_from", "freeze"):
        if getattr(config, key):
            return f"{key} is about single runs"
    if config.precision == "mixed_float16":
        return "precision=mixed_float16 scales each run's loss"
    if config.loop.steps_per_execution:
        return "loop.steps_per_execution is about single runs"
    if not {config.monitored, config.stop.metric, config.early_stopping.metric} - {None} <= set(config.metric_names):
        return "it watches a metric that only a run of its own can have"
    return None


def obstacle_in(model: keras.Model) -> str | None:
    """Return why a built model cannot be stacked, in words, or None."""
    for layer in model._flatten_layers(include_self=False, recursive=True):
        if hasattr(layer, "seed_generator") or isinstance(layer, keras.layers.RNN):
            return f"layer {layer.name} has a state that cannot be stacked"
    if any(variable.constraint for variable in model.trainable_variables):
        return "a constraint looks at whole weights"
    return None


def same_program(config: Config) -> str:
    """Return what a run shares with those that can be in one population with it."""
    tree = config.tree()
    for key in ("seed", "init", "schedule", "name", "tracking", "data_dir"):
        del tree[key]
    del tree["optimizer"]["learning_rate"]
    tree["rate"] = "constant" if config.schedule.name == "constant" else "one for each step"
    return json.dumps(tree, default=str, sort_keys=True)


def bytes_of(model: keras.Model, config: Config, rows: int, steps: int) -> float:
    """Return about how much memory a member of a population takes, in bytes.

    Weights are held up to eight times (values, gradients, two states of the optimizer, the best ones and copies),
    activations of a batch about three, the logs of all epochs twice, and a rate that changes once for each step, twice
    (here and on the device).

    Args:
        model: That a member is.
        config: Of a member.
        rows: In a batch.
        steps: In an epoch.
    """
    activations = sum(math.prod(layer.output.shape[1:]) for layer in model.layers)
    rates = 0 if config.schedule.name == "constant" else config.epochs * steps
    logs = config.epochs * len(config.metric_names)
    return 4.0 * (8 * model.count_params() + 3 * rows * activations + 2 * rates + 2 * logs)
