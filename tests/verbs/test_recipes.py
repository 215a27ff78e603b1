"""`python -m zoo recipes`: from tracked runs of recipes to the tables of pages."""

import pytest
from rich.console import Console

from zoo import verbs
from zoo.config import BadInput
from zoo.start import grid
from zoo.sweeps.execute import execute

PAGE = "# Page\n\n<!-- results -->\n| recipe | old |\n|---|---|\n<!-- /results -->\n"


@pytest.fixture
def swept(tmp_path, data_dir, monkeypatch):
    """A store with a recipe over two seeds, and one run of it that was told more."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    for words in (["seed=0,1"], ["seed=0", "epochs=2"]):
        execute(grid.read(["experiment=tutorial_linear", *words]), folder=tmp_path, console=Console(quiet=True))


def test_pages_tell_what_the_runs_of_a_recipe_came_to(swept, tmp_path):
    readme, page = tmp_path / "README.md", tmp_path / "recipes.md"
    readme.write_text(PAGE), page.write_text(PAGE)
    assert verbs.run("recipes", f"readme={readme}", f"page={page}") == 0
    (row,) = [line for line in readme.read_text().splitlines() if line.startswith("| [tutorial_linear](")]
    assert "solved by 0 of 2" in row
    assert "(2 seeds)" in row
    (row,) = [line for line in readme.read_text().splitlines() if line.startswith("| [mnist_98](")]
    assert row.endswith("| – | – | – |")
    assert '<img src="recipes/tutorial_linear.svg"' in page.read_text()
    assert (tmp_path / "recipes" / "tutorial_linear.svg").read_text().startswith("<?xml")
    assert [path.name for path in (tmp_path / "recipes").iterdir()] == ["tutorial_linear.svg"]


def test_a_recipe_without_runs_keeps_its_row(tmp_path, data_dir, monkeypatch, capsys):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'none.db'}")
    page = tmp_path / "README.md"
    page.write_text(PAGE)
    verbs.run("recipes", f"readme={page}")
    measured = page.read_text().replace("| – | – | – |", "| a | b | c |", 1)
    page.write_text(measured)
    verbs.run("recipes", f"readme={page}")
    assert page.read_text() == measured
    assert verbs.run("recipes") == 0
    assert "no runs here" in capsys.readouterr().out
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["pages=x"], "Did you mean 'page'"),
        (["page="], "page needs a value"),
        (["readme=nowhere.md"], "readme should be a file that is there"),
    ],
)
def test_what_is_wrong_is_said(words, said):
    with pytest.raises(BadInput, match=said):
        verbs.run("recipes", *words)


def test_a_page_without_the_marks_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'none.db'}")
    page = tmp_path / "README.md"
    page.write_text("# Title\n")
    with pytest.raises(BadInput, match="<!-- results -->"):
        verbs.run("recipes", f"readme={page}")
