"""The part of a run that is trained by another process than the chief: the same steps, and no record of them."""

import logging
import tempfile
import traceback
from pathlib import Path

from rich.console import Console

from zoo.config import BadInput, Config
from zoo.learners import Learner
from zoo.outcome import Result
from zoo.start import naming
from zoo.training.checkpoint_files import CheckpointFolder
from zoo.training.ending import Lost, said
from zoo.training.interruption import Interrupted, Interruption
from zoo.training.sharing.workers import Workers

log = logging.getLogger(__name__)


def by_another(config: Config) -> Workers | None:
    """Return the processes of a training that another one is the chief of, or None."""
    workers = Workers.of(config)
    return workers if workers and not workers.is_chief and not config.dry_run else None


def follow(config: Config, learner: Learner, workers: Workers) -> Result:
    """Train beside the chief, to the same end.

    Args:
        config: The run's, the same as the chief's.
        learner: Built.
        workers: All processes.

    Returns:
        What came of it, without what only the chief measures and keeps.
    """
    result = Result(None, naming.name(config), "error", "", 1)
    try:
        with Interruption() as interruption, tempfile.TemporaryDirectory() as folder:
            log.info(f"This is {workers.named(workers.index)}. {workers.named(0).capitalize()} keeps the record.")
            training = learner.train(
                _unrecorded, Console(quiet=True), interruption.check, CheckpointFolder(Path(folder))
            )
            result.end(training.outcome, training.reason, training.signal)
            result.history, result.best_weights = training.history, training.best_weights
    except Interrupted as error:
        result.end("interrupted", str(error), error.number)
    except Exception as error:
        expected = isinstance(error, BadInput | Lost)
        log.log(logging.DEBUG if expected else logging.ERROR, "%s", traceback.format_exc())
        result.end("error", said(error, config))
    log.info(f"{workers.named(workers.index)}: {result.outcome}. {result.reason}")
    return result


def _unrecorded(metrics: dict[str, float], step: int) -> None:
    """Leave the metrics of an epoch to the chief."""
