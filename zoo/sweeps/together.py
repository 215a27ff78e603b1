"""Runs that train together as one program, each with a record of its own that says what a run of its own would say."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from zoo.config import Config
from zoo.data import Splits
from zoo.outcome import Result
from zoo.start import naming
from zoo.start.grid import Cell
from zoo.tracking import DatasetUsed, FinishedRun, Store, kept_epochs
from zoo.training import batches, population, setup
from zoo.training.population import Population, Trained

log = logging.getLogger(__name__)

MEMORY = 2**29  # bytes that one population may take
MEMBERS = 1024  # at a time
# Floating point operations of one member's step. Below, calling the operations costs more than computing them. The
# digits' 64-32-10 at batch size 32, 460,000 of them, is as fast alone, and MNIST's 784-256-10 is three times faster.
OPERATIONS = 3e5


class Together:
    """The runs of one group, trained in chunks that fit into memory.

    Args:
        cells: The runs; see `zoo.training.population.same_program`.
        splits: The data of all of them.
        store: That they are recorded in.
        parent: The id of the sweep's run.
        tags: What a run is tagged with besides its own tags.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        splits: Splits,
        store: Store,
        parent: str | None,
        tags: Callable[[Cell], dict[str, str]],
    ):
        self._cells, self._splits, self._store, self._parent, self._tags = cells, splits, store, parent, tags
        self._config = cells[0].config
        self._model = setup.build(self._config, splits)
        self._parameters = self._model.count_params()
        self.size = 0  # members of a population, once it is known

    def obstacle(self, *, forced: bool) -> str | None:
        """Return why the runs should train one after another, in words, or None.

        Args:
            forced: Whether they are to train together wherever they can.
        """
        if reason := population.obstacle_in(self._model):
            return reason
        learn = batches.training(self._splits, self._config)
        needed = setup.operations(self._model, learn, learn.batch_size)
        if not forced and needed > OPERATIONS:
            return f"a step takes about {needed:,.0f} operations, beside which the cost of calling it is small"
        return None

    def at_a_time(self) -> int:
        """Return how many of them train at a time: as many as fit into memory, in chunks of one size."""
        limit = max(1, min(MEMBERS, int(MEMORY / self._bytes())))
        return -(-len(self._cells) // -(-len(self._cells) // limit))

    def train(
        self, check_interrupt: Callable[[], None], working: Callable[[str, float], None], size: int | None = None
    ) -> Iterator[list[tuple[Cell, Result]]]:
        """Train and record all runs, and yield them chunk by chunk with what came of them.

        Args:
            check_interrupt: Raises `Interrupted` when an end was asked for.
            working: Told what goes on, and how many runs' worth of epochs of the chunk are done.
            size: How many train at a time; as many as fit into memory if left out.
        """
        self.size = size = self.at_a_time() if size is None else size
        chunks = -(-len(self._cells) // size)
        what = f"{self._config.model.name} {self._config.optimizer.name}"
        log.info(f"{what}: {len(self._cells):,} runs of {self._parameters:,} parameters train together.")
        if chunks > 1:
            megabytes = size * self._bytes() / 1e6
            log.info(f"They are split into {chunks} of at most {size:,}, which take about {megabytes:,.0f} MB.")
        configs = [cell.config for cell in self._cells]
        kept = kept_epochs(self._config.epochs, self._config.tracking.every).tolist()
        members = Population(self._model, self._splits, (configs + configs[-1:] * size)[:size])
        for first in range(0, len(self._cells), size):
            cells = self._cells[first : first + size]
            own = [cell.config for cell in cells]
            padded = own + own[-1:] * (size - len(own))  # the program is compiled for one number of members
            began = time.time()

            def progress(epochs: int, running: int, count: int = len(cells)) -> None:
                working(f"{what}: epoch {epochs:,}, {running:,} running", count * epochs / self._config.epochs)

            trained = members.train(padded, kept, check_interrupt=check_interrupt, progress=progress)
            working(f"{what}: recording", float(len(cells)))
            yield self._record(cells, self._results(members, own, trained), trained, began)

    def _bytes(self) -> float:
        """Return what one of them takes."""
        learn = batches.training(self._splits, self._config)
        return population.bytes_of(self._model, self._config, max(learn.batch_size, 256), learn.steps)

    def _results(self, members: Population, configs: Sequence[Config], trained: Sequence[Trained]) -> list[Result]:
        """Measure the best weights of every member on the test split, once, and say what came of it."""
        test = batches.evaluation(self._splits.test, self._splits, configs[0])
        tested = members.measure([one.training.best_weights or one.weights for one in trained], test)
        solved = self._solved(members, trained)
        results = []
        for index, (config, one) in enumerate(zip(configs, trained, strict=False)):
            training = one.training
            result = Result(None, naming.name(config), "error", "", 1)
            result.end(training.outcome, training.reason, training.signal)
            result.history, result.best_weights = training.history, training.best_weights
            result.metrics = {f"best_{name}": value for name, value in training.best.items()}
            if training.best:
                result.target = training.best[training.monitor]
            if training.target_epoch is not None:
                result.metrics["target_epoch"] = training.target_epoch
            result.metrics["train_seconds"] = training.seconds
            if solved is not None:
                result.metrics["solved"] = float(solved[index])
            if training.best_weights is not None and training.outcome != "interrupted":
                result.metrics |= {f"test_{name}": value for name, value in tested[index].items()}
            results.append(result)
        return results

    def _solved(self, members: Population, trained: Sequence[Trained]) -> np.ndarray | None:
        """Tell whether each member has every training pattern on its side at the end; see `zoo.artifacts.is_solved`."""
        labels = self._splits.train.y
        if self._splits.spec.target != "binary" or labels is None:
            return None
        middle = 0.0 if self._config.model.output == "logits" else 0.5
        found = members.outputs([one.weights for one in trained], self._splits.train.x)[:, :, 0]
        return np.all(((found > middle) == (labels > 0.5)) & (found != middle), axis=1)

    def _record(
        self, cells: Sequence[Cell], results: Sequence[Result], trained: Sequence[Trained], began: float
    ) -> list[tuple[Cell, Result]]:
        now, splits = time.time(), self._splits
        sizes = {name: len(getattr(splits, name)) for name in ("train", "valid", "test")}
        dataset = DatasetUsed(splits.name, splits.digest, splits.source, sizes)
        runs = []
        for cell, result, one in zip(cells, results, trained, strict=False):
            result.metrics["run_seconds"] = (now - began) / len(cells)
            runs.append(
                FinishedRun(
                    name=result.name,
                    params={**cell.config.tree(), "parameters": self._parameters},
                    tags={
                        **naming.tags(cell.config),
                        **self._tags(cell),
                        "outcome": result.outcome,
                        "reason": result.reason,
                    },
                    steps=np.array(one.steps, np.int64),
                    curves={name: np.array(values) for name, values in result.history.items()},
                    summary=result.metrics,
                    last_step=one.steps[-1] if one.steps else 0,
                    status=result.status,
                    began=began,
                    ended=now,
                    dataset=dataset,
                )
            )
        for result, run_id in zip(results, self._store.add(runs, self._parent), strict=True):
            result.run_id = run_id
        return list(zip(cells, results, strict=True))
