"""What a finished run leaves to look at: its model, its pictures, its reports, as files in the run's folder."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from omegaconf import OmegaConf

from zoo.config import Config
from zoo.data import Splits
from zoo.models import building, generation
from zoo.results import boundary, classification, curves, predictions, samples
from zoo.tracking import mask
from zoo.training.train import Training

SMALL = 16  # examples; up to here every input's prediction is worth a line
READABLE = 100  # weights; up to here they are worth showing in the terminal
SAMPLE_TOKENS = {"word": 100, "char": 400}


def write_config(config: Config, folder: Path) -> None:
    """Write the resolved config, and the user's own words beside it, without passwords of addresses."""
    for name, content in (("config.yaml", config.tree()), ("overrides.yaml", list(config.overrides))):
        (folder / name).write_text(mask(OmegaConf.to_yaml(OmegaConf.create(content))), encoding="utf-8")


def write_training(training: Training, folder: Path) -> None:
    """Write the history as a table, the learning curves, and the gradient norms of each layer."""
    if not training.history:
        return
    names = list(training.history)
    with (folder / "history.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        writer.writerows(zip(*training.history.values(), strict=True))
    best = int(training.best["epoch"]) if training.best else None
    curves.learning_curves(training.history, folder, best_epoch=best)
    curves.gradient_norms(training.norms, training.layers, folder)


def write_end(model: keras.Model, splits: Splits, config: Config, folder: Path) -> str:
    """Write what a small model ended with: final weights, and each input's prediction beside its label.

    Args:
        model: With the weights of the last step.

    Returns:
        The same for the terminal, as far as it is small enough to read.
    """
    if splits.spec.kind != "vectors" or len(splits.train) > SMALL:
        return ""
    assert splits.train.y is not None
    _, weights = predictions.weights([(w.path, w.numpy()) for w in model.trainable_variables], folder)
    values = _outputs(model, splits.train.x, config)
    predicted = values[:, 0] if values.shape[1] == 1 else values.argmax(axis=1)
    linear = config.model.output == "values" and not config.model.hidden
    closed = {"least squares": predictions.least_squares(splits.train.x, splits.train.y)} if linear else {}
    _, table = predictions.table(splits.train.x, splits.train.y, predicted, folder, closed)
    return f"{weights}\n\n{table}" if model.count_params() <= READABLE else table


def is_solved(model: keras.Model, splits: Splits, config: Config) -> bool | None:
    """Tell whether every training pattern is on the right side of 0.5; None where that is not the question."""
    if splits.spec.target != "binary" or splits.train.y is None:
        return None
    predicted = _outputs(model, splits.train.x, config)[:, 0]
    return bool(np.all((predicted > 0.5) == (splits.train.y > 0.5)) and np.all(predicted != 0.5))


def keepable(config: Config, splits: Splits, weights: list[np.ndarray]) -> keras.Model:
    """Return the model to be kept: any batch size, nothing random, not compiled, with the given weights."""
    model = building.build(config.model, replace(splits.spec, batch_size=None), config.precision)
    model.set_weights(weights)
    return model


def write_model(model: keras.Model, splits: Splits, folder: Path) -> None:
    """Write `model.keras`, and the vocabulary that its ids mean."""
    model.save(folder / "model.keras")
    if splits.vocabulary is not None:
        splits.vocabulary.save(folder / "vocabulary.json")


def write_reports(model: keras.Model, splits: Splits, config: Config, folder: Path) -> str:
    """Write what the task calls for: report and confusion matrix, decision boundary, or a sample of text.

    Args:
        model: With the best weights.

    Returns:
        The sample of text for the terminal, or nothing.
    """
    if splits.spec.kind == "tokens":
        text = sample(config, splits, model.get_weights())
        samples.save(text, folder)
        return text
    assert splits.test.y is not None
    values = _outputs(model, splits.test.x, config)
    predicted = (values[:, 0] > 0.5).astype(int) if values.shape[1] == 1 else values.argmax(axis=1)
    names = splits.spec.labels or [str(label) for label in range(splits.spec.classes)]
    classification.report(splits.test.y.astype(int), predicted, names, folder)
    if splits.spec.shape == (2,):

        def probability(x: np.ndarray) -> np.ndarray:
            found = _outputs(model, x.astype(np.float32), config)
            return found[:, 0] if found.shape[1] == 1 else found

        boundary.decision_boundary(probability, splits.test.x, splits.test.y, folder)
    return ""


def sample(config: Config, splits: Splits, weights: list[np.ndarray]) -> str:
    """Return a text that the model writes, begun with the first line of the validation text."""
    vocabulary = splits.vocabulary
    assert vocabulary is not None
    prompt = [int(token) for token in splits.valid.x[: 8 if vocabulary.level == "word" else 32]]
    banned = [] if vocabulary.unk is None else [vocabulary.unk]
    model = building.build(config.model, replace(splits.spec, batch_size=1), config.precision)
    model.set_weights(weights)
    after = generation.next_logits(model, gives_probabilities=config.model.output == "probabilities")
    writer = generation.Writer(after, len(vocabulary), seed=config.seed, banned=banned)
    writer.read(prompt)
    return vocabulary.decode([*prompt, *writer.write(SAMPLE_TOKENS[vocabulary.level])])


def write_json(values: object, path: Path) -> None:
    """Write a JSON file."""
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def _outputs(model: keras.Model, x: np.ndarray, config: Config) -> np.ndarray:
    """Return probabilities or values, float32 [n, outputs]."""
    found = np.concatenate([np.asarray(model(x[i : i + 1024], training=False)) for i in range(0, len(x), 1024)])
    if config.model.output == "logits":
        function = keras.ops.sigmoid if found.shape[1] == 1 else keras.ops.softmax
        found = np.asarray(function(found))
    return found.astype(np.float32)
