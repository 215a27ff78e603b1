"""What is asked of a record that has grown: whole commands, over a real sweep and as many copies of it as it takes."""

import subprocess
import sys
import tempfile
import time
from typing import Any

from benchmarks.measure import ROOT
from benchmarks.peers.stores import multiply, opened, sizes
from zoo import tracking


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Fill a store, and ask it.

    Args:
        spec: `store`; `seeds`, the runs of the sweep; `times`, how many sweeps there are in the end.

    Returns:
        `list_seconds`, `report_seconds` (of one sweep), `best_seconds` (of all runs): whole commands. `runs`: how many
        there are; `rows_per_run`, `bytes_per_run`.
    """
    with opened(spec["store"]) as store, tempfile.TemporaryDirectory() as folder:

        def command(*words: str) -> float:
            began = time.perf_counter()
            subprocess.run([sys.executable, *words], cwd=folder, check=True, capture_output=True)
            return time.perf_counter() - began

        words = ("model=xor_mlp", f"seed=range({spec['seeds']})", "epochs=10")
        command(str(ROOT / "train.py"), "-m", *words)
        sweep = tracking.newest_sweep(store.uri)
        runs = multiply(store.database, spec["times"])
        zoo = ("-m", "zoo")
        return {
            "runs": runs,
            **sizes(store.database),
            "list_seconds": command(*zoo, "list"),
            "report_seconds": command(*zoo, "report", f"sweep={sweep}"),
            "best_seconds": command(*zoo, "show", "best:tags.model = 'xor_mlp'"),
        }
