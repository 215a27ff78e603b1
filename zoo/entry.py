"""The outermost of every command: Ctrl-C, a reader that has gone, and the end of the process.

It imports nothing of the zoo by itself, so that Ctrl-C is answered in words while all the rest is imported.
"""

import _thread
import atexit
import importlib
import os
import signal
import sys
import threading
from types import FrameType

SIGNALLED = 128  # and above: 130 after Ctrl-C, 143 after SIGTERM
STOPPED = SIGNALLED + signal.SIGINT


def enter(module: str) -> int:
    """Import a module, call its `main` and return the exit code, which Ctrl-C does not change any more by then.

    Args:
        module: Its whole name.
    """
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        # Registered first, so called last: what Python does after that would be ended by the signal, without a code.
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)
        # Not an exception: what is raised in the middle of an import is not always passed on.
        signal.signal(signal.SIGINT, _stop)
    main = importlib.import_module(module).main
    if signal.getsignal(signal.SIGINT) is _stop:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.unraisablehook = _again_if_dropped
    try:
        code = int(main())
    except BrokenPipeError:  # whoever read the output has seen enough: `python train.py --help | head`
        code = SIGNALLED + signal.SIGPIPE
    except BaseException as error:
        if not _is_from_ctrl_c(error):
            raise
        _tell()
        code = STOPPED
    _let_go_of_output()
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, frame: os._exit(code))
    return code


def _is_from_ctrl_c(error: BaseException | None) -> bool:
    """Tell whether an error began as Ctrl-C, which some libraries turn into an ImportError of theirs."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _again_if_dropped(dropped: "sys.UnraisableHookArgs") -> None:
    """Press Ctrl-C again where it came within a destructor, out of which Python lets no error."""
    if issubclass(dropped.exc_type, KeyboardInterrupt):
        again = threading.Timer(0.05, _thread.interrupt_main)  # raised at once, it would be dropped here too
        again.daemon = True
        again.start()
    else:
        sys.__unraisablehook__(dropped)


def _stop(number: int, frame: FrameType | None) -> None:
    """End before anything has begun."""
    _tell()
    os._exit(STOPPED)


def _tell() -> None:
    print("\nzoo: Stopped.", file=sys.stderr, flush=True)


def _let_go_of_output() -> None:
    """Write what waits to be shown, or drop it where nobody reads any more: Python would end with a code of its own."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
