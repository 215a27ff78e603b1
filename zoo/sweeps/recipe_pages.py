"""The tables of recipes in the README and in docs/recipes.md, renewed from what is tracked."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from zoo.config import BadInput
from zoo.results import markdown, numbers
from zoo.start import options
from zoo.start.recipes import GROUP, Recipe
from zoo.sweeps.recipes import Outcome

MARK = "results"
NEVER = "not run here"
WIDTH = 300  # pixels
Found = Mapping[str, Outcome | None]


def readme(path: Path, recipes: Sequence[Recipe], found: Found) -> None:
    """Renew the table of results: what was expected, what was measured, how long a run takes.

    Args:
        path: Of the page.
        recipes: All of them.
        found: What their runs came to, by name.
    """
    rows: dict[str, Sequence[str] | None] = {}
    for recipe in recipes:
        expected, one = recipe.says.get("expected", "–"), found[recipe.name]
        row: Sequence[str] | None = [expected, NEVER, "–"] if _never(recipe) else None
        if one:
            row = [expected, f"{one.result} ({one.runs})", numbers.duration(one.seconds)]
        rows[_link(recipe, path)] = row
    _put(path, ["recipe", "expected", "measured", "a run takes"], rows)


def page(path: Path, recipes: Sequence[Recipe], found: Found) -> None:
    """Renew the table of the page of recipes, and the pictures in a folder beside it.

    Args:
        path: Of the page; `docs/recipes.md` has its pictures in `docs/recipes/`.
        recipes: All of them.
        found: What their runs came to, by name.
    """
    folder = path.with_suffix("")
    rows: dict[str, Sequence[str] | None] = {}
    for recipe in recipes:
        one, told = found[recipe.name], [_told(recipe), f"`{recipe.says.get('command', '')}`"]
        row = ["–", NEVER, *told] if _never(recipe) else None
        if one:
            folder.mkdir(exist_ok=True)
            one.draw(folder / f"{recipe.name}.svg")
            picture = f'<img src="{folder.name}/{recipe.name}.svg" width="{WIDTH}" alt="{recipe.name} over its epochs">'
            row = [picture, f"{one.result} ({one.runs}, {numbers.duration(one.seconds)} each)", *told]
        rows[_link(recipe, path)] = row
    _put(path, ["recipe", "picture", "result", "what it is", "command"], rows)


def _never(recipe: Recipe) -> bool:
    """Tell whether the header says that the recipe could not be run where the pages were made."""
    return recipe.says.get("measured", "").startswith(NEVER)


def _told(recipe: Recipe) -> str:
    says = (f"{key.capitalize()}: {recipe.says[key]}." for key in ("expected", "claim", "source") if key in recipe.says)
    return " ".join([recipe.summary, *says])


def _link(recipe: Recipe, page: Path) -> str:
    file = options.file(GROUP, recipe.name)
    return f"[{recipe.name}]({os.path.relpath(file, page.resolve().parent)})" if file else recipe.name


def _put(path: Path, header: Sequence[str], rows: Mapping[str, Sequence[str] | None]) -> None:
    try:
        renewed = markdown.put(path.read_text(encoding="utf-8"), MARK, header, rows)
    except ValueError as error:
        raise BadInput(f"{path}: {error}") from None
    path.write_text(renewed, encoding="utf-8")
