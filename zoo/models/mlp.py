"""Fully connected networks: `linear`, `xor_mlp` and `mnist_fcn`."""

from collections.abc import Sequence

import keras

from zoo.data.spec import Spec
from zoo.models import heads


def build(
    spec: Spec,
    *,
    output: heads.Output,
    hidden: Sequence[int],
    activation: str = "linear",
    dropout: float = 0.0,
    input_dropout: float = 0.0,
    batch_normalization: bool = False,
    max_norm: float | None = None,
    l2: float = 0.0,
) -> keras.Model:
    """Build a fully connected network.

    Args:
        spec: What the data is; the input is float32 [batch, features].
        output: What the network puts out. One unit for a 0/1 target or a value, else one per class.
        hidden: Units of each hidden layer; an empty list gives a single linear layer.
        activation: Of the hidden layers.
        dropout: Share of each hidden layer's outputs set to zero in training (Srivastava et al. 2014).
        input_dropout: Likewise of the inputs; the same paper drops a fifth of the pixels of a digit.
        batch_normalization: Normalize each hidden layer before its activation (Ioffe & Szegedy 2015).
        max_norm: Upper bound on the norm of a hidden unit's incoming weights (Srivastava et al. 2014, section 5.1).
        l2: Factor of the squared kernel weights added to the loss, output layer included.

    Returns:
        A model with layers `hidden_1`, `hidden_2`, ... and `output`.
    """
    features = inputs = keras.Input(spec.shape, name="inputs")
    if input_dropout:
        features = keras.layers.Dropout(input_dropout, name="dropout_inputs")(features)
    for depth, units in enumerate(hidden, start=1):
        features = keras.layers.Dense(
            units,
            use_bias=not batch_normalization,  # the normalization's own shift takes the bias's place
            kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
            kernel_constraint=keras.constraints.MaxNorm(max_norm) if max_norm else None,
            name=f"hidden_{depth}",
        )(features)
        if batch_normalization:
            features = keras.layers.BatchNormalization(name=f"normalization_{depth}")(features)
        features = keras.layers.Activation(activation, name=f"{activation}_{depth}")(features)
        if dropout:
            features = keras.layers.Dropout(dropout, name=f"dropout_{depth}")(features)
    outputs = heads.dense(spec, output, kernel_regularizer=keras.regularizers.L2(l2) if l2 else None)(features)
    return keras.Model(inputs, outputs)
