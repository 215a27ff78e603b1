"""What a process that answers many lines does beforehand, by being imported: a line then takes a tenth of the time."""

import gc
import tempfile
from pathlib import Path

import hydra.main  # noqa: F401
import matplotlib.font_manager  # noqa: F401
import sklearn.datasets  # noqa: F401

import zoo.run
import zoo.sweeps.answer
import zoo.sweeps.execute
import zoo.sweeps.recipe_pages
import zoo.verbs.doctor
import zoo.verbs.evaluate
import zoo.verbs.generate
import zoo.verbs.predict
import zoo.verbs.prune
import zoo.verbs.recipes
import zoo.verbs.register
import zoo.verbs.report
import zoo.verbs.serve
import zoo.verbs.sync
import zoo.verbs.train
from zoo.config import Tracking
from zoo.tracking import connect

zoo.compose("model=linear")
with tempfile.TemporaryDirectory() as _folder:
    connect(Tracking(name="mlflow", uri=f"sqlite:///{Path(_folder, 'runs.db')}"), "any").start("any").finish("FINISHED")
gc.collect()
gc.freeze()  # the collector would otherwise copy all of it into each fork
