"""What training is given to record a run with: the interface, and the run that is not recorded."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

Status = Literal["FINISHED", "FAILED", "KILLED"]


class Run(ABC):
    """The record of one run.

    Attributes:
        id: What to find the run by, or None if nothing is recorded.
        name: What the run is called.
        ui_command: What to type to see the run: an `mlflow ui` command, or a server's page; empty if nothing is kept.
        artifact_folder: Where its artifacts are kept, if that is on this machine.
    """

    name: str
    ui_command: str
    artifact_folder: Path | None = None

    @property
    @abstractmethod
    def id(self) -> str | None: ...  # noqa: D102

    @abstractmethod
    def log_params(self, params: Mapping[str, Any]) -> None:
        """Record what the run was asked to do.

        Args:
            params: Values by name; nested mappings become dotted names. Values are recorded as `str` shows them (None
                as "None"), without passwords of addresses; one that is longer than MLflow takes is cut, and says so.
        """

    @abstractmethod
    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Record labels to search and group runs by; a later value replaces an earlier one."""

    @abstractmethod
    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Record measurements; they are written when 2 s have passed since the last write, 1,000 wait, or at `flush`.

        Args:
            metrics: Values by name. NaN is kept; MLflow stores an infinity as the largest float.
            step: The optimizer step that the values belong to.
        """

    @abstractmethod
    def log_dataset(self, name: str, digest: str, source: str, splits: Mapping[str, int]) -> None:
        """Record what the run was trained, validated and tested on.

        Args:
            name: The data set.
            digest: The hash of its arrays.
            source: Where it came from, in words.
            splits: The number of examples or tokens of each split: `{"train": 60000, "valid": 5000, "test": 5000}`.
        """

    @abstractmethod
    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Keep a file with the run, at the root of its artifacts or in a folder of them."""

    @abstractmethod
    def log_artifacts(self, folder: Path) -> None:
        """Keep everything in a folder with the run, at the root of its artifacts."""

    @abstractmethod
    def mirror(self, folder: Path, *, at_once: bool = False) -> None:
        """Let the artifacts hold the files that a folder holds, under its name, and no others there.

        It is done every half a minute, however often it is called. A folder that is among the artifacts is left alone.

        Args:
            folder: Of files that come and go, such as checkpoints.
            at_once: Do not wait for the half minute.
        """

    @abstractmethod
    def beat(self) -> None:
        """Record every half a minute, however often it is called, that the run's process lives."""

    @abstractmethod
    def flush(self) -> None:
        """Write the metrics that wait."""

    @abstractmethod
    def finish(self, status: Status) -> None:
        """Write what waits and close the run; the first status that was recorded stands."""


class Off(Run):
    """A run that is not recorded."""

    def __init__(self, name: str):
        self.name, self.ui_command = name, ""

    @property
    def id(self) -> None:
        """None."""
        return None

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Do nothing."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Do nothing."""

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        """Do nothing."""

    def log_dataset(self, name: str, digest: str, source: str, splits: Mapping[str, int]) -> None:
        """Do nothing."""

    def log_artifact(self, path: Path, folder: str | None = None) -> None:
        """Do nothing."""

    def log_artifacts(self, folder: Path) -> None:
        """Do nothing."""

    def mirror(self, folder: Path, *, at_once: bool = False) -> None:
        """Do nothing."""

    def beat(self) -> None:
        """Do nothing."""

    def flush(self) -> None:
        """Do nothing."""

    def finish(self, status: Status) -> None:
        """Do nothing."""
