"""Ctrl-C at any moment of a command, and readers that leave, in processes of their own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
TRAIN = ["run_path", str(REPOSITORY / "train.py")]
ZOO = ["run_module", "zoo"]
CONSOLE = ["main", "zoo.__main__"]  # what an installed `zoo` calls
# Presses Ctrl-C when a module is first looked for, in a destructor or turned into another error if that is said.
PRESSED = """\
import atexit, os, runpy, signal, sys

def press():
    os.kill(os.getpid(), signal.SIGINT)

class Short:
    def __del__(self):
        press()

class Finder:
    def find_spec(self, name, path, target=None):
        if f"{name} dropped" == pressed:
            Short()
        if f"{name} turned" == pressed:
            try:
                press()
            except KeyboardInterrupt:
                raise ImportError("It can't be imported.")
        if name == pressed:
            press()

how, what, pressed, sys.argv = *sys.argv[1:4], ["zoo", *sys.argv[4:]]
if pressed == "exit":
    atexit.register(press)
sys.meta_path.insert(0, Finder())
if how == "main":
    from zoo.__main__ import main
    sys.exit(main())
getattr(runpy, how)(what, run_name="__main__")
"""


@pytest.fixture
def environment(tmp_path):
    """Where commands find the zoo, and keep what they make."""
    return {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }


@pytest.mark.parametrize("command", [TRAIN, ZOO, CONSOLE], ids=["train.py", "python -m zoo", "zoo"])
@pytest.mark.parametrize("moment", ["zoo.config", "pydantic", "hydra", "hydra dropped", "hydra turned"])
def test_ctrl_c_while_modules_are_imported_is_answered_in_words(command, moment, environment, tmp_path):
    words = ["--cfg=job"] if command is TRAIN else ["train", "--cfg=job"]
    done = subprocess.run(
        [sys.executable, "-c", PRESSED, *command, moment, *words],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (128 + signal.SIGINT, "", "\nzoo: Stopped.\n")


def test_ctrl_c_after_the_end_changes_nothing(environment, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PRESSED, *ZOO, "exit", "list"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "No run is recorded" in done.stdout


@pytest.mark.parametrize(
    "command",
    [["train.py", "--help"], ["-m", "zoo", "--help"], ["-m", "zoo", "list", "--help"], ["-m", "zoo", "trian"]],
    ids=" ".join,
)
def test_a_command_ends_quietly_where_nobody_reads_it(command, environment, tmp_path):
    """As before `| true`, and with output that is written at once, so that the first line fails."""
    script = str(REPOSITORY / "train.py") if command[0] == "train.py" else command[0]
    read, write = os.pipe()
    os.close(read)
    errors = tmp_path / "errors"
    for unbuffered in ("", "1"):
        with errors.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, script, *command[1:]], cwd=tmp_path, stdout=write, stderr=file,
                env={**environment, "PYTHONUNBUFFERED": unbuffered},
            )  # fmt: skip
            code = process.wait(timeout=120)
        assert "Error" not in errors.read_text()
        assert code in (0, 2, 128 + signal.SIGPIPE)
    os.close(write)
