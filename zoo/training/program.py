"""A model with everything that is compiled around it, and its use by one training after another.

Tracing and compiling a small model takes longer than training it. Runs that differ in seed, initial weights or
learning rate have the same programs, and so share them within a process: the model is initialized again, its optimizer
starts anew, and nothing is traced a second time.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING, Any

import keras

from zoo.config import Config
from zoo.data import Spec, Splits
from zoo.optim import initializers
from zoo.training import callbacks, setup
from zoo.training.batches import Batches
from zoo.training.evaluation import TestStep
from zoo.training.execution import Step, compile_steps
from zoo.training.state import Fresh
from zoo.training.step import TrainStep

if TYPE_CHECKING:
    from zoo.training.sharing.sharing import Sharing

KEPT = 2  # programs at a time; each holds its model's weights
_BESIDE = (  # keys that shape no program
    "seed", "name", "tracking", "early_stopping", "stop", "monitor", "callbacks", "data_dir", "dry_run", "checkpoint",
)  # fmt: skip
_recent: "OrderedDict[str, Program]" = OrderedDict()


class Program:
    """A compiled model, its training step, and the functions traced around them.

    Args:
        model: Built, with its initial weights.
        spec: What the data is.
        config: The run's.
        learn: The training batches.
        measure: The validation batches.
        user_callbacks: The user's own; one that looks at batches sees each of them.
        sharing: Who shares the steps; None: this device does all of them.

    Attributes:
        model: Compiled.
        learn: The training batches.
        measure: The validation batches.
        step: The training step.
        test_step: That of validation.
        sharing: Who shares them, or None.
        jit: Whether the step is compiled with XLA.
        steps_per_call: Steps in one call of the compiled function; None: as many as take a quarter of a second.
        measured_per_call: The same of validation.
    """

    def __init__(
        self,
        model: keras.Model,
        spec: Spec,
        config: Config,
        learn: Batches,
        measure: Batches,
        user_callbacks: Sequence[keras.callbacks.Callback] = (),
        sharing: "Sharing | None" = None,
    ):
        self.model, self.learn, self.measure, self.sharing = model, learn, measure, sharing
        self.jit = setup.choose_jit(model, config)
        self.steps_per_call = steps_per_call(config, user_callbacks)
        steps = self.steps_per_call or _steps_per_execution(model, learn)
        if sharing and sharing.count > 1 and config.loop.name == "fit":
            steps = 1  # see zoo.config.together
        setup.compile_model(model, spec, config, steps_per_epoch=learn.steps, jit=self.jit, steps_per_execution=steps)
        self.measured_per_call: int | None = None
        self.step, self.test_step = _step(model, config, self.jit), TestStep(model)
        if sharing:
            from zoo.training.sharing import step as shared_step

            # Which steps make up a call is a part of what processes have to agree on.
            self.steps_per_call = self.measured_per_call = steps
            sharing.take(model, learn)
            fused = setup.choose_fused(model, config, self.jit)
            self.step = shared_step.SharedTrainStep(model, sharing, fused)
            self.test_step = shared_step.SharedTestStep(model, sharing)
        self._fresh = Fresh(model.optimizer.variables)
        self._functions: dict[Hashable, Any] = {}

    def function(self, key: Hashable, trace: Callable[[], Any]) -> Any:
        """Return the compiled function of a key, made by `trace` the first time."""
        if key not in self._functions:
            self._functions[key] = trace()
        return self._functions[key]

    def steps(self, key: str, step: Step, rows: Batches) -> Callable[..., Any]:
        """Return the compiled function that runs a step over such batches."""
        return self.function(key, lambda: compile_steps(step, self.model, rows, jit=self.jit))

    def restart(self, config: Config, learn: Batches, measure: Batches) -> None:
        """Begin again: initial weights of another seed, a fresh optimizer with its learning rate, other data."""
        keras.utils.set_random_seed(config.seed)
        initializers.initialize(self.model, config.init, config.seed)
        optimizer = self.model.optimizer
        self._fresh.restore()
        if _has_constant_rate(config):
            getattr(optimizer, "inner_optimizer", optimizer).learning_rate = config.optimizer.learning_rate
        self.model.reset_metrics()
        self.step.gradients.forget()
        if self.sharing:
            self.sharing.restart()
        self.learn, self.measure = learn, measure


def _step(model: keras.Model, config: Config, jit: bool) -> TrainStep:
    if config.loop.name == "by_hand":
        from zoo.training.by_hand import StepByHand

        squared = config.loss == "mse" or config.model.output == "values"
        return StepByHand(model, config.model.output, "mean_squared" if squared else "binary_crossentropy")
    return TrainStep(model, fused=setup.choose_fused(model, config, jit))


def prepare(
    config: Config,
    splits: Splits,
    learn: Batches,
    measure: Batches,
    user_callbacks: Sequence[keras.callbacks.Callback] = (),
    sharing: "Sharing | None" = None,
) -> Program:
    """Return a program for a run, seeded and with its initial weights: one used before if it fits, else a new one.

    The model of a program that was used before is the same object. Keep copies of its weights, not the model.

    Raises:
        BadInput: The builder, the model's output or the optimizer's arguments are not as they should be.
    """
    key = _fingerprint(config, splits.spec, (learn, measure), steps_per_call(config, user_callbacks))
    program = _recent.pop(key, None)
    if program is None:
        model = setup.build(config, splits, sharing.replicas if sharing else 1)
        program = Program(model, splits.spec, config, learn, measure, user_callbacks, sharing)
    else:
        program.restart(config, learn, measure)
    _recent[key] = program
    while len(_recent) > KEPT:
        _recent.popitem(last=False)
    return program


def steps_per_call(config: Config, user_callbacks: Sequence[keras.callbacks.Callback]) -> int | None:
    """Return the steps in one call, None for as many as take a quarter of a second: ours need no closer look."""
    every = 1 if any(callbacks.sees_batches(callback) for callback in user_callbacks) else None
    return config.loop.steps_per_execution or every


def _steps_per_execution(model: keras.Model, learn: Batches) -> int:
    """Return how many steps Keras's fit takes in one call: as many as take about a tenth of a second, up to 64."""
    return max(1, min(64, int(5e9 / setup.operations(model, learn, learn.batch_size))))


def _has_constant_rate(config: Config) -> bool:
    return config.schedule.name in ("constant", "plateau")


def _fingerprint(config: Config, spec: Spec, parts: Sequence[Batches], steps: int | None) -> str:
    """Return all that shapes a program: every choice but those that `restart` can change."""
    tree = config.tree()
    for key in _BESIDE:
        del tree[key]
    tree["init"] = None
    tree["data"] = [config.data.augment, config.data.streaming]
    if _has_constant_rate(config):
        del tree["epochs"]
        if not config.optimizer.full_batch:  # Rprop's first steps are its learning rate
            del tree["optimizer"]["learning_rate"]
    arrays = [(array.shape, str(array.dtype)) for part in parts for array in part.arrays()]
    return json.dumps([tree, steps, str(spec), arrays], default=str, sort_keys=True)
