"""What is measured of a run after its end, added to its record."""

import math
from collections.abc import Mapping
from pathlib import Path

from zoo.tracking import entries, queries
from zoo.tracking.lookup import StoredRun
from zoo.tracking.mlflow_run import MlflowRun
from zoo.tracking.store import open_client


def add(run: StoredRun, metrics: Mapping[str, float], tags: Mapping[str, str], files: Path, folder: str) -> None:
    """Add metrics, tags and files to the record of a run; its status stays.

    Said twice, nothing is there twice: a metric that has the same value already is left alone, another value becomes
    its next step; tags and files of the same name are replaced.

    Args:
        run: Which, ended or not.
        metrics: Values by name.
        tags: Labels.
        files: A folder, whose files are kept.
        folder: Where among the run's artifacts.

    Raises:
        BadInput: The store can't be opened.
        TrackingError: The store refused or failed.
    """
    record = MlflowRun(open_client(run.uri), run.uri, run.experiment_id, run.id, run.name)
    for path in sorted(files.iterdir()):
        record.log_artifact(path, folder)
    record.set_tags(tags)
    for name, value in metrics.items():
        known = run.history(entries.key(name)) if entries.key(name) in run.metrics else []
        step, last = known[-1] if known else (-1, math.nan)
        if not known or not _same(queries.as_measured(last), value):
            record.log_metrics({name: value}, step + 1)
    record.flush()


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))
