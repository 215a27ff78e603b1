"""Run peers in this process: `python -m benchmarks.peers jobs.json`; one line of JSON on standard output for each job.

A job is `{"peer": module, "spec": {...}}`. A measurement gives one job to one fresh process; the smoke size and the
chart, where starting would take longer than running, give several.
"""

import importlib
import json
import resource
import sys
import time
from pathlib import Path

BEFORE_THE_FIRST_STEP = ("import", "data", "tracking", "build", "compile")


def main() -> None:
    """Run the jobs of a file, in order."""
    for job in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        began = time.perf_counter()
        peer = importlib.import_module(f"benchmarks.peers.{job['peer']}")
        imported = time.perf_counter() - began
        values = peer.run(job["spec"])
        values["import_seconds"] = values.get("import_seconds", 0.0) + imported
        if "compile_seconds" in values:
            values["first_step_seconds"] = sum(values.get(f"{part}_seconds", 0.0) for part in BEFORE_THE_FIRST_STEP)
        own = {"peer": job["peer"], "peak_mb": peak_mb(), "job_seconds": time.perf_counter() - began}
        print("\n" + json.dumps({**own, **values}), flush=True)


def peak_mb() -> float:
    """Return the largest resident set that this process has had, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kilobytes on Linux, bytes on macOS
    return peak / 1024**2 if sys.platform == "darwin" else peak / 1024


if __name__ == "__main__":
    main()
