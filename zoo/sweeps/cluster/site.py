"""What the nodes of a cluster need to have in common with the client, and whether one has it.

Versions of packages, the store that runs are recorded in, and the data, which is prepared once a node.
"""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from zoo import tracking
from zoo.config import Config, Tracking
from zoo.run import load

# Of these, a node has to have the client's version: they decide about the numbers, or about what is written.
PACKAGES = ("tensorflow", "keras", "numpy", "mlflow", "pydantic", "hydra-core", "omegaconf")
# What the user's environment says of stores and of the zoo, with passwords: it travels with the task, and is in no log.
_PASSED_ON = ("MLFLOW_", "AWS_", "AZURE_", "GOOGLE_", "ZOO_", "PG")


@dataclass(frozen=True)
class Site:
    """What a node has to have in common with the client.

    Attributes:
        versions: Of Python and of the packages that matter.
        environment: Variables that the client's processes have.
        threads: Of TensorFlow, in one task.
        store: Where runs are recorded, with the address in full.
        token: A file beside the database, if that is one of files: who sees it, shares the disk.
    """

    versions: Mapping[str, str]
    environment: Mapping[str, str] = field(repr=False)
    threads: int
    store: Tracking = field(repr=False)
    token: Path | None = None


def versions() -> dict[str, str]:
    """Return the versions of what decides about results here."""
    found = {"Python": ".".join(map(str, sys.version_info[:3]))}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found


def environment() -> dict[str, str]:
    """Return the variables that travel with a task."""
    return {key: value for key, value in os.environ.items() if key.startswith(_PASSED_ON)}


def fault_of_process(site: Site) -> str:
    """Return what keeps this process from making runs, in a sentence, or nothing; it has the environment then."""
    own = versions()
    if wrong := [f"{name} {own[name]} rather than {of}" for name, of in site.versions.items() if own[name] != of]:
        return f"it has {', '.join(wrong)}. Install the same versions there as here"
    if site.token is not None and not site.token.exists():
        return (
            f"it does not see {site.token.parent}, where the tracking database is. Use a tracking server "
            "(tracking.uri=http://...), or a disk that all nodes share"
        )
    os.environ.update(site.environment)
    return ""


def fault_of_node(site: Site, configs: Sequence[Config]) -> str:
    """Return what keeps this node from making runs, in a sentence, or nothing; their data is prepared on the way.

    Args:
        site: What it has to have.
        configs: Of runs with different data.
    """
    if fault := fault_of_process(site):
        return fault
    try:
        if site.token is None:
            tracking.connect(site.store, configs[0].model.name)
        for config in configs:
            load(config)
    except Exception as error:
        return str(error).strip().partition("\n")[0].rstrip(".")
    return ""
