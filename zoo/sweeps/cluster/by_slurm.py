"""Tasks of a sweep as jobs of SLURM, through submitit; or as processes of this machine, to try it."""

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import zoo
from zoo.config import BadInput, Config
from zoo.start.launcher import Slurm
from zoo.sweeps.cluster.site import Site
from zoo.sweeps.cluster.task import Answer, Lost, Task, perform

_RESULT_SECONDS = 5  # in which a result that was written has to be seen on a disk that is shared
_FOLDER = "jobs"  # in that of the sweep: what is submitted, what comes back, what jobs print


@contextlib.contextmanager
def opened(settings: Slurm, folder: Path) -> Iterator["Jobs"]:
    """Have jobs submitted.

    Raises:
        BadInput: submitit is not installed, there is no SLURM here, or a setting is not one of submitit's.
    """
    try:
        import submitit
    except ImportError:
        raise BadInput(
            "hydra/launcher=slurm needs submitit, which is not installed. pip install 'keras-model-zoo[slurm]'."
        ) from None
    if settings.cluster == "slurm" and shutil.which("sbatch") is None:
        raise BadInput(
            "There is no SLURM here: the command sbatch is not found. Start the sweep on a login node, or try it with "
            "processes of this machine: hydra.launcher.cluster=local."
        )
    try:
        executor = submitit.AutoExecutor(folder=(folder / _FOLDER).resolve() / "%j", cluster=settings.cluster)
        executor.update_parameters(**_parameters(settings))
    except (TypeError, ValueError, NameError, RuntimeError) as error:
        said = str(error).strip().partition("\n")[0]
        raise BadInput(f"submitit does not take hydra.launcher.more={settings.more}: {said}") from error
    jobs = Jobs(settings, executor)
    try:
        yield jobs
    finally:
        jobs.cancel()


class Jobs:
    """Jobs of this sweep; see `zoo.sweeps.cluster.spread.Cluster`."""

    def __init__(self, settings: Slurm, executor: Any):
        self._settings, self._executor = settings, executor
        self._waiting: list[Task] = []
        self._running: list[tuple[Any, Task]] = []
        self.slots = settings.parallel if settings.cluster == "slurm" else _cores() // settings.cpus_per_task or 1
        where = "SLURM" if settings.cluster == "slurm" else "this machine"
        self.described = f"{where}, {self.slots} at a time"

    def faults(self, site: Site, configs: Sequence[Config]) -> list[str]:
        """Return nothing: which nodes will take part is not known before they do, and each looks for itself."""
        return []

    def start(self, tasks: Sequence[Task]) -> None:
        """Give out tasks."""
        self._waiting += tasks
        self._submit()

    def ended(self, seconds: float) -> list[tuple[Task, Answer | Lost]]:
        """Wait for so long at most, and return the tasks that have ended since the last call."""
        deadline = time.monotonic() + seconds
        while not (done := [pair for pair in self._running if pair[0].done()]) and time.monotonic() < deadline:
            time.sleep(min(0.1, seconds))
        self._running = [pair for pair in self._running if not any(pair[0] is job for job, _ in done)]
        self._submit()
        return [(task, _answer(job)) for job, task in done]

    def cancel(self) -> list[Task]:
        """Ask what runs to come to an end, as Ctrl-C does, and return what has not begun."""
        back, self._waiting = self._waiting, []
        for job, _ in self._running:
            with contextlib.suppress(Exception):  # it has ended meanwhile
                if self._settings.cluster == "local":  # submitit's own way gives it a second
                    os.kill(int(job.job_id), signal.SIGTERM)
                else:
                    job.cancel(check=False)
        return back

    def _submit(self) -> None:
        """Submit as many as may run at a time, those of one moment as an array."""
        count = self.slots - len(self._running)
        tasks, self._waiting = self._waiting[:count], self._waiting[count:]
        if not tasks:
            return
        with _environment(), self._executor.batch():
            jobs = [self._executor.submit(perform, task) for task in tasks]
        self._running += zip(jobs, tasks, strict=True)


def _answer(job: Any) -> Answer | Lost:
    from submitit.core.utils import FailedJobError, UncompletedJobError

    job._results_timeout_s = _RESULT_SECONDS
    try:
        answer = job.result()
        assert isinstance(answer, Answer)
        return answer
    except UncompletedJobError:
        return Lost(f"job {job.job_id} ended without an answer.")
    except FailedJobError as error:  # of our own code, or one that can't be imported there
        lines = [line for line in str(error).splitlines() if line.strip()]
        return Answer([], fault=f"Job {job.job_id} failed: {lines[-1].strip() if lines else error}")


def _parameters(settings: Slurm) -> dict[str, Any]:
    shared: dict[str, Any] = {"timeout_min": settings.minutes}
    if settings.cluster == "local":
        return shared | settings.more
    shared |= {
        "name": "zoo",
        "cpus_per_task": settings.cpus_per_task,
        "gpus_per_node": settings.gpus_per_task,
        "mem_gb": settings.memory,
        "slurm_array_parallelism": settings.parallel,
    }
    if settings.partition is not None:
        shared["slurm_partition"] = settings.partition
    return shared | {key if key.startswith("slurm_") else f"slurm_{key}": one for key, one in settings.more.items()}


@contextlib.contextmanager
def _environment() -> Iterator[None]:
    """Have jobs find the zoo's code and that of the current folder, and start quietly."""
    paths = [str(Path(zoo.__file__).parents[1]), *(path for path in sys.path if path == os.getcwd())]
    own = {
        "PYTHONPATH": os.pathsep.join(dict.fromkeys([*paths, *os.environ.get("PYTHONPATH", "").split(os.pathsep)])),
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "1"),
    }
    before = {key: os.environ.get(key) for key in own}
    os.environ.update(own)
    is_main = threading.current_thread() is threading.main_thread()
    # Processes of this machine inherit that Ctrl-C is not for them: the sweep tells them, in time to write their end.
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if is_main else None
    try:
        yield
    finally:
        if is_main:
            signal.signal(signal.SIGINT, handler)
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def _cores() -> int:
    return os.cpu_count() or 1
