"""Stacks of recurrent layers, over text or over sequences of numbers: `rnn`, `gru` and `lstm`."""

from typing import Literal

import keras

from zoo.data.spec import Spec
from zoo.layers.recurrent import GRU, LSTM, SimpleRNN
from zoo.layers.softmax import TiedEmbedding
from zoo.models import heads


def build(
    spec: Spec,
    *,
    output: heads.Output,
    cell: Literal["rnn", "gru", "lstm"],
    vocab_size: int,
    embedding: int,
    units: int,
    layers: int,
    dropout: float = 0.0,
    tied_weights: bool = False,
    predict: Literal["every", "last"] = "every",
    carry_state: bool | None = None,
    unit_forget_bias: bool = True,
) -> keras.Model:
    """Build an embedding, a stack of recurrent layers and a softmax over the vocabulary.

    Sequences of numbers need neither embedding nor softmax: there the stack reads them as they are, and one linear
    layer makes a value of what it has come to after the last step.

    Args:
        spec: What the data is; the input is int32 [batch, time] of token ids, or float32 [batch, time, features], with
            any number of time steps. The vocabulary has `spec.classes` words (`vocab_size` capped by the text). With
            `spec.batch_size` the layers are stateful: their state goes on from batch to batch until it is reset.
        output: Logits or probabilities; of sequences, values.
        cell: Kind of recurrent layer.
        vocab_size: What was asked for; `spec.classes` is what the text gives.
        embedding: Size of a word's vector; as `vocab_size` and `tied_weights`, of text alone.
        units: Of each recurrent layer.
        layers: Number of recurrent layers.
        dropout: On the embedding and on each layer's output, none on the recurrence (Zaremba et al. 2014).
        tied_weights: Reuse the embedding's matrix as the softmax's; a projection to the embedding's size comes
            before it where the sizes differ (Inan et al. 2017; Press & Wolf 2017).
        predict: The next token at `every` position, [batch, time, vocabulary], or after the `last` alone,
            [batch, vocabulary]. Of a sequence, always after the last.
        carry_state: Decided by the caller, through `spec.batch_size`.
        unit_forget_bias: Add 1 to the initial bias of an LSTM's forget gate.

    Returns:
        A model with layers `embedding` (of text), `lstm_1`, `lstm_2`, ... and `output`.
    """
    del vocab_size, carry_state  # settled in spec
    stateful = spec.batch_size is not None
    if spec.kind == "sequences":
        features = inputs = keras.Input((None, spec.shape[-1]), name="inputs")
        predict, tied_weights = "last", False
    else:
        inputs = keras.Input(batch_shape=(spec.batch_size, None), dtype="int32", name="inputs")
        if tied_weights:
            table = TiedEmbedding(spec.classes, embedding, product_dtype=heads.product_dtype(), name="embedding")
        else:
            table = keras.layers.Embedding(spec.classes, embedding, name="embedding")
        features = table(inputs)
        if dropout:
            features = keras.layers.Dropout(dropout, name="dropout_0")(features)
    for depth in range(1, layers + 1):
        features = _recurrent(
            cell,
            units,
            unit_forget_bias,
            return_sequences=predict == "every" or depth < layers,
            stateful=stateful,
            name=f"{cell}_{depth}",
        )(features)
        if dropout:
            features = keras.layers.Dropout(dropout, name=f"dropout_{depth}")(features)
    if tied_weights:
        if units != embedding:
            features = keras.layers.Dense(embedding, use_bias=False, name="projection")(features)
        logits = table(features, reverse=True)
        outputs = keras.layers.Activation(heads.activation(spec, output), dtype="float32", name="output")(logits)
    else:
        outputs = heads.dense(spec, output)(features)
    return keras.Model(inputs, outputs)


def _recurrent(cell: str, units: int, unit_forget_bias: bool, **options: object) -> keras.layers.Layer:
    if cell == "lstm":
        return LSTM(units, unit_forget_bias=unit_forget_bias, **options)
    return {"gru": GRU, "rnn": SimpleRNN}[cell](units, **options)
