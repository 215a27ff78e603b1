"""What all tests share."""

import contextlib
import gc
import os
import signal
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

# Tests that run beside each other have a core each: threads of several processes wait for one another on few cores.
# A setting of the caller's is kept, and so are TensorFlow's threads where all tests run in one process.
if "PYTEST_XDIST_WORKER" in os.environ:
    for _setting in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(_setting, "1")


# What runs in the background ignores Ctrl-C, and under nohup the end of its terminal; so would whatever tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

_failed = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember that a test has failed."""
    report = yield
    item.stash[_failed] = report.failed or item.stash.get(_failed, False)
    return report


@pytest.fixture(autouse=True)
def _nothing_goes_on(request: pytest.FixtureRequest) -> Iterator[None]:
    """End the processes that a failed test has started: it did not come to that itself."""
    began = time.time()
    yield
    if request.node.stash.get(_failed, False):
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if child.create_time() > began:
                    child.kill()


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One folder of prepared data for the whole session, so that each data set is fetched once; runs find it too."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_DATA_DIR", str(folder))
        yield folder


@dataclass(frozen=True)
class Trained:
    """What the training of one run left: its weights and optimizer as copies, as its model may be used again."""

    config: Any
    splits: Any
    program: Any
    training: Any
    logged: list[tuple[int, dict[str, float]]]
    weights: list[Any]
    optimizer: list[Any]

    def untimed(self) -> list[tuple[int, dict[str, float]]]:
        """Return what was logged of each epoch, but for how long it took."""
        return [
            (step, {name: value for name, value in metrics.items() if not name.endswith(("_seconds", "_per_second"))})
            for step, metrics in self.logged
        ]


@pytest.fixture
def train_one(data_dir: Path) -> Callable[..., Trained]:
    """Compose (unless given a config), load and train one run, without the rest of its life.

    Runs of the same shapes use one compiled program, as they do outside of tests; `fresh` gives a run its own.
    """
    from rich.console import Console

    from zoo import compose, data
    from zoo.training import batches, program
    from zoo.training.callbacks import load_user_callbacks
    from zoo.training.checkpoint_files import CheckpointFolder
    from zoo.training.train import train

    def one(
        *words: Any,
        fresh: bool = False,
        check_interrupt: Callable[[], None] = lambda: None,
        checkpoints: Path | None = None,
    ) -> Trained:
        if fresh:
            program._recent.clear()
        config = compose(*words) if isinstance(words[0], str) else words[0]
        splits = data.load(config.data, folder=data_dir, vocab_size=config.model.vocab_size)
        learn, measure = batches.training(splits, config), batches.evaluation(splits.valid, splits, config)
        callbacks = load_user_callbacks(config.callbacks)
        used = program.prepare(config, splits, learn, measure, callbacks)
        logged: list[tuple[int, dict[str, float]]] = []
        training = train(
            used.model,
            splits,
            config,
            log=lambda metrics, step: logged.append((step, metrics)),
            console=Console(quiet=True),
            check_interrupt=check_interrupt,
            checkpoints=CheckpointFolder(checkpoints) if checkpoints else None,
            user_callbacks=callbacks,
            program=used,
        )
        state = [variable.numpy() for variable in used.model.optimizer.variables]
        return Trained(config, splits, used, training, logged, used.model.get_weights(), state)

    return one


@pytest.fixture(scope="module", autouse=True)
def collector() -> None:
    """Keep the garbage collector from what the libraries have made by now: it would look through it in every test."""
    gc.collect()
    gc.freeze()
