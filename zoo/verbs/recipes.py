"""`zoo recipes`: what each recipe is expected to give, and what it has given here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo import terminal
from zoo.verbs import words
from zoo.verbs.words import TRACKING_URI, Grammar, Key

GRAMMAR = Grammar(
    "recipes",
    "Lists the recipes of conf/experiment with what their tracked runs have given: over all seeds, for runs of the\n"
    "recipe as it stands (python train.py experiment=NAME seed=3, or -m experiment=NAME 'seed=range(10)').",
    ("", "readme=README.md page=docs/recipes.md"),
    (
        Key("readme", "FILE", "renew the table between the marks <!-- results --> and <!-- /results --> of a page",
            words.existing_file),
        Key("page", "FILE", "renew the table of a page of recipes in the same way, and the pictures beside it",
            words.existing_file),
        TRACKING_URI,
    ),
    "A recipe without runs here keeps the row that a page has of it.",
)  # fmt: skip


def main(said: Mapping[str, Any]) -> int:
    """List the recipes, or renew the tables of pages, and return the exit code.

    Raises:
        BadInput: A page has no place for the table.
    """
    from zoo.start.recipes import recipes
    from zoo.sweeps.recipes import outcome

    known = recipes()
    found = {one.name: outcome(one.name, said["tracking.uri"]) for one in known}
    if said["readme"] or said["page"]:
        from zoo.sweeps import recipe_pages

        for key, write in (("readme", recipe_pages.readme), ("page", recipe_pages.page)):
            if said[key]:
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
