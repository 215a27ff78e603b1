"""The part of a run that is trained by another process than the chief: the same steps, and no record of them."""

import contextlib
import logging
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console

from zoo.config import BadInput, Config
from zoo.learners import Learner
from zoo.outcome import Result
from zoo.start import naming
from zoo.training.checkpoint_files import CheckpointFolder
from zoo.training.ending import ProcessLost, said
from zoo.training.interruption import Interrupted, Interruption
from zoo.training.sharing import meeting, parts
from zoo.training.sharing.meeting import Meeting
from zoo.training.sharing.workers import Workers

log = logging.getLogger(__name__)


@contextlib.contextmanager
def others(config: Config) -> Iterator[Meeting | None]:
    """Meet those who train with this process, and leave them where it ends; None where it trains alone.

    Raises:
        BadInput: They do not come, or were asked to do something else.
    """
    workers = None if config.dry_run else Workers.of(config)
    if workers is None:
        yield None
        return
    together = meeting.meet(workers, parts.facts(config), config.strategy.wait)
    try:
        yield together
    except BaseException as error:
        together.leave(said(error, config) if isinstance(error, Exception) else "it was interrupted.")
        raise
    together.part()


def follow(config: Config, learner: Learner, together: Meeting) -> Result:
    """Train beside the chief, to the same end.

    Args:
        config: The run's, the same as the chief's.
        learner: Built.
        together: With the others.

    Returns:
        What came of it, without what only the chief measures and keeps.
    """
    workers = together.workers
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
        expected = isinstance(error, BadInput | ProcessLost)
        log.log(logging.DEBUG if expected else logging.ERROR, "%s", traceback.format_exc())
        result.end("error", said(error, config))
        together.leave(result.reason)
    log.info(f"{workers.named(workers.index)}: {result.outcome}. {result.reason}")
    return result


def _unrecorded(metrics: dict[str, float], step: int) -> None:
    """Leave the metrics of an epoch to the chief."""
