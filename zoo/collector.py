"""Python's garbage collector, kept from looking through what the large libraries leave in memory.

Importing TensorFlow and MLflow makes half a million objects that stay. The collector would look through them again and
again, which takes a fifth of the time of the imports, and once more when the process ends, which takes over a second.
"""

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing(library: str) -> Iterator[None]:
    """Pause the collector while a large library is imported the first time, and leave out what it made from then on."""
    if library in sys.modules:
        yield
        return
    was_enabled = gc.isenabled()
    gc.collect()  # what is garbage now would never be found again
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()


def end_quickly() -> None:
    """Leave out everything when the process ends: its memory goes back as a whole."""
    atexit.register(gc.freeze)
