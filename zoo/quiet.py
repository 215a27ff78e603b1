"""TensorFlow without its start-up noise, and with its errors."""

import os
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo import collector

NOISE = re.compile(
    "|".join(
        [
            r"All log messages before absl::InitializeLog\(\) is called",
            r"oneDNN custom operations are on",
            r"Could not find cuda drivers on your machine",
            r"cpu_feature_guard\.cc.*optimized to use available CPU instructions",
            r"To enable the following instructions: .* rebuild TensorFlow",
            r"Unable to register cu(FFT|DNN|BLAS) factory",
            r"computation_placer.*already registered",
        ]
    )
)
NO_DRIVER = re.compile(r"failed call to cuInit: .*(UNKNOWN ERROR \(303\)|CUDA_ERROR_NO_DEVICE)")


def import_tensorflow() -> None:
    """Import TensorFlow and let it look for devices, showing only what a user can use.

    What it says in that time is written again, but for the lines above; that there is no CUDA device is said by
    TensorFlow as an error, and is one only on a machine with an NVIDIA driver.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    has_driver = Path("/proc/driver/nvidia").exists()
    shown = _filtered_stderr(lambda line: NOISE.search(line) or (not has_driver and NO_DRIVER.search(line)))
    with collector.importing("tensorflow"), shown:
        import tensorflow as tf

        tf.config.list_physical_devices()
    tf.get_logger().setLevel("ERROR")
    ignore_missing_widgets()
    # fit is given its batches in their order as a tf.data.Dataset, on purpose.
    warnings.filterwarnings("ignore", message=".*`shuffle=True` was passed, but will be ignored.*")


def ignore_missing_widgets() -> None:
    """Give a notebook without ipywidgets plain progress bars; MLflow and Keras would say no more of it than that."""
    warnings.filterwarnings("ignore", message="IProgress not found")


@contextmanager
def _filtered_stderr(is_noise) -> Iterator[None]:  # type: ignore[no-untyped-def]
    """Hold back what is written to the process's standard error, C++ included, and write on what is not noise."""
    try:
        sys.stderr.flush()
        kept = os.dup(2)
    except (OSError, ValueError, AttributeError):  # no real standard error: a notebook, a closed stream
        yield
        return
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            lines = held.read().decode(errors="replace").splitlines(keepends=True)
            sys.stderr.write("".join(line for line in lines if not is_noise(line)))
