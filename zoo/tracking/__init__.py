"""The record of runs in MLflow: `connect` or `open_run` for runs that are made, `find` for one that was made.

The only part of the zoo that knows MLflow; importing it does not import MLflow yet.
"""

from zoo.tracking.address import mask, resolve, root
from zoo.tracking.beating import beating
from zoo.tracking.children import children, curves, extend, newest, newest_sweep, ui_address
from zoo.tracking.entries import is_cut
from zoo.tracking.errors import TrackingError
from zoo.tracking.finished import DatasetUsed, FinishedRun
from zoo.tracking.later import add
from zoo.tracking.lookup import StoredRun, find, unfinished
from zoo.tracking.modelless import why as why_no_model
from zoo.tracking.process import is_gone
from zoo.tracking.pruning import Prunable, Survey, pruned, survey
from zoo.tracking.queries import RunRecord
from zoo.tracking.recording import Store, connect, open_run
from zoo.tracking.references import BEST_RUN, best_run, named, refer
from zoo.tracking.run import Run, Status
from zoo.tracking.searching import experiments, matching
from zoo.tracking.spool import Waiting, waiting
from zoo.tracking.thinning import Thinned, kept_epochs
from zoo.tracking.vanished import give_up, mark_vanished

__all__ = [
    "BEST_RUN",
    "DatasetUsed",
    "FinishedRun",
    "Prunable",
    "Run",
    "RunRecord",
    "Status",
    "Store",
    "StoredRun",
    "Survey",
    "Thinned",
    "TrackingError",
    "Waiting",
    "add",
    "beating",
    "best_run",
    "children",
    "connect",
    "curves",
    "experiments",
    "extend",
    "find",
    "give_up",
    "is_cut",
    "is_gone",
    "kept_epochs",
    "mark_vanished",
    "mask",
    "matching",
    "named",
    "newest",
    "newest_sweep",
    "open_run",
    "pruned",
    "refer",
    "resolve",
    "root",
    "survey",
    "ui_address",
    "unfinished",
    "waiting",
    "why_no_model",
]
