"""Names and values with markup, commands and ways to other folders in them: they stay what they are, names."""

import base64
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

import zoo
from zoo import compose, tracking, verbs
from zoo.run import run

ROOT = Path(__file__).parents[1]
NAME = "../../up \"quoted\" 'name' <script>alert(1)</script> & $(touch attacked)"
SCRIPT = re.compile(r"<\s*script[^>]*>\s*alert|<img src=x", re.IGNORECASE)
WORDS = ("model=trigram", "data=text", "data.train=plain.txt")


@pytest.fixture
def store(tmp_path, monkeypatch):
    """The folder of a store and of the files of its runs, three folders deep."""
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
    monkeypatch.chdir(folder)
    (folder / "plain.txt").write_text("one two three four five\n" * 400)
    yield folder
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert [path.name for path in folder.parent.iterdir()] == ["b"]
    assert not (folder / "attacked").exists()


def said(text: str) -> str:
    """Return a text as a value of Hydra's."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def texts(folder: Path) -> str:
    """Return all that a page shows: its text, and that of the pictures in it."""
    pages = [path.read_text("utf-8") for path in folder.rglob("*") if path.suffix in (".html", ".svg", ".md")]
    pictures = [one for page in pages for one in re.findall(r"base64,([A-Za-z0-9+/=]+)", page)]
    return "\n".join([*pages, *(base64.b64decode(one).decode("utf-8", "replace") for one in pictures)])


def test_a_run_of_any_name_stays_in_its_folder(store):
    result = run(compose(*WORDS, f"name={said(NAME)}"), console=Console(quiet=True))
    assert (result.outcome, tracking.find(result.run_id).name) == ("completed", NAME)
    assert result.folder.resolve().is_relative_to(store)
    assert not SCRIPT.search(texts(store))


def test_a_report_of_runs_of_any_names_and_values_holds_no_foreign_markup(store):
    opened = tracking.connect(compose("model=linear").tracking, NAME)
    parent = opened.start(NAME)
    parent.set_tags({"sweep": "true", "model": NAME, "sweep.command": NAME, "data": NAME})
    for seed in range(2):
        for choice in (NAME, "<img src=x onerror=alert(1)>", "a | b `c` *d*"):
            one = opened.start(NAME, parent.id)
            one.log_params({"seed": seed, "data.train": choice, "epochs": NAME, "optimizer.name": NAME})
            own = {
                "model": NAME,
                "outcome": "diverged" if seed else "completed",
                "reason": NAME,
                "data": NAME,
                "seed": "0",
            }
            one.set_tags({**own, "monitored": "val_loss", "choice": json.dumps({"data.train": choice, NAME: NAME})})
            one.log_metrics({"val_loss": 0.5, "best_val_loss": 0.5, NAME[-20:-5]: 1.0}, 4)
            one.finish("FINISHED")
    parent.finish("FINISHED")
    assert verbs.run("report", f"sweep={parent.id}", "record=true", "folder=one") == 0
    assert verbs.run("report", "filter=tags.data LIKE '%<script>alert(1)%' and tags.seed != '9'", "folder=other") == 0
    for shown in (texts(store / "one"), texts(store / "other"), tracking.find(parent.id).tags["mlflow.note.content"]):
        assert "&lt;script&gt;alert(1)" in shown
        assert not SCRIPT.search(shown)


def test_a_sweep_of_any_name_stays_in_its_folder_and_its_page_holds_no_foreign_markup(store):
    swept = zoo.sweep(*WORDS, "seed=0,1", f"name={said(NAME)}", f"tracking.experiment={said(NAME)}")
    assert swept.exit_code == 0
    assert swept.folder.resolve().is_relative_to(store)
    assert not SCRIPT.search(texts(store))


def test_no_server_is_opened_to_the_network():
    own = [*ROOT.glob("*.md"), *ROOT.glob("Makefile"), *ROOT.glob("notebooks/*.ipynb")]
    for folder in ("docs", "tests", "zoo", "conf", "benchmarks"):
        own += [path for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".md", ".yaml")]
    lines = [line for path in own for line in path.read_text(encoding="utf-8").splitlines()]
    opening = [line for line in lines if re.search(r"mlflow[\"', ]+(ui|server)\b|[.]bind\(|HTTPServer\(|--host", line)]
    assert len(opening) > 10
    to_all = re.compile(r"0[.]0[.]0[.]0|INADDR_ANY|(bind|HTTPServer)\(\(\s*[\"'](::)?[\"']")
    assert not [line for line in opening if to_all.search(line) and "re.compile" not in line]
