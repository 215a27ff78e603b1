"""Initial weights that depend on the seed and on where a weight is, and on nothing else.

So a layer starts from the same weights whatever other layers the model has, and two weights never share a draw.
"""

import contextlib
import hashlib
import logging
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from zoo.config import Init, named

_log = logging.getLogger(__name__)
_SEED_STATE = "seed_generator_state"
_UNNAMED = re.compile(r"variable(_\d+)?")  # what Keras calls a weight without a name, numbered through the process
_DRAWS_NOTHING = (keras.initializers.Zeros, keras.initializers.Ones, keras.initializers.Constant)


def initialize(model: keras.Model, init: Init, seed: int) -> None:
    """Draw every weight of a built model anew, as a function of `seed` and the weight's path.

    The path is the names of the layers around a weight, and its own: `lstm_1/cell/kernel`. A layer that is an attribute
    of another goes by the attribute's name. Name all others yourself, because Keras numbers unnamed ones through the
    whole process. What the weights were before makes no difference, so a model can be initialized again for another
    seed; weights that were loaded into it are lost.

    - Kernels, recurrent kernels and embeddings, as far as `init.apply_to` names them, come from `init`'s initializer.
    - All others come from their layer's own (`kernel_initializer` and so on), freshly seeded.
    - Biases start at `init.bias` if it is given. As under Keras's own `bias_initializer`, the forget gate of an LSTM
      with `unit_forget_bias=True` starts at 1 all the same.
    - A trainable weight whose layer keeps no initializer for it is copied from a twin of the layer, built under a seed
      of its own. Where no twin can be built it stays, and a warning says so.
    - What is not trainable and has no initializer stays: recurrent states, adapted statistics.
    - Random layers such as dropout start their sequence of masks from `seed` and the layer's path.

    Everything is drawn on the CPU, so that a GPU starts from the same bits. The global random generators are left
    alone, unless a layer or an initializer of the user's draws from them: then they stand at `seed` afterwards.

    Args:
        model: A built model. Nested models, wrapped layers and cells are reached too, shared ones once.
        init: The config section.
        seed: Of the run.

    Raises:
        BadInput: There is no such initializer, or it refuses an argument or a shape.
    """
    chosen = None
    if init.class_name is not None:
        chosen = named.find(init.class_name, keras.initializers, keras.initializers.Initializer, "init.class_name")
    with tf.device("CPU:0"):
        for path, variable, layer in _variables(model):
            key = derive(seed, path)
            if variable.name == _SEED_STATE:
                variable.assign([key, 0])
            elif (initializer := _initializer(variable, layer, init, chosen)) is not None:
                variable.assign(_draw(initializer, variable, layer, key, seed))
            elif variable.trainable:
                _copy_from_twin(variable, layer, key, seed)


def derive(seed: int, path: str) -> int:
    """Return the seed of a path: 63 bits of the SHA-256 of both, so that neighbouring seeds have nothing in common."""
    digest = hashlib.sha256(f"{seed}:{path}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def role(name: str) -> str | None:
    """Return what a weight is, by its name: `kernel`, `recurrent_kernel`, `embeddings`, `bias`, or None."""
    for kind in ("recurrent_kernel", "kernel", "embeddings", "bias"):
        if name == kind or name.endswith(f"_{kind}"):
            return kind
    return None


def _variables(model: keras.Model) -> Iterator[tuple[str, keras.Variable, keras.Layer]]:
    """Yield every variable once, with a path that no other has and the layer that owns it."""
    seen: set[int] = set()
    paths: Counter[str] = Counter()
    for layer_path, layer in _layers(model, ""):
        for index, variable in enumerate(_own_variables(layer)):
            if id(variable) not in seen:
                seen.add(id(variable))
                path = layer_path + (f"variable_{index}" if _UNNAMED.fullmatch(variable.name) else variable.name)
                paths[path] += 1
                yield path if paths[path] == 1 else f"{path}#{paths[path]}", variable, layer


def _layers(layer: keras.Layer, path: str) -> Iterator[tuple[str, keras.Layer]]:
    """Yield a layer and all below it, each with its path; the outermost model's own name is no part of it."""
    yield path, layer
    attributes = {id(value): name for name, value in vars(layer).items()}
    for child in _children(layer):
        yield from _layers(child, f"{path}{attributes.get(id(child), child.name)}/")


def _children(layer: keras.Layer) -> list[keras.Layer]:
    return layer._flatten_layers(include_self=False, recursive=False)


def _own_variables(layer: keras.Layer) -> list[keras.Variable]:
    """Return the variables of a layer without its sublayers', and with the states of its random generators."""
    below = {id(variable) for child in _children(layer) for variable in child.variables}
    return [variable for variable in layer.variables if id(variable) not in below]


def _initializer(variable: keras.Variable, layer: keras.Layer, init: Init, chosen: type | None) -> Any:
    """Return the initializer of a variable: the config's, or else its layer's own, or None."""
    name, kind = variable.name, role(variable.name)
    if kind == "bias" and init.bias is not None:
        return keras.initializers.Constant(init.bias)
    if chosen is not None and kind in init.apply_to:
        made = named.call(chosen, init.options("name", "class_name", "apply_to", "bias"), "init")
        return _for_each_gate(made, layer) if isinstance(made, keras.initializers.Identity) else made
    # Keras calls the initializer of recurrent_kernel recurrent_initializer, and ReversibleEmbedding initializes its
    # reverse_embeddings by embeddings_initializer.
    for stem in (name, name.removesuffix("_kernel"), name.removeprefix("reverse_")):
        own = getattr(layer, f"{stem}_initializer", None)
        if own is not None:
            return keras.initializers.get(own)
    return None


def _draw(initializer: Any, variable: keras.Variable, layer: keras.Layer, key: int, seed: int) -> np.ndarray:
    config = initializer.get_config() if isinstance(initializer, keras.initializers.Initializer) else {}
    if "seed" in config:
        initializer = type(initializer).from_config(config | {"seed": key})
    draws_elsewhere = "seed" not in config and not isinstance(initializer, _DRAWS_NOTHING)
    with _global_seed(key, seed) if draws_elsewhere else contextlib.nullcontext():
        value = np.array(named.call(initializer, {"dtype": variable.dtype}, "init", variable.shape))
    if variable.name == "bias" and getattr(layer, "unit_forget_bias", False):
        value[layer.units : 2 * layer.units] = 1  # gates stand in the order input, forget, cell, output
    return value


def _for_each_gate(identity: keras.initializers.Identity, layer: keras.Layer) -> Any:
    """Return an initializer that sets each gate's block of a kernel to the identity, not the first one's alone."""

    def initialize_gates(shape: tuple[int, ...], dtype: str) -> np.ndarray:
        units = getattr(layer, "units", shape[-1])
        gates = shape[-1] // units if shape[-1] % units == 0 else 1
        block = identity((*shape[:-1], shape[-1] // gates), dtype=dtype)
        return np.tile(block, gates)

    return initialize_gates


def _copy_from_twin(variable: keras.Variable, layer: keras.Layer, key: int, seed: int) -> None:
    """Set a variable to the value that it has in a second copy of its layer, built under the variable's own seed."""
    index = [id(own) for own in _own_variables(layer)].index(id(variable))
    try:
        with _global_seed(key, seed):
            twin = type(layer).from_config(layer.get_config())
            twin.build_from_config(layer.get_build_config())
        variable.assign(_own_variables(twin)[index])
    except Exception as error:  # it is the user's layer that is built here, and it may fail in any way
        _log.warning(
            "The initial value of %s depends on the layers built before it: %s keeps no initializer for it and cannot "
            "be built a second time (%s). Give it an attribute such as kernel_initializer, or a get_config.",
            variable.path,
            type(layer).__name__,
            error,
        )


@contextlib.contextmanager
def _global_seed(inside: int, afterwards: int) -> Iterator[None]:
    keras.utils.set_random_seed(inside % 2**32)
    try:
        yield
    finally:
        keras.utils.set_random_seed(afterwards % 2**32)
