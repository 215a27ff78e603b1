"""What a trained network leaves to look at: its model, its pictures, its reports, as files in the run's folder."""

import csv
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from zoo.config import Config
from zoo.data import Inputs, Splits
from zoo.models import building, generation, ngram
from zoo.results import boundary, classification, curves, predictions, samples, time_steps
from zoo.training.ending import Training
from zoo.training.time_steps import gradient_norms

SMALL = 16  # examples; up to here every input's prediction is worth a line
READABLE = 100  # weights; up to here they are worth showing in the terminal


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


def gradient_by_time(model: keras.Model, splits: Splits, config: Config) -> np.ndarray | None:
    """Return how much the loss depends on each time step of a sequence, float64 [time]; None for other data."""
    if splits.spec.kind != "sequences":
        return None
    return gradient_norms(model, splits.valid, splits.spec, config)


def write_gradient_by_time(before: np.ndarray | None, after: np.ndarray | None, folder: Path) -> dict[str, float]:
    """Draw how far back the gradient reaches, and return it in numbers, as metrics.

    Args:
        before: Its norm at each time step before the training, float [time], or None where there is none.
        after: The same with the weights of the last step.
        folder: Where to write.

    Returns:
        `gradient_reach_before` and `gradient_reach_after`: the norm at the first time step over that at the last.
    """
    if before is None or after is None:
        return {}
    time_steps.gradient_by_time({"before training": before, "after training": after}, folder)
    found = {"before": time_steps.reach(before), "after": time_steps.reach(after)}
    return {f"gradient_reach_{when}": value for when, value in found.items() if np.isfinite(value)}


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
    values = outputs(model, splits.train.x, config)
    predicted = values[:, 0] if values.shape[1] == 1 else values.argmax(axis=1)
    linear = config.model.output == "values" and not config.model.hidden
    closed = {"least squares": predictions.least_squares(splits.train.x, splits.train.y)} if linear else {}
    _, table = predictions.table(splits.train.x, splits.train.y, predicted, folder, closed)
    return f"{weights}\n\n{table}" if model.count_params() <= READABLE else table


def baseline(splits: Splits) -> dict[str, float]:
    """Return what a model has to beat on the test split, as metrics.

    It is the perplexity of a trigram counted in the training text, or the mean squared error of a constant answer.
    """
    train, test = splits.train, splits.test
    if splits.spec.kind == "tokens":
        if not isinstance(train.x, np.ndarray):  # it counts in memory
            return {}
        return {"test_trigram_perplexity": ngram.perplexity(train.x, test.x, splits.spec.classes)}
    if splits.spec.target == "value":
        assert train.y is not None
        assert test.y is not None
        return {"test_constant_mse": predictions.constant_error(train.y, test.y)}
    return {}


def is_solved(model: keras.Model, splits: Splits, config: Config) -> bool | None:
    """Tell whether every training pattern is on the right side of 0.5; None where that is not the question."""
    if splits.spec.target != "binary" or splits.train.y is None:
        return None
    predicted = outputs(model, splits.train.x, config)[:, 0]
    return bool(np.all((predicted > 0.5) == (splits.train.y > 0.5)) and np.all(predicted != 0.5))


def keepable(config: Config, splits: Splits, weights: list[np.ndarray]) -> keras.Model:
    """Return the model to be kept: any batch size, nothing random, not compiled, with the given weights."""
    model = building.build(config.model, replace(splits.spec, batch_size=None), config.precision)
    model.set_weights(weights)
    return model


def write_model(model: keras.Model, splits: Splits, config: Config, folder: Path) -> None:
    """Write `model.keras`, what it reads, and the vocabulary that its ids mean."""
    model.save(folder / "model.keras")
    Inputs.of(splits, config.model.output).save(folder)
    if splits.vocabulary is not None:
        splits.vocabulary.save(folder / "vocabulary.json")


def write_reports(model: keras.Model, splits: Splits, config: Config, folder: Path) -> str:
    """Write what the task calls for: report and confusion matrix, decision boundary, predictions, a sample of text.

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
    values = outputs(model, splits.test.x, config)
    if splits.spec.target == "value":
        predictions.values(splits.test.y, values[:, 0], folder)
        return ""
    names = splits.spec.labels or [str(label) for label in range(splits.spec.classes)]
    classification.report(splits.test.y.astype(int), told(values), names, folder)
    if splits.spec.shape == (2,):

        def probability(x: np.ndarray) -> np.ndarray:
            found = outputs(model, x.astype(np.float32), config)
            return found[:, 0] if found.shape[1] == 1 else found

        boundary.decision_boundary(probability, splits.test.x, splits.test.y, folder)
    return ""


def outputs(model: keras.Model, x: np.ndarray, config: Config) -> np.ndarray:
    """Return probabilities or values, float32 [n, outputs].

    Args:
        model: With any weights.
        x: float32 [n, ...], as the model reads it.
        config: The run's, which says what the model puts out.
    """
    found = np.concatenate([np.asarray(model(x[i : i + 1024], training=False)) for i in range(0, len(x), 1024)])
    if config.model.output == "logits":
        function = keras.ops.sigmoid if found.shape[1] == 1 else keras.ops.softmax
        found = np.asarray(function(found))
    return found.astype(np.float32)


def told(values: np.ndarray) -> np.ndarray:
    """Return the classes that outputs tell, int [n], from probabilities or values, float [n, outputs]."""
    return (values[:, 0] > 0.5).astype(int) if values.shape[1] == 1 else values.argmax(axis=1)


def sample(config: Config, splits: Splits, weights: list[np.ndarray]) -> str:
    """Return a text that the model writes, begun with the first words of the validation text."""
    assert splits.vocabulary is not None
    model = building.build(config.model, replace(splits.spec, batch_size=1), config.precision)
    model.set_weights(weights)
    after = generation.next_logits(model, gives_probabilities=config.model.output == "probabilities")

    def write(prompt: list[int], count: int, banned: list[int]) -> list[int]:
        words, temperature = splits.spec.classes, samples.TEMPERATURE
        writer = generation.Writer(after, words, temperature=temperature, seed=config.seed, banned=banned)
        writer.read(prompt)
        return writer.write(count)

    return samples.written(write, splits.valid.x, splits.vocabulary)
