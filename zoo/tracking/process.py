"""Which process a run belongs to, and whether that process is gone: killed, or its machine switched off."""

import json
import os
import socket
import time
from collections.abc import Mapping

BEAT_SECONDS = 30.0
STALE_SECONDS = 600.0
TAG = "process"
BEAT_TAG = "heartbeat"


def mark() -> dict[str, str]:
    """Return the tags that say which process a run belongs to, and that it lives now."""
    import psutil

    own = {"host": socket.gethostname(), "pid": os.getpid(), "started": psutil.Process().create_time()}
    return {TAG: json.dumps(own), **beat()}


def beat() -> dict[str, str]:
    """Return the tag that says that the process lives now."""
    return {BEAT_TAG: str(int(time.time()))}


def is_gone(tags: Mapping[str, str]) -> bool:
    """Tell whether the process that a run belongs to has ended.

    On this machine its id and start are looked up. Of another machine, only the run's heartbeat tells: a run that has
    not been heard of for ten minutes is taken to be lost. A run without such tags is of an older zoo, or of another
    program, which may be at work.
    """
    import psutil

    try:
        own = json.loads(tags[TAG])
        host, pid, started = own["host"], int(own["pid"]), float(own["started"])
        last = float(tags[BEAT_TAG])
    except (KeyError, ValueError, TypeError, OverflowError, RecursionError):
        return False
    if host != socket.gethostname():
        return time.time() - last > STALE_SECONDS
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) > 1 or process.status() == psutil.STATUS_ZOMBIE
    except (psutil.NoSuchProcess, ValueError, OverflowError):  # no process has such a number
        return True
    except psutil.AccessDenied:
        return False
