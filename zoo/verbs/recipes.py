"""`zoo recipes`: what each recipe is expected to give, and what it has given here."""

from collections.abc import Sequence
from pathlib import Path

from zoo import terminal
from zoo.config import BadInput, nearest

USAGE = """usage: zoo recipes
       zoo recipes readme=README.md page=docs/recipes.md

Lists the recipes of conf/experiment with what their tracked runs have given: over all seeds, for runs of the recipe as
it stands (python train.py experiment=NAME seed=3, or -m experiment=NAME 'seed=range(10)').

  readme=FILE        renew the table between the marks <!-- results --> and <!-- /results --> of a page
  page=FILE          renew the table of a page of recipes in the same way, and the pictures in a folder beside it
  tracking.uri=URI   where runs are kept; MLFLOW_TRACKING_URI or mlflow.db if left out

A recipe without runs here keeps the row that a page has of it."""
_KEYS = ("readme", "page", "tracking.uri")


def main(words: Sequence[str]) -> int:
    """List the recipes, or renew the tables of pages, and return the exit code.

    Raises:
        BadInput: A word is not known, or a page is not there or has no place for the table.
    """
    if any(word in ("-h", "--help") for word in words):
        print(USAGE)
        return 0
    said = _read(words)
    from zoo.start.recipes import recipes
    from zoo.sweeps.recipes import outcome

    known = recipes()
    found = {one.name: outcome(one.name, said.get("tracking.uri")) for one in known}
    if "readme" in said or "page" in said:
        from zoo.sweeps import recipe_pages

        for key, write in (("readme", recipe_pages.readme), ("page", recipe_pages.page)):
            if key in said:
                write(Path(said[key]), known, found)
        return 0
    from rich.table import Table

    table = Table("recipe", "expected", "measured here", box=None, padding=(0, 2, 1, 0))
    for recipe in known:
        one = found[recipe.name]
        here = f"{one.result}; {one.runs}" if one else "no runs here"
        table.add_row(recipe.name, recipe.says.get("expected", "–"), here)
    terminal.console().print(table)
    return 0


def _read(words: Sequence[str]) -> dict[str, str]:
    said: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if key not in _KEYS:
            raise BadInput(f"Unknown word '{word}'. {nearest(key, list(_KEYS))} See zoo recipes --help.")
        if not equals or not value.strip():
            raise BadInput(f"{key} needs a value: {key}=... See zoo recipes --help.")
        said[key] = value.strip()
    for key in ("readme", "page"):
        if key in said and not Path(said[key]).is_file():
            raise BadInput(f"{key} should name a page that is there. Received: {said[key]}.")
    return said
