"""Completion, as a shell asks for it."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zoo.command.completion import answer, complete
from zoo.config import BadInput
from zoo.start import options

REPOSITORY = Path(__file__).parents[2]
NEEDS_BASH = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("python train.py model=l", ["model=linear", "model=lstm"]),
        ("zoo train model=l", ["model=linear", "model=lstm"]),
        ("zoo t", ["train"]),
        ("python train.py opt", ["optimizer.", "optimizer="]),
        ("python train.py ep", ["epochs="]),
        ("python train.py model=lstm model.un", ["model.unit_forget_bias=", "model.units="]),
        ("python train.py model.un", []),
        ("python train.py model=lstm optimizer.learning_rate=", ["optimizer.learning_rate=0.001"]),
        ("python train.py model.activation=si", ["model.activation=sigmoid", "model.activation=silu"]),
        ("python train.py loop.jit=", ["loop.jit=false", "loop.jit=null", "loop.jit=true"]),
        ("python train.py loss=m", ["loss=mse"]),
        ("python train.py early_stopping.p", ["early_stopping.patience="]),
        ("python train.py -m model=rnn,ls", ["model=rnn,lstm"]),
        ("python train.py data=text data.train=", []),
        ("python train.py nothing.at.all=", []),
        ("python train.py zzz", []),
    ],
)
def test_a_word_is_completed_from_the_options_so_far(line, expected):
    assert complete(line) == expected


def test_every_group_and_option_is_offered():
    for group, names in options.groups().items():
        assert complete(f"python train.py {group}=") == [f"{group}={name}" for name in names]


def test_options_of_a_folder_named_on_the_line_are_offered(tmp_path):
    (tmp_path / "optimizer").mkdir()
    (tmp_path / "optimizer/mine.yaml").write_text("# Mine.\nclass_name: SGD\nlearning_rate: 1\n")
    try:
        assert complete(f"python train.py -cd {tmp_path} optimizer=mi") == ["optimizer=mine"]
    finally:
        options.search([])


@pytest.mark.parametrize("request_", ["install=fish", "install", "query=tcsh", ""])
def test_other_shells_are_refused(request_):
    with pytest.raises(BadInput, match="-sc expects install=bash"):
        answer(request_)


@NEEDS_BASH
@pytest.mark.parametrize(
    ("line", "breaks", "expected"),
    [
        ("python train.py model=l", "=", ["linear", "lstm"]),
        ("python train.py model=l", "", ["model=linear", "model=lstm"]),
        ("zoo train optimizer.learning_rate=", "=", ["0.001"]),
        ("python other.py model=l", "=", []),
    ],
)
def test_bash_gets_what_follows_its_last_break(line, breaks, expected):
    script = (
        f"{answer('install=bash')}\n"
        f"COMP_WORDBREAKS=' {breaks}'; COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; COMP_WORDS=({line})\n"
        'COMP_WORDS[0]="${COMP_WORDS[0]}"; _zoo_complete; printf "%s\\n" "${COMPREPLY[@]}"\n'
        f"{answer('uninstall=bash')}; complete -p zoo 2>/dev/null || echo gone"
    )
    done = subprocess.run(["bash", "-c", script], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == [*expected, "gone"]


@NEEDS_BASH
def test_the_tab_key_completes_in_a_real_shell():
    """The command of the README, typed into bash: eval "$(python train.py -sc install=bash)"."""
    terminal, inside = pty.openpty()
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    shell = subprocess.Popen(
        ["bash", "--norc", "-i"],
        stdin=inside, stdout=inside, stderr=inside, cwd=REPOSITORY, env={**os.environ, "PATH": path, "TERM": "dumb"},
        start_new_session=True,
    )  # fmt: skip
    os.close(inside)

    def read_until(text: str) -> str:
        seen, end = "", time.monotonic() + 60
        while text not in seen and time.monotonic() < end:
            if select.select([terminal], [], [], 0.2)[0]:
                seen += os.read(terminal, 4096).decode(errors="replace")
        return seen

    try:
        os.write(terminal, b'eval "$(python train.py -sc install=bash)"; echo rea""dy\n')
        assert "ready" in read_until("ready")
        os.write(terminal, b"python train.py model=lst\t")
        assert "model=lstm" in read_until("model=lstm")
    finally:
        shell.kill()
        shell.wait()
        os.close(terminal)
