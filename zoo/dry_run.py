"""What a run would do, without doing it: config, shapes, parameters, estimated time and memory."""

import itertools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from omegaconf import OmegaConf
from rich.console import Console

from zoo.config import Config
from zoo.config.counted import without_effect
from zoo.data import Splits
from zoo.results import numbers

if TYPE_CHECKING:
    import numpy as np

    from zoo.models.ngram import Trigram
    from zoo.training.program import Program

CALLS = 4  # of the compiled step: the first compiles, the last is timed
PART = 50_000  # tokens that are counted to see how long all of them take
BYTES_OF_A_TOKEN = 60  # while words are counted; characters, which repeat more, take half of it
END = "Dry run: nothing was trained, nothing was recorded."


def show(program: "Program", splits: Splits, config: Config, to: Console) -> None:
    """Print what the run would be.

    The time is measured: some calls of the real loop. It leaves out start-up, compilation and the test.

    Args:
        program: Compiled; its weights are those of a short training afterwards.
        splits: The data.
        config: The run's.
        to: Where to print.
    """
    from zoo.training import memory

    model, learn, measure = program.model, program.learn, program.measure
    _show_choices(splits, config, to)
    for name, batch in (("train", learn), ("validate", measure)):
        to.print(
            f"  {name:<9} x {batch.x.dtype} {list(batch.x.shape)}  y {batch.y.dtype} {list(batch.y.shape)}  "
            f"{batch.steps:,} batches of {batch.batch_size}",
            markup=False,
        )
    model.summary(line_length=100, print_fn=lambda line: to.print(line, markup=False, highlight=False))
    step_seconds = _seconds_per_step(program)
    seconds = config.epochs * (learn.steps + measure.rows / learn.batch_size / 3) * step_seconds
    took, step_ms = numbers.duration(seconds), step_seconds * 1000
    to.print(f"Estimated time    about {took} for {config.epochs:,} epochs ({step_ms:,.2f} ms a step)")
    arrays = sum(array.nbytes for batch in (learn, measure) for array in batch.arrays())
    megabytes = (arrays + memory.estimate(model, config, learn)) / 2**20
    to.print(f"Estimated memory  {megabytes:,.0f} MiB beside TensorFlow's own")
    to.print(END)


def show_counting(count: "Callable[[np.ndarray], Trigram]", splits: Splits, config: Config, to: Console) -> None:
    """Print what the run of a model would be that is counted.

    The time is measured: that of the beginning of the training text.

    Args:
        count: From token ids, int [n], to the model.
        splits: The data.
        config: The run's.
        to: Where to print.
    """
    _show_choices(splits, config, to)
    tokens = {"train": len(splits.train), "validate": len(splits.valid), "test": len(splits.test)}
    for name, number in tokens.items():
        to.print(f"  {name:<9} {number:,} tokens", highlight=False)
    to.print(without_effect(config), markup=False, highlight=False)
    part, began = splits.train.x[:PART], time.perf_counter()
    count(part).negative_log_likelihood(part)
    seconds = (time.perf_counter() - began) / len(part) * sum(tokens.values())
    to.print(f"Estimated time    about {numbers.duration(seconds)}")
    to.print(f"Estimated memory  {BYTES_OF_A_TOKEN * tokens['train'] / 2**20:,.0f} MiB")
    to.print(END)


def _show_choices(splits: Splits, config: Config, to: Console) -> None:
    to.print(OmegaConf.to_yaml(OmegaConf.create(config.tree())), markup=False, highlight=False)
    to.print(f"{splits.name} ({splits.source})", markup=False)


def _seconds_per_step(program: "Program") -> float:
    from zoo.training.execution import Execution

    execution = Execution(program.steps("learn", program.step, program.learn), program.learn)
    seconds, ended = 0.0, time.perf_counter()
    for first, last, _ in itertools.islice(execution.epoch(), CALLS):
        began, ended = ended, time.perf_counter()
        seconds = (ended - began) / (last - first)
    return seconds
