"""A language model that is counted: no step, no epochs, no TensorFlow. Its weights are what was counted."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console

from zoo.config import BadInput, Config, named
from zoo.config.counted import without_effect
from zoo.data import Inputs, Splits
from zoo.models.ngram import FILE, Trigram
from zoo.results import samples
from zoo.training import likelihood
from zoo.training.checkpoint_files import CheckpointFolder
from zoo.training.ending import Judge, Training

BESIDE = ("name", "build", "learns", "reads", "output", "vocab_size")  # keys of the model that are no arguments


class Counted:
    """See `zoo.learners.Learner`."""

    def __init__(self, config: Config, splits: Splits):
        self.config, self.splits = config, splits
        self.steps = 0

    def build(self) -> None:
        """Count a little, to see whether the function that counts takes what it is given."""
        self._counted(self.splits.train.x[:100])

    @property
    def params(self) -> dict[str, int]:
        """Nothing: how many counts there will be is not known yet."""
        return {}

    @property
    def about(self) -> str:
        """That it is counted, not trained."""
        return without_effect(self.config)

    def show(self, console: Console) -> None:
        """Print what would be counted, with estimated time and memory."""
        from zoo import dry_run

        dry_run.show_counting(self._counted, self.splits, self.config, console)

    def train(
        self,
        log: Callable[[dict[str, float], int], None],
        console: Console,
        check_interrupt: Callable[[], None],
        checkpoints: CheckpointFolder,
        judge: Judge | None = None,
    ) -> Training:
        """Count the training text, and judge it and the validation text by the counts."""
        began = time.perf_counter()
        train, valid = self.splits.train.x, self.splits.valid.x
        model = self._counted(train)
        check_interrupt()
        on_valid = {f"val_{name}": value for name, value in self._judged(model, valid).items()}
        logs = self._judged(model, train) | on_valid
        check_interrupt()
        seconds = time.perf_counter() - began
        logs |= {"epoch": 1, "epoch_seconds": seconds}
        self.steps = 1
        log(logs, self.steps)
        return Training(
            "completed",
            f"All {len(train):,} tokens were counted: {len(model.weights[0]):,} different trigrams.",
            self.config.monitored,
            history={name: [value] for name, value in logs.items()},
            best=logs,
            best_weights=model.weights,
            seconds=seconds,
        )

    def end(self, training: Training, folder: Path) -> tuple[dict[str, float], str]:
        """Do nothing: there are no curves, and the counts are too many to be read."""
        return {}, ""

    def keep(self, weights: list[np.ndarray], folder: Path) -> None:
        """Write `trigram.npz`, what it reads, and the vocabulary."""
        Trigram(*weights).save(folder / FILE)
        Inputs.of(self.splits, "probabilities").save(folder)
        if self.splits.vocabulary is not None:
            self.splits.vocabulary.save(folder / "vocabulary.json")

    def test(self, weights: list[np.ndarray]) -> dict[str, float]:
        """Judge the test text."""
        logs = self._judged(Trigram(*weights), self.splits.test.x)
        return {f"test_{name}": value for name, value in logs.items()}

    def report(self, weights: list[np.ndarray], folder: Path) -> str:
        """Write a text, begun as that of every language model."""
        assert self.splits.vocabulary is not None
        model, seed = Trigram(*weights), self.config.seed

        def write(prompt: list[int], count: int, banned: list[int]) -> list[int]:
            return model.write(prompt, count, temperature=samples.TEMPERATURE, seed=seed, banned=banned)

        text = samples.written(write, self.splits.valid.x, self.splits.vocabulary)
        samples.save(text, folder)
        return text

    def _counted(self, tokens: np.ndarray) -> Trigram:
        """Return the model that is counted in a text.

        Raises:
            BadInput: The function does not take an option of the model's, or returns something else.
        """
        path, options = self.config.model.build, self.config.model.options(*BESIDE)
        found = named.call(named.import_path(path, "model.build"), options, "model", tokens, self.splits.spec.classes)
        if not isinstance(found, Trigram):
            raise BadInput(
                f"model.build={path} should return a zoo.models.ngram.Trigram, as model.learns=counting says. "
                f"Received: {type(found).__name__}."
            )
        return found

    def _judged(self, model: Trigram, tokens: np.ndarray) -> dict[str, float]:
        logs = {"loss": model.negative_log_likelihood(tokens)}
        likelihood.complete(logs, is_likelihood=True, per_character=self.config.data.level == "char")
        return logs
