"""The schema of a run and every check that needs no TensorFlow.

Hydra composes a plain tree from conf/; `Config.check` turns it into typed, frozen sections or raises `BadInput` with
one clear paragraph. What an option's own file declares is left to that file: a model, optimizer or data set of the
user's brings its own keys.
"""

from zoo.config.faults import namesakes, unknown
from zoo.config.learning import Init, Optimizer, Schedule
from zoo.config.schema import Config
from zoo.config.sections import Checkpoints, Data, Loop, Model, Option, Tracking
from zoo.config.words import BadInput, either, flatten, nearest, shown

# The groups whose options declare keys of their own, and the types of those that the zoo's files have.
SECTIONS: dict[str, type[Option]] = {
    "model": Model,
    "data": Data,
    "optimizer": Optimizer,
    "init": Init,
    "schedule": Schedule,
}

__all__ = [
    "SECTIONS",
    "BadInput",
    "Checkpoints",
    "Config",
    "Data",
    "Init",
    "Loop",
    "Model",
    "Optimizer",
    "Schedule",
    "Tracking",
    "either",
    "flatten",
    "namesakes",
    "nearest",
    "shown",
    "unknown",
]
