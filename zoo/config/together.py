"""Which choices go together: what is wrong with a config whose every value is right in itself."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from zoo.config.counted import said_in_vain
from zoo.config.settled import contradictions
from zoo.config.words import either, nearest, shown

if TYPE_CHECKING:
    from zoo.config.schema import Config

_WITHOUT_CLASSES = {"tokens": "text", "sequences": "a target that is a number"}


def conflicts(config: "Config") -> Iterator[str]:
    """Yield a sentence or two for each pair of choices that do not go together: what is wrong, and what to do."""
    model, data = config.model, config.data
    found = list(contradictions(config))
    if data.gives not in model.kinds:
        kinds = either(model.kinds)
        found = [
            f"model={model.name} reads {kinds}, but data={data.name} gives {data.gives}. "
            f"Choose data that gives {kinds}, or a model that reads {data.gives}."
        ]
    if found:
        yield from found
        return  # whatever else is wrong follows from it
    of_training = () if model.learns == "counting" else (_batches, _loss, _learning_rate)
    for part in (_classes, _folds, *of_training, _metrics, _by_hand, _strategy, _streaming, said_in_vain):
        yield from part(config)


def _classes(config: "Config") -> Iterator[str]:
    model, data = config.model, config.data
    if data.classes is not None and len(set(data.classes)) < max(2, len(data.classes)):
        yield (
            "data.classes should name at least two different classes, such as [0,1]. "
            f"Received: data.classes={shown(data.classes)}."
        )
        return
    count = _class_count(config)
    if model.output == "values" and data.target != "value" and count != 2:
        yield (
            f"model={model.name} puts out one value, but data={data.name} has more than two classes. "
            + ("Keep two of them: data.classes=[0,1]." if "classes" in data.model_fields_set else "Choose other data.")
        )
    if config.class_weight is None:
        return
    if data.gives in _WITHOUT_CLASSES:
        yield f"class_weight does not apply to {_WITHOUT_CLASSES[data.gives]}, which has no classes. Leave it out."
    elif config.class_weight != "balanced" and count not in (None, len(config.class_weight)):
        yield (
            f"class_weight should hold one weight for each of the {count} classes of data={data.name}. "
            f"Received: class_weight={shown(config.class_weight)}."
        )


def _class_count(config: "Config") -> int | None:
    """Return the number of classes as far as the config tells it."""
    data = config.data
    if data.target == "binary":
        return 2
    if data.classes is not None:
        return len(data.classes)
    return data.n_classes if "n_classes" in data.model_fields_set else None


def _folds(config: "Config") -> Iterator[str]:
    data = config.data
    if data.folds is None:
        return
    if data.gives in _WITHOUT_CLASSES:
        yield (
            f"data.folds cuts examples with classes into parts, and {_WITHOUT_CLASSES[data.gives]} has no classes. "
            f"Received: data.folds={data.folds} with data={data.name}. Leave out data.folds and data.fold."
        )
    elif config.is_explicit("data.validation"):
        yield (
            f"data.folds={data.folds} already says what to validate on, one part of {data.folds}. "
            f"Received: data.validation={shown(data.validation)} too. Leave out one of the two."
        )


def _batches(config: "Config") -> Iterator[str]:
    is_full, carries = config.batch_size == "full", config.model.carries_state
    if config.optimizer.full_batch and not (is_full and not carries):
        yield (
            f"optimizer={config.optimizer.name} needs the gradient of the whole training split in each step. "
            f"Received: batch_size={config.batch_size}. Add batch_size=full"
            + (" and model.carry_state=false." if carries else ".")
        )
    elif is_full and carries:
        yield (
            "batch_size=full does not go with recurrent state that is carried across batches, where batch_size is the "
            "number of parallel streams. Give a number, or add model.carry_state=false."
        )


def _loss(config: "Config") -> Iterator[str]:
    loss, model, data = config.loss, config.model, config.data
    if loss == "mse" and model.output == "logits":
        hint = (
            "Add model.output=probabilities." if data.target != "tokens" else "Leave loss out: it is a cross-entropy."
        )
        yield f"loss=mse compares values, but model={model.name} puts out logits. {hint}"
    if loss == "probabilities_as_logits" and (model.output != "probabilities" or data.target == "tokens"):
        yield (
            "loss=probabilities_as_logits shows what it costs to feed probabilities of classes to a loss that expects "
            f"logits. Received: model.output={model.output} and data={data.name}, whose target is "
            f"{data.target}. Add model.output=probabilities and data with classes, or leave loss out."
        )
    if loss.endswith("crossentropy") and model.output == "values":
        yield (
            f"loss={loss} needs logits or probabilities, but model={model.name} puts out unbounded values. "
            "Use loss=mse, or leave it out."
        )
    elif loss.endswith("crossentropy"):
        fitting = "binary_crossentropy" if data.target == "binary" else "categorical_crossentropy"
        if loss != fitting:
            kind = {"binary": "one value of 0 or 1", "classes": "one of several classes", "tokens": "the next token"}
            yield f"loss={loss} does not fit data={data.name}, whose target is {kind[data.target]}. Use loss={fitting}."
    if config.label_smoothing and (loss in ("mse", "probabilities_as_logits") or model.output == "values"):
        yield (
            "label_smoothing goes with a cross-entropy, not with the mean squared error, nor with a mistake. "
            f"Received: label_smoothing={config.label_smoothing:g}. Leave it out, or choose another loss or model."
        )


def _metrics(config: "Config") -> Iterator[str]:
    named = {
        "monitor": config.monitored,
        "stop.metric": config.stop.metric,
        "early_stopping.metric": config.early_stopping.metric,
        "schedule.metric": config.schedule.metric,
    }
    for key, metric in named.items():
        # A callback of the user's may add metrics of its own.
        if metric is not None and metric not in config.metric_names and not config.callbacks:
            yield f"{key} names an unknown metric '{metric}'. {nearest(metric, config.metric_names)}"
    target = config.stop.value
    if target is not None and "accuracy" in (config.stop.metric or "") and not 0 <= target <= 1:
        yield f"An accuracy lies between 0 and 1. Received: stop.value={target:g}."


def _learning_rate(config: "Config") -> Iterator[str]:
    optimizer, schedule = config.optimizer, config.schedule
    if optimizer.adapts_by_itself and schedule.name != "constant":
        yield (
            f"optimizer={optimizer.name} adapts the step of each weight by itself, so that schedule={schedule.name} "
            "would change nothing. Use schedule=constant."
        )
    if "warmup" in schedule.model_fields_set and schedule.warmup >= config.epochs:
        yield (
            "schedule.warmup should be shorter than the training. "
            f"Received: schedule.warmup={schedule.warmup:g}, epochs={config.epochs}."
        )


def _by_hand(config: "Config") -> Iterator[str]:
    if config.loop.name != "by_hand":
        return
    model = config.model
    found = {
        "another model than linear or xor_mlp's": model.build != "zoo.models.mlp.build",
        f"model.activation={model.activation}": model.hidden and model.activation != "sigmoid",
        "more than one output": config.data.target != "binary" and model.output != "values",
        f"model.dropout={model.dropout:g}": model.dropout,
        "model.batch_normalization=true": model.batch_normalization,
        f"model.l2={model.l2:g}": model.l2,
        f"label_smoothing={config.label_smoothing:g}": config.label_smoothing,
        f"class_weight={shown(config.class_weight)}": config.class_weight is not None,
        f"loss={config.loss}": config.loss == "probabilities_as_logits",
        f"precision={config.precision}": config.precision != "float32",
        "loop.jit=true": config.loop.jit,
    }
    wrong = [what for what, is_so in found.items() if is_so]
    if wrong:
        yield (
            "loop=by_hand knows the formulas of sigmoid layers with one output, without dropout, normalization, "
            f"regularization or weights of classes. Received: {', '.join(wrong)}. Use loop=tape."
        )


def _strategy(config: "Config") -> Iterator[str]:
    name = config.strategy.name
    if name == "none":
        return
    found = {
        f"loop={config.loop.name}": config.loop.name == "by_hand",
        f"model={config.model.name}, which is counted": config.model.learns == "counting",
        "loop.jit=true": config.loop.jit,
        "model.batch_normalization=true": config.model.batch_normalization,
        # TensorFlow loses an argument of a recurrent layer's loop inside Keras's own, between collectives.
        f"loop.steps_per_execution={config.loop.steps_per_execution}, of which fit makes one between processes": (
            name == "multiworker" and config.loop.name == "fit" and (config.loop.steps_per_execution or 1) > 1
        ),
    }
    if wrong := [what for what, is_so in found.items() if is_so]:
        yield (
            f"strategy={name} shares out the steps of fit or tape, without XLA around a whole step, and without "
            "normalization by the batch, of which each device would see its own part alone. "
            f"Received: {' and '.join(wrong)}. Leave it out, or use strategy=none."
        )


def _streaming(config: "Config") -> Iterator[str]:
    if not config.data.streaming:
        return
    found = {
        f"loop={config.loop.name}": config.loop.name == "by_hand",
        f"model={config.model.name}, which counts the whole text": config.model.learns == "counting",
        f"data={config.data.name}, which is made up": config.data.gives == "sequences",
    }
    if wrong := [what for what, is_so in found.items() if is_so]:
        yield (
            f"data.streaming=true reads text or examples from files as fit or tape need them. Received: "
            f"{' and '.join(wrong)}. Use data.streaming=false."
        )
