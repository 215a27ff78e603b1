"""TensorFlow's start-up noise stays out of the terminal, and errors do not."""

import subprocess
import sys

from zoo import quiet


def test_known_noise_is_noise_and_an_error_is_not():
    for line in (
        "I0000 00:00:17 port.cc:153] oneDNN custom operations are on. You may see slightly different results",
        "I0000 00:00:17 cudart_stub.cc:31] Could not find cuda drivers on your machine, GPU will not be used.",
        "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    ):
        assert quiet.NOISE.search(line)
    for line in ("E0000 out of memory", "Fatal Python error: Segmentation fault", "CUDA_ERROR_OUT_OF_MEMORY"):
        assert not quiet.NOISE.search(line)
        assert not quiet.NO_DRIVER.search(line)


def test_what_is_not_noise_is_written_again_also_from_beneath_python():
    code = (
        "import os; from zoo import quiet\n"
        "with quiet._filtered_stderr(lambda line: 'noise' in line):\n"
        "    os.write(2, b'noise of C++\\nan error of C++\\n')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "an error of C++\n"


def test_importing_tensorflow_says_nothing():
    code = "from zoo import quiet; quiet.import_tensorflow(); import tensorflow as tf; tf.constant(1.0) + 1.0"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout == ""
