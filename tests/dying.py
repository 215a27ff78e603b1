"""A run that ends by SIGKILL at a given moment: python -m tests.dying WHERE COUNT WORDS...

WHERE is `never`, `step` (at the COUNT-th look-up between two calls), `checkpoint` (while the COUNT-th checkpoint is
written), `mlflow` (while the COUNT-th batch is written to MLflow) or `mirrored` (when the COUNT-th checkpoint has been
sent to a server).
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any


def dies_at(count: int, before: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does the same, until its last call kills the process first."""
    left = count

    def dying(*arguments: Any, **options: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return before(*arguments, **options)

    return dying


def main() -> int:
    """Run the zoo's command until the moment comes."""
    where, count, *words = sys.argv[1:]
    if where == "step":
        from zoo.training.interruption import Interruption

        Interruption.check = dies_at(int(count), Interruption.check)  # type: ignore[method-assign]
    elif where == "checkpoint":  # its content is in the file by then, under another name
        from zoo.training import checkpoint_files

        checkpoint_files.os.fsync = dies_at(int(count), os.fsync)  # type: ignore[attr-defined]
    elif where == "mlflow":  # the rows are in the transaction, which is not committed
        from sqlalchemy.orm import Session

        Session.commit = dies_at(int(count), Session.commit)  # type: ignore[method-assign]
    elif where == "mirrored":
        from zoo.tracking import mlflow_run, operations

        mlflow_run.MIRROR_SECONDS = 0.5
        send = operations._mirror

        def sent(*arguments: Any) -> None:
            send(*arguments)
            if any(arguments[2].glob("*.npz")):
                die()

        die = dies_at(int(count), lambda: None)
        operations._mirror = sent
    from zoo.command.main import main as command

    sys.argv = ["train.py", *words]
    return command()


if __name__ == "__main__":
    sys.exit(main())
