"""A network with a feedback path: activations return to an earlier layer until they settle."""

from collections.abc import Sequence

import keras

from zoo.data.spec import Spec
from zoo.layers.feedback import FeedbackCell
from zoo.models import heads


def build(
    spec: Spec,
    *,
    output: heads.Output,
    hidden: Sequence[int],
    activation: str = "sigmoid",
    iterations: int = 5,
    feedback_from: str = "output",
    feedback_to: str = "hidden_1",
) -> keras.Model:
    """Build a fully connected network that is run `iterations` times on the same input, fed by its own activations.

    In iteration t, layer `feedback_to` computes f(W x + b + F a[t-1]), where a[t-1] is the activation of
    `feedback_from` in the iteration before and a[0] = 0. The output is read after the last iteration, and the
    gradient runs back through all of them (Rumelhart, Hinton & Williams 1986, "Recurrent nets": a recurrent net with
    a constant input, unfolded over a fixed number of steps, is a feedforward net with shared weights).

    Of a sequence, iteration t reads step t, so that there are as many as the sequence has steps: see
    `zoo.layers.FeedbackCell`. A vector is the sequence of `iterations` steps that are all alike.

    Args:
        spec: What the data is; the input is float32 [batch, features], or [batch, time, features] with any number of
            time steps.
        output: What the network puts out: logits or probabilities, of a sequence values. Logits are fed back through
            the output's activation, so that what returns is bounded; values as they are.
        hidden: Units of each hidden layer, at least one.
        activation: Of the hidden layers.
        iterations: How often the network is run on a vector.
        feedback_from: The layer whose activation returns: `output`, `hidden_1`, ...
        feedback_to: The layer that receives it, not later than `feedback_from`; zoo.config checks both names.
    """
    if spec.kind == "sequences":
        sequences = keras.Input((None, spec.shape[-1]), name="inputs")
        step = FeedbackCell(hidden, heads.width(spec, output), activation, feedback_from, feedback_to, name="step")
        return keras.Model(sequences, keras.layers.RNN(step, name="network")(sequences))
    names = [f"hidden_{depth}" for depth in range(1, len(hidden) + 1)]
    layers = [keras.layers.Dense(units, name=name) for name, units in zip(names, hidden, strict=True)]
    readout = keras.layers.Dense(heads.width(spec, output), dtype="float32", name="output")
    squash = keras.layers.Activation(heads.activation(spec, "probabilities"), dtype="float32", name="probabilities")
    feedback = keras.layers.Dense(hidden[names.index(feedback_to)], use_bias=False, name="feedback")

    inputs = keras.Input(spec.shape, name="inputs")
    returned = None
    for iteration in range(1, iterations + 1):
        features = inputs
        activations = {}
        for layer in layers:
            features = layer(features)
            if layer.name == feedback_to and returned is not None:
                features = keras.layers.Add(name=f"add_{iteration}")([features, feedback(returned)])
            features = keras.layers.Activation(activation, name=f"{layer.name}_{activation}_{iteration}")(features)
            activations[layer.name] = features
        logits = readout(features)
        activations["output"] = squash(logits)
        returned = activations[feedback_from]
    return keras.Model(inputs, logits if output == "logits" else activations["output"])
