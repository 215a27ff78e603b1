"""From words to a run's checked config: option files, the user's overrides, Hydra's composition, names.

Nothing here imports TensorFlow or MLflow.
"""

from zoo.start.composition import compose, compose_all

__all__ = ["compose", "compose_all"]
