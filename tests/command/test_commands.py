"""Whole commands in processes of their own: exit codes, what is printed, what is left behind."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
TRAIN = [sys.executable, str(REPOSITORY / "train.py")]
ZOO = [str(Path(sys.executable).with_name("zoo"))]
FAST = ["model=linear", "epochs=2", "tracking=off"]
HEAVY = {"tensorflow", "keras", "mlflow", "matplotlib", "sklearn"}
NETS = """\
import keras

def wide(spec, width):
    inputs = keras.Input(spec.shape)
    hidden = keras.layers.Dense(width, "relu", name="hidden")(inputs)
    return keras.Model(inputs, keras.layers.Dense(1, name="output")(hidden))

def broken(spec):
    raise RuntimeError("This network cannot be built.")
"""


@pytest.fixture
def run(tmp_path):
    """Run a command in an empty folder."""
    environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db", "TF_CPP_MIN_LOG_LEVEL": "2"}

    def start(*command: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command,
            cwd=tmp_path,
            env={**environment, **more},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def finish(*command: str, **more: str) -> subprocess.CompletedProcess[str]:
        process = start(*command, **more)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(command, process.returncode, out, err)

    finish.start = start  # type: ignore[attr-defined]
    return finish


def imported(done: subprocess.CompletedProcess[str]) -> set[str]:
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}


@pytest.mark.parametrize(
    "words",
    [
        ["model=lstmm"],
        ["epochs=abc", "modle=lstm"],
        ["model=lstm", "data=text", "data.train=missing.txt"],
        ["data_dir=/dev/null/data", "data=mnist"],
        ["-m", "model=xor_mlp,lstm", "data=xor"],
    ],
)
def test_bad_input_is_told_without_tensorflow_or_mlflow_and_leaves_nothing(words, run, tmp_path):
    # Python then lists on standard error what it imports.
    done = run(*TRAIN, *words, PYTHONPROFILEIMPORTTIME="1")
    told = [line for line in done.stderr.splitlines() if not line.startswith("import time:")]
    assert done.returncode == 2
    assert len(told) == 1
    assert told[0].startswith("zoo: ")
    assert "hydra" in imported(done)
    assert imported(done).isdisjoint(HEAVY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flag", ["--help", "--version", "--cfg=job"])
def test_telling_needs_no_tensorflow(flag, run, tmp_path):
    done = run(*TRAIN, flag, PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    assert done.stdout
    assert imported(done).isdisjoint(HEAVY)
    assert list(tmp_path.iterdir()) == []


def test_two_runs_that_start_together_never_share_a_folder(run, tmp_path):
    processes = [run.start(*TRAIN, *FAST) for _ in range(2)]
    for process in processes:
        process.communicate(timeout=300)
    assert [process.returncode for process in processes] == [0, 0]
    assert len(list((tmp_path / "outputs").glob("*/*/config.yaml"))) == 2


def test_a_hundred_folders_named_in_the_same_second_differ():
    from zoo.start.naming import new_folder

    assert len({new_folder("outputs") for _ in range(100)}) == 100


def test_the_command_zoo_finds_the_users_modules_and_options_where_it_is_called(run, tmp_path):
    (tmp_path / "my_nets.py").write_text(NETS)
    (tmp_path / "mine/model").mkdir(parents=True)
    (tmp_path / "mine/model/wide.yaml").write_text(
        "# @package _global_\n# A wide network.\ndefaults: [_self_, {/data: xor}, {/optimizer: adam}]\n"
        "epochs: 2\nbatch_size: 4\nmodel: {build: my_nets.wide, reads: vectors, output: logits, width: 3}\n"
    )
    done = run(*ZOO, "train", "model=wide", "-cd", "mine", "tracking=off", "model.width=5", "hydra.run.dir=there")
    assert done.returncode == 0, done.stderr
    assert "wide width=5: completed" in done.stdout
    assert (tmp_path / "there/model.keras").is_file()
    assert not (tmp_path / "outputs").exists()


def test_a_sweep_goes_on_after_a_run_that_failed_and_says_so_in_its_code(run, tmp_path):
    (tmp_path / "my_nets.py").write_text(NETS)
    words = ["model=custom", "data=xor", "+model.width=2", "epochs=2", "tracking=off", "loop.jit=false"]
    done = run(*TRAIN, *words, "-m", "model.build=my_nets.broken,my_nets.wide")
    assert done.returncode != 0
    assert re.search(r"2 of 2 runs: 1 (refused|error), 1 completed\.", done.stdout)
    assert [path.parent.name for path in tmp_path.glob("multirun/*/*/*/config.yaml")] == ["1"]


def test_a_sweep_in_which_a_run_diverged_has_a_result(run, tmp_path):
    words = ["model=linear", "tracking=off", "epochs=300", "loop.jit=false"]
    done = run(*TRAIN, "-m", *words, "optimizer.learning_rate=0.01,1e30")
    assert done.returncode == 0, done.stderr
    assert "2 of 2 runs: 1 completed, 1 diverged." in done.stdout


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--help"], 0, "usage: zoo VERB"),
        ([], 0, "usage: zoo VERB"),
        (["--version"], 0, "keras-model-zoo"),
        (["train", "--help"], 0, "zoo train model=lstm"),
        (["trian"], 2, "Did you mean 'train'?"),
        (["train", "model=lstmm"], 2, "Unknown model 'lstmm'"),
    ],
)
def test_the_command_zoo_answers(words, code, said, run):
    done = run(sys.executable, "-m", "zoo", *words)
    assert done.returncode == code
    assert said in done.stdout + done.stderr
