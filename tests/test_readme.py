"""What the README says is true: its commands compose, its examples run as they stand, its table has every option."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

import zoo
from tests.tracking.mlflow_server import MlflowServer
from tests.training.sharing.processes import Group
from zoo import tracking
from zoo.command.main import main
from zoo.start import grid, options, search

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = ["README.md", "CONTRIBUTING.md", *(str(page.relative_to(ROOT)) for page in sorted(ROOT.glob("docs/*.md")))]


def section(title: str) -> str:
    """Return what stands below a heading, up to the next."""
    match = re.search(rf"^##+ {re.escape(title)}\n(.*?)(?=^##+ |\Z)", README, re.M | re.S)
    assert match is not None, f"README.md has no heading '{title}'"
    return match[1]


def blocks(text: str, language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.M | re.S)
    return [block for name, block in fenced if name == language]


def commands(text: str) -> list[list[str]]:
    """Return the words of each command in the bash blocks of a text."""
    lines = [line for block in blocks(text, "bash") for line in block.splitlines()]
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def files(text: str) -> dict[str, str]:
    """Return the blocks that follow a line with nothing but a file's name."""
    return dict(re.findall(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", text, re.M | re.S))


def trainings(text: str) -> Iterator[list[str]]:
    """Give the arguments of each `python train.py`, `zoo train` and `make train`."""
    for words in commands(text):
        if words[:2] in (["python", "train.py"], ["zoo", "train"]):
            yield words[2:]
        elif words[:2] == ["make", "train"]:
            yield [word for one in words[2:] for word in shlex.split(one.partition("=")[2])]


@pytest.fixture
def folder(tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder with a tracking database of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    # `python train.py` finds modules beside it; here it is elsewhere.
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def python(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, timeout=300, env=dict(os.environ)
    )
    if done.returncode == 2 and "is within reach" in done.stderr:  # a machine without a network: said, and no more
        assert " is out of reach" in done.stderr
        return done.stdout
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def serves(*arguments: str, cwd: Path) -> None:
    """Start a server, wait until it says that it answers, and stop it as Ctrl-C does."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [re.sub("^port=.*", f"port={port}", word) for word in arguments]
    with subprocess.Popen([sys.executable, *words], cwd=cwd, stdout=subprocess.PIPE, text=True) as started:
        try:
            assert started.stdout is not None
            assert any(f"http://127.0.0.1:{port}" in line for line in started.stdout), words
        finally:
            started.send_signal(signal.SIGINT)
        assert started.wait(60) == 0


def draw_a_digit(folder: Path) -> None:
    """Draw the picture that the pages ask about: a seven, dark on light."""
    from PIL import Image, ImageDraw

    picture = Image.new("L", (120, 160), 240)
    ImageDraw.Draw(picture).line([(25, 30), (95, 30), (55, 135)], fill=20, width=14)
    picture.save(folder / "digit.png")


def add(written: dict[str, str], folder: Path) -> None:
    for name, text in written.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


_FROM_A_RUN = ("resume=", "rerun=", "init_from=")


def interrupted() -> str:
    """Return the id of a run that was interrupted, as its record says."""
    run_id = zoo.train("data=digits", "debug=smoke").run_id
    assert run_id is not None
    client = MlflowClient()
    client.set_terminated(run_id, "KILLED")
    client.set_tag(run_id, "outcome", "interrupted")
    return run_id


@pytest.mark.parametrize("page", PAGES)
def test_every_command_composes(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(files(README) | {"my.txt": "a text\n"}, folder)
    monkeypatch.syspath_prepend(folder)
    found = list(trainings((ROOT / page).read_text(encoding="utf-8")))
    assert found or page != "README.md"
    if any(word.startswith(_FROM_A_RUN) for words in found for word in words):
        run_id = interrupted()
        zoo.train("data=digits", "debug=smoke")
        found = [[word.replace("3fa2c1d0", run_id) for word in words] for words in found]
    for words in found:
        if "--config-dir" in words:
            continue  # run below
        said = [word for word in words if not word.startswith("-")]
        if any(word.startswith("search.resume=") for word in said):
            continue  # of one that is there: tests/sweeps/test_search.py
        if search.is_search(said):
            assert search.read(said).config.epochs > 0, words
            continue
        table = grid.read(said) if "-m" in words or grid.is_sweep(said) else None
        config = table.cells[0].config if table else zoo.compose(*said)
        assert config.epochs > 0, words


@pytest.mark.full
@pytest.mark.parametrize("page", PAGES)
def test_every_command_runs(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order of the page, small; what sets up the environment, or shows the record in a browser, is left out."""
    text = (ROOT / page).read_text(encoding="utf-8")
    add(files(README) | {"my.txt": "a text\n" * 2000, "README.md": README}, folder)
    shutil.copytree(ROOT / "docs", folder / "docs")
    draw_a_digit(folder)
    server = MlflowServer(folder)
    if "http://127.0.0.1:5000" in text.replace("then http://127.0.0.1:5000 in a browser", ""):
        server.start()
        text = text.replace("http://127.0.0.1:5000", server.url)
    try:
        if any(word.startswith(_FROM_A_RUN) for words in commands(text) for word in words):
            text = text.replace("3fa2c1d0", interrupted())
        for words in commands(text):
            if words[-1] == "resume=last" or words[2:3] == ["resume=last"]:
                interrupted()
            if "strategy=multiworker" in words:
                with Group((*words[2:], "debug=smoke")) as group:
                    codes, printed = group.ended()
                assert codes == [0, 0] or all("is within reach" in one for one in printed), printed
            elif words[:2] == ["python", "train.py"]:
                python(str(ROOT / "train.py"), *words[2:], *([] if "--help" in words else ["debug=smoke"]), cwd=folder)
            elif words[:4] == ["python", "-m", "zoo", "serve"]:
                serves(*words[1:], cwd=folder)
            elif words[:3] == ["python", "-m", "zoo"]:
                python(*words[1:], cwd=folder)
            elif words[0] == "export":
                monkeypatch.setenv(*words[1].split("="))
    finally:
        server.stop()


def test_the_table_of_choices_names_every_option_and_no_other() -> None:
    rows = re.findall(r"^\| `(\w+)=` \| (.*) \|$", section("The choices"), re.M)
    told = {group: set(re.findall(r"`(\w+)`", names)) for group, names in rows}
    assert told == {group: set(names) for group, names in options.groups().items()}


@pytest.mark.parametrize("page", ["README.md", "docs/recipes.md"])
def test_every_recipe_has_a_row_among_the_results(page: str) -> None:
    match = re.search(r"<!-- results -->(.*)<!-- /results -->", (ROOT / page).read_text(encoding="utf-8"), re.S)
    assert match is not None
    assert re.findall(r"^\| \[(\w+)\]\(", match[1], re.M) == options.names_in("experiment")


@pytest.mark.parametrize("page", PAGES)
def test_every_path_and_link_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    links = [os.path.normpath(Path(page).parent / link) for link in links]
    house = [line.split()[0] for block in blocks(text, "") for line in block.splitlines() if "zoo/" not in line]
    house = [path if (ROOT / path).exists() else f"zoo/{path}" for path in house]
    assert [path for path in links + house if not (ROOT / path).exists()] == []


def test_a_misspelt_option_is_answered_as_the_readme_says(folder: Path) -> None:
    match = re.search(r"`python train.py (\S+)` says\n\s*`([^`]+)`", README)
    assert match is not None
    with pytest.raises(ValueError, match=re.escape(match[2])):
        zoo.compose(match[1])


@pytest.mark.slow
@pytest.mark.parametrize("title", ["A model", "A data set", "An optimizer"])
def test_an_addition_runs_as_it_stands(title: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added = files(section(title))
    assert added
    assert sum(bool(line.strip()) for text in added.values() for line in text.splitlines()) <= 12
    add(added, folder)
    (words,) = trainings(section(title))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["train.py", *words])
    try:
        assert main() == 0
    finally:
        options.search([])
        for name in added:
            sys.modules.pop(Path(name).stem, None)
    assert tracking.find("last").metrics["test_accuracy"] > 0.8


@pytest.mark.slow
def test_the_lines_of_python_run_as_they_stand(folder: Path) -> None:
    (code,) = blocks(section("From Python"), "python")
    (folder / "lines.py").write_text(code, encoding="utf-8")
    shown = python("lines.py", cwd=folder)
    assert "\ncompleted 1.0\n" in shown
    assert float(shown.rstrip().rpartition("[[")[2].rstrip("]")) > 0.5
