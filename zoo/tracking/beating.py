"""The sign of life of a run whose process is busy with others, as a sweep's is: given in the background."""

import contextlib
import threading
from collections.abc import Iterator

from zoo.tracking import process
from zoo.tracking.store import open_client


@contextlib.contextmanager
def beating(run_id: str | None, uri: str | None) -> Iterator[None]:
    """Say every half a minute that a run's process lives, so that no other machine takes it to be lost.

    Args:
        run_id: Its whole id; None: nothing is said.
        uri: The resolved address of its store.
    """
    if run_id is None or uri is None:
        yield
        return
    ended = threading.Event()

    def beat() -> None:
        while not ended.wait(process.BEAT_SECONDS):
            with contextlib.suppress(Exception):  # a server that is away hears of it the next time
                client = open_client(uri)
                for key, value in process.beat().items():
                    client.set_tag(run_id, key, value)

    thread = threading.Thread(target=beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(1)  # a request may hang; it is of no use any more
