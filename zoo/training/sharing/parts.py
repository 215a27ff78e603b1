"""How the batches of a training are shared out to processes, and what these have to agree on. Needs no TensorFlow."""

import hashlib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from zoo.config import BadInput, Config
from zoo.training.batches import Batches
from zoo.training.sharing.workers import Workers

_OWN = ("tracking", "checkpoint", "data_dir", "name", "strategy")  # what is each process's own matter


def of(config: Config, rows: Batches, workers: Workers | None) -> tuple[int, int]:
    """Return which part of each batch is this process's, and how many parts there are.

    Raises:
        BadInput: A batch cannot be cut into so many.
    """
    index, count = (workers.index, workers.count) if workers else (0, 1)
    check(config, rows, count * (config.strategy.devices or 1))
    return index, count


def check(config: Config, rows: Batches, parts: int) -> None:
    """Refuse batches that cannot be cut into so many parts.

    Raises:
        BadInput: They cannot.
    """
    size = rows.batch_size
    if config.model.carries_state and size % parts:
        raise BadInput(
            f"batch_size={size} streams of text, whose recurrent state each device carries for its own, cannot be "
            f"shared out to {parts}. Use a multiple of {parts}, or model.carry_state=false."
        )
    if size < parts:
        raise BadInput(f"batch_size={size} is too small for {parts} devices: each needs one row at least.")


def facts(config: Config) -> dict[str, str]:
    """Return what has to be the same in all processes before they load the data: versions, code and choices."""
    tree = {key: value for key, value in config.tree().items() if key not in _OWN}
    versions = {name: metadata.version(name) for name in ("tensorflow", "keras", "numpy")}
    told = {**versions, "the zoo's code": _code(), "resume": str(config.resume)}
    return {**told, **{key: str(value) for key, value in _flat(tree)}}


def _code() -> str:
    """Return the beginning of the SHA-256 of the zoo's modules: others may exchange other messages."""
    folder = Path(__file__).parents[2]
    state = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        state.update(f"{file.relative_to(folder)}".encode() + file.read_bytes())
    return state.hexdigest()[:12]


def _flat(tree: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value
