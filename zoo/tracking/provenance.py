"""Where a run comes from: commit and changes of the code, versions of packages, and the machine.

Only what is named here is read: never the whole environment, which may hold secrets.
"""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

_PACKAGES = ("keras-model-zoo", "tensorflow", "keras", "mlflow", "hydra-core", "numpy")
# Variables that change the numbers or the speed of a run.
_VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "KERAS_BACKEND",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED",
    "TF_CUDNN_DETERMINISTIC",
    "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS",
    "TF_NUM_INTEROP_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_XLA_FLAGS",
    "XLA_FLAGS",
)
_GIT_SECONDS = 10.0
_DIFF_LENGTH = 2_000_000


def commit(folder: Path) -> str | None:
    """Return the commit that a folder is at, or None outside a git repository."""
    return (_git(folder, "rev-parse", "--verify", "HEAD") or "").strip() or None


def diff(folder: Path) -> str | None:
    """Return what differs from the commit, followed by the names of untracked files as comment lines.

    Returns:
        The text of `git diff HEAD`, which `git apply` takes, or None if nothing differs or there is no repository.
        Changes of more than two million characters are cut, and say so.
    """
    changes = _git(folder, "diff", "HEAD", "--no-ext-diff", "--no-textconv", "--no-color") or ""
    if len(changes) > _DIFF_LENGTH:
        changes = f"{changes[:_DIFF_LENGTH]}\n# Cut: the whole has {len(changes):,} characters.\n"
    untracked = _git(folder, "ls-files", "--others", "--exclude-standard", "-z") or ""
    names = "".join(f"# Untracked: {name!r}\n" for name in untracked.split("\0") if name)
    return changes + names or None


def versions() -> dict[str, str]:
    """Return the versions of Python, the platform and the packages that a result depends on, without importing them."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in _PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str]:
    """Return the number of processors, how many of them this process may use, and the variables that change results."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    variables = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    return {"cpu_count": str(os.cpu_count()), "cpus_usable": str(usable), **variables}


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what a git command prints, or None if git is missing, refuses or takes too long."""
    # Looking must neither run the programs that a repository names nor lock its index, and a diff must be one that
    # `git apply` takes, whatever the user's settings.
    settings = ("core.fsmonitor=false", "diff.noprefix=false", "diff.mnemonicPrefix=false")
    options = [part for setting in settings for part in ("-c", setting)]
    command = ["git", "-C", str(folder), "--no-optional-locks", *options, *arguments]
    # Set inside a git hook, these would send every command to the hook's repository.
    environment = {
        key: value for key, value in os.environ.items() if key not in {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}
    }
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=_GIT_SECONDS, check=True, stdin=subprocess.DEVNULL, env=environment
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace")
