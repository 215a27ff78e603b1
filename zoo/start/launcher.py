"""Where the runs of a sweep are made, if not here: `hydra/launcher=ray`, `hydra/launcher=slurm`, and their settings.

Hydra's own launchers, such as joblib, are left to Hydra.
"""

from collections.abc import Sequence
from typing import Any, Literal

from omegaconf import OmegaConf
from pydantic import Field, ValidationError

from zoo.config import BadInput
from zoo.config.faults import sentences
from zoo.config.sections import Section
from zoo.config.types import Count, Positive, Size, Text
from zoo.start import composer


class Launcher(Section):
    """What Ray and SLURM have in common; the files in conf/hydra/launcher say what each key means."""

    cpus_per_task: Size = 1
    gpus_per_task: Count = 0
    runs_per_task: Size = 1
    retries: Count = 2


class Ray(Launcher):
    """conf/hydra/launcher/ray.yaml."""

    name: Literal["ray"]
    address: Text | None = None


class Slurm(Launcher):
    """conf/hydra/launcher/slurm.yaml."""

    name: Literal["slurm"]
    cluster: Literal["slurm", "local"] = "slurm"
    parallel: Size = 100
    partition: Text | None = None
    minutes: Size = 1440
    memory: Positive = 8
    more: dict[str, Any] = Field(default={})


_OURS: dict[str, type[Ray] | type[Slurm]] = {"ray": Ray, "slurm": Slurm}


def read(words: Sequence[str]) -> tuple[Ray | Slurm | None, str]:
    """Return how a sweep is sent to a cluster, and the folder for its files; None where a launcher of Hydra's makes it.

    Args:
        words: Those about Hydra itself; see `zoo.start.overrides.is_hydras`.

    Raises:
        BadInput: Hydra does not understand one of them, or a value is not as it should be.
    """
    with composer.composer() as hydra:
        settings = hydra.of_hydra(words)
    folder = str(settings.sweep.dir)
    kind = _OURS.get(str(settings.runtime.choices.get("hydra/launcher")))
    if kind is None:
        return None, folder
    tree = OmegaConf.to_container(settings.launcher, resolve=True)
    assert isinstance(tree, dict)
    said = {str(key): value for key, value in tree.items()}
    try:
        return kind.model_validate(said), folder
    except ValidationError as error:
        raise BadInput(" ".join(f"hydra.launcher.{one}" for one in sentences(error, kind, said).values())) from None
