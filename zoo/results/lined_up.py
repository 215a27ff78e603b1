"""Columns of text, one line a row, that fit a width: columns are left out whole, names shortened, numbers never cut."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len, chop_cells

_GAP = 2  # characters between columns
_LEAST = 12  # characters of a name that a column is left out for


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: Its head.
        cells: What stands in it.
        yields: How soon a narrow terminal does without it; 0 for never.
        is_name: Whether what stands in it may be shortened; of one column at most.
        is_number: Whether it is flush right.
    """

    name: str
    cells: Sequence[str]
    yields: int = 0
    is_name: bool = False
    is_number: bool = False

    @property
    def width(self) -> int:
        """Of what stands in it, in characters."""
        return max(map(cell_len, (self.name, *self.cells)))


def lines(columns: Sequence[Column], width: int | None) -> list[str]:
    """Return the head and the rows.

    Args:
        columns: From left to right.
        width: That there is room for, in characters; None: any.
    """
    shown = [replace(one, cells=[_plain(cell) for cell in one.cells]) for one in columns]
    if width is not None:
        while _taken(shown, _LEAST) > width and (least := max(shown, key=lambda one: one.yields)).yields:
            shown.remove(least)
        room = max(width - _taken(shown, 0), _LEAST)
        shown = [
            replace(one, cells=[shorten(cell, room) for cell in one.cells]) if one.is_name else one for one in shown
        ]
    rows = zip(*([one.name, *one.cells] for one in shown), strict=True)
    gap, widths = " " * _GAP, [one.width for one in shown]
    return [gap.join(map(_padded, row, widths, shown)).rstrip() for row in rows]


def shorten(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters, with an ellipsis for what is left out in the middle."""
    if cell_len(text) <= limit:
        return text
    end = chop_cells(text[::-1], (limit - 1) // 2)[0][::-1] if limit > 2 else ""
    return f"{chop_cells(text, limit - 1 - cell_len(end))[0] if limit > 1 else ''}…{end}"


def _taken(columns: Sequence[Column], name: int) -> int:
    """Return the width of columns side by side, where names have as many characters, or fewer if they need no more."""
    widths = [min(name, one.width) if one.is_name else one.width for one in columns]
    return sum(widths) + _GAP * (len(columns) - 1)


def _padded(text: str, width: int, column: Column) -> str:
    space = " " * (width - cell_len(text))
    return f"{space}{text}" if column.is_number else f"{text}{space}"


def _plain(text: str) -> str:
    """Return a text as a single line, without the signs that a terminal obeys."""
    return "".join(one if one.isprintable() else " " for one in text)
