"""From a config's model section to a built Keras model: find the builder, hand it what it takes, check the contract."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import keras

from zoo.config import BadInput, Model, named, nearest
from zoo.data.spec import Spec

BY_CONTRACT = ("output",)  # offered to every builder, taken by those that ask for it


def build(model: Model, spec: Spec, precision: str, augment: Sequence[str] = ()) -> keras.Model:
    """Build a model.

    Args:
        model: The config's model section; its keys become the builder's keyword arguments.
        spec: What the data is.
        precision: Keras's name for what the layers compute in, such as `mixed_bfloat16`.
        augment: Distortions of the training pictures, such as `["shift", "rotate"]`; none in a model to be kept.

    Raises:
        BadInput: The builder can't be found, does not take a key, or does not return a built `keras.Model`.
    """
    builder = named.import_path(model.build, "model.build")
    if not callable(builder):
        raise BadInput(f"model.build={model.build} should name a function. Received: {type(builder).__name__}.")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)  # global in Keras, and so the user's again afterwards
    try:
        built = builder(spec, **_arguments(builder, model))
    finally:
        keras.config.set_dtype_policy(before)
    if not isinstance(built, keras.Model) or not built.built:
        what = "an unbuilt model" if isinstance(built, keras.Model) else type(built).__name__
        raise BadInput(f"model.build={model.build} should return a built keras.Model. Received: {what}.")
    if not augment:
        return built
    from zoo.layers.augment import RandomAffine

    if spec.image_shape is None:
        raise BadInput(f"data.augment={list(augment)} distorts pictures, but this data has none.")
    inputs = keras.Input(spec.shape, name="inputs")
    distorted = RandomAffine(spec.image_shape, shift="shift" in augment, rotate="rotate" in augment)(inputs)
    return keras.Model(inputs, built(distorted))


def _arguments(builder: Callable[..., Any], model: Model) -> dict[str, Any]:
    arguments = model.options("name", "build", "learns", "reads")
    parameters = inspect.signature(builder).parameters
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return arguments
    taken = list(parameters)[1:]  # after spec
    for key in list(arguments):
        if key in taken:
            continue
        if key not in BY_CONTRACT:
            raise BadInput(f"model.build={model.build} takes no '{key}'. {nearest(key, taken)}")
        del arguments[key]
    return arguments
