"""The end of a sweep: its answer, and a truthful status."""

import logging
import traceback
from pathlib import Path

from rich.console import Console

from zoo import terminal, tracking
from zoo.config import BadInput
from zoo.sweeps import answer
from zoo.sweeps.parent import Parent

log = logging.getLogger(__name__)


def close(parent: Parent, status: tracking.Status, folder: Path, console: Console) -> bool:
    """Answer from the tracked runs, end the sweep's own run, and tell whether all of that went well.

    Args:
        parent: The sweep's own run.
        status: That it ends with, if it can be answered.
        folder: For the report.
        console: Shows the answer.
    """
    well = False
    try:
        if parent.id is not None:
            try:
                found = answer.answer([parent.id], parent.store.uri, folder / "report", console)
                answer.record(found, parent.id)
            except BadInput as error:
                log.warning(f"There is no answer: {error}")
            terminal.flush_log()
            parent.record.log_artifact(folder / "sweep.log")
        well = True
    except Exception as error:
        log.error("".join(traceback.format_exception(error)))
    finally:  # also where Ctrl-C ends the answer
        parent.record.finish(status if well or status == "KILLED" else "FAILED")
    if parent.record.ui_command:
        console.print(
            f"  sweep    {parent.id}\n  files    {folder}\n  compare  {parent.record.ui_command}", markup=False
        )
    return well
