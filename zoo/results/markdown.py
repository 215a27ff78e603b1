"""Tables in Markdown that a command keeps up to date, between two marks in a page that is written by hand."""

import re
from collections.abc import Mapping, Sequence


def put(page: str, mark: str, header: Sequence[str], rows: Mapping[str, Sequence[str] | None]) -> str:
    """Return a page with its table renewed.

    Args:
        page: Has a line `<!-- mark -->` and a line `<!-- /mark -->` after it.
        mark: What the table is called.
        header: Of the columns, the first of which names the row.
        rows: The cells after the first, by the name of the row; None: what stands in the page stays, or, if nothing
            does, the row is left empty.

    Raises:
        ValueError: The page has no such marks.
    """
    marks = re.search(rf"<!-- {mark} -->\n(.*?)<!-- /{mark} -->", page, re.S)
    if marks is None:
        raise ValueError(f"The page has no lines <!-- {mark} --> and <!-- /{mark} --> for the table to stand between.")
    standing = {cells[0]: cells[1:] for cells in map(_cells, marks[1].splitlines()) if cells}
    lines = [_line(header), "|" + "---|" * len(header)]
    for name, cells in rows.items():
        found = cells or standing.get(name, ["–"] * (len(header) - 1))
        lines.append(_line([name, *found]))
    table = "\n".join(lines)
    return f"{page[: marks.start(1)]}{table}\n{page[marks.end(1) :]}"


def _cells(line: str) -> list[str]:
    """Return the cells of a table's line; none of another line."""
    if not line.startswith("| "):
        return []
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def _line(cells: Sequence[str]) -> str:
    escaped = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(escaped)} |"
