"""The schema of a run and every check that needs no TensorFlow.

Hydra composes a plain tree from conf/; `Config.check` turns it into typed, frozen sections or raises `BadInput` with
one clear paragraph. What an option's own file declares is left to that file: a model, optimizer or data set of the
user's brings its own keys.
"""

from zoo.config.schema import Config
from zoo.config.sections import Data, Init, Loop, Model, Optimizer, Schedule, Tracking
from zoo.config.words import BadInput, flatten, nearest

__all__ = [
    "BadInput",
    "Config",
    "Data",
    "Init",
    "Loop",
    "Model",
    "Optimizer",
    "Schedule",
    "Tracking",
    "flatten",
    "nearest",
]
