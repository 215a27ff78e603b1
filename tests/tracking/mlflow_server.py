"""A real MLflow server on a database of its own, which tests start, stop, freeze and start again."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil


class MlflowServer:
    """Serves `mlflow.db` in a folder on a free port of 127.0.0.1.

    Args:
        folder: Where database, artifacts and log are.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: psutil.Popen | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "mlflow", "ui", "--host", "127.0.0.1", "--port", str(self.port)]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")}
        environment |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
        with open(self.folder / "server.log", "ab") as log:
            self._process = psutil.Popen(
                [*command, "--workers", "1"], cwd=self.folder, env=environment, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + 90
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"mlflow ui did not start:\n{(self.folder / 'server.log').read_text()}")
            time.sleep(0.2)

    def stop(self) -> None:
        """End it with all its processes, as a machine that is switched off would."""
        for member in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(self._family(), timeout=10)
        if self._process is not None:
            self._process.wait(10)
        self._process = None

    def freeze(self, frozen: bool) -> None:
        """Let it take requests without ever answering, or go on."""
        for member in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                member.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)

    def _family(self) -> list[psutil.Process]:
        if self._process is None or not self._process.is_running():
            return []
        return [*self._process.children(recursive=True), self._process]

    def _answers(self) -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self.url}/health", timeout=10):
                return True
        except (urllib.error.URLError, OSError):
            return False
