"""Where numbers were measured: machine, versions and commit, without names of hosts, users or folders."""

import importlib.metadata
import platform
import time
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measure import ROOT
from zoo.tracking import provenance


def describe() -> dict[str, Any]:
    """Return what the numbers depend on besides the code of the contests."""
    versions = provenance.versions()
    versions.pop("platform", None)
    try:
        versions["torch"] = importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        versions["torch"] = "not installed"
    return {
        "measured": time.strftime("%Y-%m-%d", time.gmtime()),
        "commit": provenance.commit(ROOT) or "unknown",
        "changed_since": provenance.diff(ROOT) is not None,
        "machine": {
            "cpu": _cpu(),
            "cores": provenance.machine()["cpus_usable"],
            "memory_gb": round(psutil.virtual_memory().total / 1024**3),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "versions": versions,
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        fields = dict(line.split(":", 1) for line in info.read_text(encoding="utf-8").splitlines() if ":" in line)
        names = {key.strip(): value.strip() for key, value in fields.items()}
        flags = sorted({"avx2", "avx512f", "avx512_bf16", "amx_bf16"} & set(names.get("flags", "").split()))
        return f"{names.get('model name', platform.processor())} ({', '.join(flags)})"
    return platform.processor() or "unknown"
