"""Fine-tuning: a model that begins with the weights of another, some of its layers frozen.

Weights go from layer to layer of the same name. Where the vocabulary is another one, words that both know keep their
embeddings and their rows of the softmax; where the classes are others, the output layer begins anew (Yosinski et al.
2014 call the rest transferred features).
"""

import fnmatch
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import keras
import numpy as np

from zoo.config import BadInput, nearest
from zoo.data import Vocabulary

HEAD = "output"


@dataclass
class Transfer:
    """What went from one model to another.

    Attributes:
        whole: Layers whose weights were taken as they were.
        words: By layer, how many rows of words were taken.
        fresh: Layers that keep their initial weights.
    """

    whole: list[str] = field(default_factory=list)
    words: dict[str, int] = field(default_factory=dict)
    fresh: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Say it in a sentence."""
        parts = [*self.whole, *(f"{name} ({count:,} words)" for name, count in self.words.items())]
        fresh = f"; {' and '.join(self.fresh)} begin{'s' * (len(self.fresh) == 1)} anew" if self.fresh else ""
        return f"{', '.join(parts) or 'nothing'}{fresh}"


def transfer(
    source: keras.Model,
    target: keras.Model,
    vocabularies: tuple[Vocabulary, Vocabulary] | None = None,
    *,
    same_classes: bool = True,
) -> Transfer:
    """Give a model the weights of another, as far as they fit.

    Args:
        source: Whose weights are taken.
        target: Whose weights are set.
        vocabularies: Of both, where they read text.
        same_classes: Whether their outputs mean the same; else the output layer of the target stays as it is.

    Returns:
        What was taken.

    Raises:
        BadInput: A layer of the same name has another shape, or nothing fits.
    """
    found = Transfer()
    theirs = {layer.name: layer for layer in layers(source)}
    for layer in layers(target):
        other = theirs.get(layer.name)
        if other is None or (layer.name == HEAD and vocabularies is None and not same_classes):
            found.fresh.append(layer.name)
        elif vocabularies is not None and _is_of_words(layer) and vocabularies[0].tokens != vocabularies[1].tokens:
            found.words[layer.name] = _take_words(other, layer, *vocabularies)
        else:
            _take(other, layer)
            found.whole.append(layer.name)
    if not found.whole and not found.words:
        raise BadInput(
            f"The models have no layer in common: {', '.join(theirs)} and {', '.join(found.fresh)}. Start from a run "
            "of the same kind of model."
        )
    return found


def freeze(model: keras.Model, patterns: Sequence[str]) -> list[str]:
    """Keep the weights of layers as they are.

    A frozen normalization also keeps its averages, as Keras defines it.

    Args:
        model: Not compiled yet.
        patterns: Names of layers, or patterns such as `hidden_*`.

    Returns:
        The names of the frozen layers.

    Raises:
        BadInput: A pattern fits no layer that has weights, or no layer is left to learn.
    """
    having = {layer.name: layer for layer in layers(model)}
    frozen: dict[str, None] = {}
    for pattern in patterns:
        fitting = fnmatch.filter(having, pattern)
        if not fitting:
            raise BadInput(f"freeze names no layer with weights: '{pattern}'. {nearest(pattern, having)}")
        frozen |= dict.fromkeys(fitting)
    for name in frozen:
        having[name].trainable = False
    if not model.trainable_variables:
        raise BadInput(f"freeze={list(patterns)} leaves nothing to learn: {', '.join(having)} are all there is.")
    return list(frozen)


def layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield the layers with weights, those of models within a model too."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from layers(layer)
        elif layer.weights:
            yield layer


def _is_of_words(layer: keras.layers.Layer) -> bool:
    return isinstance(layer, keras.layers.Embedding) or layer.name == HEAD


def _take(source: keras.layers.Layer, target: keras.layers.Layer) -> None:
    ours, theirs = [list(w.shape) for w in target.weights], [list(w.shape) for w in source.weights]
    if ours != theirs:
        raise BadInput(
            f"The weights of layer '{target.name}' have other shapes than those to start from: {ours} here, {theirs} "
            "there. Keep the sizes of the model and of its input, or leave out what changes them."
        )
    target.set_weights(source.get_weights())


def _take_words(source: keras.layers.Layer, target: keras.layers.Layer, old: Vocabulary, new: Vocabulary) -> int:
    """Take the rows of the words that both know, and return how many."""
    both = [(old.ids[token], index) for token, index in new.ids.items() if token in old.ids]
    there, here = (np.array(ids, np.int64) for ids in zip(*both, strict=True)) if both else (np.array([], int),) * 2
    axis = 0 if isinstance(target, keras.layers.Embedding) else -1  # of the words
    weights = target.get_weights()
    for values, known in zip(weights, source.get_weights(), strict=True):
        ours, theirs = np.moveaxis(values, axis, 0), np.moveaxis(known, axis, 0)
        if ours.shape[1:] != theirs.shape[1:]:
            raise BadInput(
                f"The words of layer '{target.name}' have other sizes than those to start from: {ours.shape[1:]} here, "
                f"{theirs.shape[1:]} there. Keep the sizes of the model."
            )
        ours[here] = theirs[there]
    target.set_weights(weights)
    return len(both)
