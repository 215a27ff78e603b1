"""What every model ends in: the layer that turns features into logits, probabilities or values."""

from typing import Literal

import keras

from zoo.data.spec import Spec
from zoo.layers.softmax import Logits

Output = Literal["logits", "probabilities", "values"]


def width(spec: Spec, output: Output) -> int:
    """Return the number of outputs: one for a 0/1 target or a value, else one per class."""
    return 1 if spec.target == "binary" or output == "values" else spec.classes


def activation(spec: Spec, output: Output) -> str:
    """Return the output activation: none for logits and values, else sigmoid or softmax."""
    if output != "probabilities":
        return "linear"
    return "sigmoid" if width(spec, output) == 1 else "softmax"


def product_dtype() -> str:
    """Return what the product with a vocabulary is computed in under the global precision: bfloat16, or float32."""
    return "bfloat16" if keras.config.dtype_policy().compute_dtype == "bfloat16" else "float32"


def dense(spec: Spec, output: Output, **options: object) -> keras.layers.Dense:
    """Return the output layer, in float32 also under mixed precision (a bfloat16 softmax loses digits)."""
    if spec.target == "tokens" and output == "logits":
        return Logits(width(spec, output), product_dtype=product_dtype(), name="output", **options)
    return keras.layers.Dense(
        width(spec, output), activation=activation(spec, output), dtype="float32", name="output", **options
    )
