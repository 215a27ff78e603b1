"""A zoo of small Keras models: composed by Hydra, trained by fit or by GradientTape, tracked by MLflow.

Importing it is light: what the commands need comes when they start, TensorFlow when a run does.

Example:
    >>> import zoo
    >>> result = zoo.train("model=xor_mlp", "optimizer=rprop", "batch_size=full")
    >>> model = zoo.load(result.run_id).model
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.config import Config
    from zoo.kept import Loaded
    from zoo.outcome import Result
    from zoo.sweeps.life import Swept

__all__ = ["compose", "load", "search", "sweep", "train"]


def compose(*words: str) -> "Config":
    """Compose and check a config, as the command line does; see `zoo.start.compose`.

    Args:
        words: Of the command line, such as `"model=lstm"` and `"optimizer.learning_rate=0.01"`.

    Raises:
        BadInput: A choice, key or value is not valid.
    """
    from zoo.start import compose

    return compose(*words)


def train(*overrides: str) -> "Result":
    """Train what the words of a command line ask for; see `zoo.run.run`.

    Args:
        overrides: Such as `"model=lstm"` and `"optimizer.learning_rate=0.01"`.

    Raises:
        BadInput: A choice, key or value is not valid.
    """
    from zoo.run import run

    return run(compose(*overrides))


def sweep(*words: str) -> "Swept":
    """Make a run for each combination of values, under one parent run; see `zoo.sweeps.execute.execute`.

    Args:
        words: Such as `"model=xor_mlp"`, `"optimizer=sgd,adam"`, `"seed=range(10)"`, or a preset: `"sweep=inits"`.

    Raises:
        BadInput: A choice, key or value is not valid.
    """
    from zoo.start import grid
    from zoo.sweeps.execute import execute

    return execute(grid.read(words))


def search(*words: str) -> "Swept":
    """Search for the best values of some keys, under one parent run; see `zoo.sweeps.search.execute`.

    Args:
        words: Such as `"search=tpe"`, `"search.trials=50"`, `"data=digits"` and
            `"search.space={optimizer.learning_rate: [1e-5, 1e-1, log]}"`.

    Raises:
        BadInput: A choice, key or value is not valid.
    """
    from zoo.start import search
    from zoo.sweeps.search import execute

    return execute(search.read(words))


def load(run_id: str, tracking_uri: str | None = None) -> "Loaded":
    """Return the model, config and vocabulary of a tracked run; see `zoo.kept.load`."""
    from zoo.kept import load

    return load(run_id, tracking_uri)
