"""Tasks of a sweep on a Ray cluster: one that runs already, or one of this machine for the time of the sweep.

Ray schedules; what to do about a lost node is decided by who gave out the task, so that nothing is made twice.
"""

import contextlib
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import zoo
from zoo.config import BadInput, Config
from zoo.start import options
from zoo.start.launcher import Ray
from zoo.sweeps.cluster.site import Site, fault_of_node
from zoo.sweeps.cluster.task import Answer, Lost, Task, perform

_CONNECT_SECONDS = 4.0
_CHECK_SECONDS = 600.0  # in which data is downloaded, too
_RESULTS = 2**28  # bytes that a cluster of our own keeps in memory of what tasks have returned
_LONGEST = 30  # characters of a folder in which Ray's sockets have room: their whole paths may have 107


@contextlib.contextmanager
def opened(settings: Ray) -> Iterator["RayCluster"]:
    """Join a cluster, or start one here; it gets the zoo's code and that of the current folder.

    Raises:
        BadInput: Ray is not installed, or the cluster can't be reached or is of another version.
    """
    try:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        import ray
    except ImportError:
        raise BadInput(
            "hydra/launcher=ray needs Ray, which is not installed. pip install 'keras-model-zoo[ray]'."
        ) from None
    if ray.is_initialized():
        raise BadInput("This process has joined a Ray cluster already. Leave it first: ray.shutdown().")
    _check_answers(settings.address)
    own: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        code = Path(temporary) / "code"
        _copy_code(code)
        if settings.address is None:
            own = {"num_cpus": os.cpu_count(), "include_dashboard": False, "object_store_memory": _RESULTS}
            own["_node_ip_address"] = "127.0.0.1"
            if len(temporary) <= _LONGEST:  # else Ray's logs stay in its own folder, and are not removed
                own["_temp_dir"] = str(Path(temporary) / "ray")
        try:
            ray.init(
                address=settings.address or "local",
                runtime_env={"working_dir": str(code)},
                log_to_driver=False,
                logging_level=logging.ERROR,
                **own,
            )
        except Exception as error:  # of many kinds
            said = str(error).strip().partition("\n")[0]
            raise BadInput(
                f"The Ray cluster at {settings.address or 'this machine'} can't be joined: {said}"
            ) from error
        try:
            yield RayCluster(settings)
        finally:
            ray.shutdown()


class RayCluster:
    """An opened cluster; see `zoo.sweeps.cluster.spread.Cluster`."""

    def __init__(self, settings: Ray):
        import ray

        self._needs = {"num_cpus": settings.cpus_per_task, "num_gpus": settings.gpus_per_task}
        self._perform = ray.remote(**self._needs, max_retries=0)(perform)
        self._given: dict[Any, Task] = {}
        self._nodes = [node for node in ray.nodes() if node["Alive"]]
        fits = [_fit(node["Resources"], settings) for node in self._nodes]
        self.slots = sum(fits)
        self.described = f"Ray, {len(self._nodes)} node{'s' * (len(self._nodes) != 1)}, {self.slots} at a time"
        if not self.slots:
            most = ", ".join(
                f"{node['Resources'].get('CPU', 0):.0f} cores and {node['Resources'].get('GPU', 0):.0f} GPUs"
                for node in self._nodes
            )
            raise BadInput(
                f"No node has what a task needs: {settings.cpus_per_task} cores and {settings.gpus_per_task} GPUs. "
                f"The nodes have {most}. Lower hydra.launcher.cpus_per_task or gpus_per_task."
            )

    def faults(self, site: Site, configs: Sequence[Config]) -> list[str]:
        """Return what keeps nodes from taking part, in sentences; data is prepared on the way."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy as On

        check = ray.remote(num_cpus=0, max_retries=0)(fault_of_node)
        asked = {
            check.options(scheduling_strategy=On(node["NodeID"], soft=False)).remote(site, list(configs)): node
            for node in self._nodes
        }
        found = []
        for answer, node in asked.items():
            try:
                fault = ray.get(answer, timeout=_CHECK_SECONDS)
            except ray.exceptions.RayError as error:
                fault = _first_line(error)
            if fault:
                found.append(f"Node {node['NodeManagerAddress']}: {fault}.")
        return found

    def start(self, tasks: Sequence[Task]) -> None:
        """Give out tasks."""
        for task in tasks:
            self._given[self._perform.options(name=f"task {task.number}").remote(task)] = task

    def ended(self, seconds: float) -> list[tuple[Task, Answer | Lost]]:
        """Wait for so long at most, and return the tasks that have ended since the last call."""
        import ray

        done, _ = ray.wait(list(self._given), num_returns=1, timeout=seconds) if self._given else ([], [])
        if done:  # and all others that have
            done, _ = ray.wait(list(self._given), num_returns=len(self._given), timeout=0)
        found: list[tuple[Task, Answer | Lost]] = []
        for one in done:
            task = self._given.pop(one)
            try:
                found.append((task, ray.get(one)))
            except (ray.exceptions.RayTaskError, ray.exceptions.RuntimeEnvSetupError) as error:
                found.append((task, Answer([], fault=_first_line(getattr(error, "cause", None) or error))))
            except ray.exceptions.RayError as error:
                found.append((task, Lost(_first_line(error))))
        return found

    def cancel(self) -> list[Task]:
        """Ask what runs to come to an end, as Ctrl-C does; what has not begun ends as lost."""
        import ray

        for one in self._given:
            with contextlib.suppress(ray.exceptions.RayError, ValueError):
                ray.cancel(one)
        return []


def _check_answers(address: str | None) -> None:
    """Ask a cluster's port for an answer, since Ray itself asks for a minute."""
    host, colon, port = (address or "").removeprefix("ray://").rpartition(":")
    if address in (None, "auto"):
        return
    if not colon or not port.isdigit() or not host:
        raise BadInput(f"hydra.launcher.address should be host:port, or auto. Received: {address}.")
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise BadInput(
            f"No Ray cluster answers at {address} ({error}). Start one with `ray start --head`, or leave "
            "hydra.launcher.address out to have one for the time of the sweep."
        ) from None


def _fit(resources: dict[str, float], settings: Ray) -> int:
    by_cores = resources.get("CPU", 0) // settings.cpus_per_task
    by_gpus = resources.get("GPU", 0) // settings.gpus_per_task if settings.gpus_per_task else by_cores
    return int(min(by_cores, by_gpus))


def _copy_code(folder: Path) -> None:
    """Copy what tasks import: the zoo with its options, and the modules of the current folder."""
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    package = Path(zoo.__file__).parent
    shutil.copytree(package, folder / "zoo", ignore=ignored)
    if not (folder / "zoo" / "conf").exists():
        shutil.copytree(options.conf_dir(), folder / "zoo" / "conf", ignore=ignored)
    for path in Path.cwd().iterdir():
        if path.suffix == ".py" and path.is_file():
            shutil.copy(path, folder)
        elif (path / "__init__.py").is_file() and not (folder / path.name).exists():
            shutil.copytree(path, folder / path.name, ignore=ignored)


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
