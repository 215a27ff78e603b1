"""Whether an import path leads somewhere, found out without importing anything.

A module of the user's may import TensorFlow, which takes seconds; a misspelt name should be told at once.
"""

import ast
import difflib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path

# A module with one of these may have names that its source does not show.
_DYNAMIC = re.compile(r"\b(__getattr__|setattr|globals|vars|exec)\b|\bimport \*")


def from_current_folder() -> None:
    """Let modules of the user's be found in the current folder, as `python -m` does."""
    if not sys.flags.safe_path and os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())


def fault(path: str) -> str | None:
    """Return what is wrong with an import path, or None if nothing is, as far as can be seen.

    Args:
        path: Such as `my_package.my_module.build`.

    Returns:
        The end of a sentence: `there is no module 'my_package'`.
    """
    name, *rest = path.split(".")
    found = sys.modules.get(name)
    if found is not None and not hasattr(found, "__path__"):  # a single module, or a notebook's __main__
        ok = not rest or hasattr(found, rest[0])
        return None if ok else _no_name(name, rest[0], vars(found))
    locations: Sequence[str] | None = None
    for depth in range(1, len(rest) + 2):
        module = ".".join([name, *rest[: depth - 1]])
        spec = _find(module, locations)
        if spec is None:
            parent = module.rpartition(".")[0]
            where = parent or "the current folder, on PYTHONPATH or among the installed packages"
            return f"there is no module '{module.rpartition('.')[2]}' in {where}"
        attribute = rest[depth - 1] if depth <= len(rest) else None
        if attribute is None:
            return f"{module} is a module, and a name in it is expected"
        locations = spec.submodule_search_locations
        if locations is None or _find(f"{module}.{attribute}", locations) is None:
            names = _names(spec)
            return None if names is None or attribute in names else _no_name(module, attribute, names)
    return None


def _no_name(module: str, name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, [one for one in names if not one.startswith("_")], n=1)
    return f"{module} has no '{name}'" + (f", but it has '{close[0]}'" if close else "")


def _find(module: str, locations: Sequence[str] | None) -> ModuleSpec | None:
    for finder in sys.meta_path:
        if (find := getattr(finder, "find_spec", None)) and (spec := find(module, locations)):
            return spec
    return None


def _names(spec: ModuleSpec) -> set[str] | None:
    """Return the names at the top of a module, or None where only importing it can tell."""
    if spec.origin is None or not spec.origin.endswith(".py"):
        return None
    try:
        source = Path(spec.origin).read_text(encoding="utf-8")
        return None if _DYNAMIC.search(source) else set(_assigned(ast.parse(source).body))
    except (OSError, SyntaxError, ValueError):
        return None  # importing it will say more


def _assigned(statements: Sequence[ast.stmt]) -> Iterator[str]:
    for one in statements:
        if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield one.name
            continue
        if isinstance(one, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in one.names)
            continue
        for node in ast.iter_child_nodes(one):
            if isinstance(node, ast.stmt | ast.ExceptHandler):
                yield from _assigned([node])  # type: ignore[list-item]
            elif isinstance(node, ast.expr):
                yield from (
                    name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
                )
