"""Numbers as they are read in tables, pictures and sentences."""

import math
import re


def brief(value: float, digits: int = 3) -> str:
    """Return a number in few characters: 0.0123, 1.2e−5, 97.5, ∞; a dash for NaN.

    Example:
        >>> [brief(value) for value in (0.98765, 0.000012345, 1234.5, math.inf, math.nan)]
        ['0.988', '1.23e−5', '1,234', '∞', '–']
    """
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if abs(value) >= 1000:
        text = f"{value:,.0f}" if abs(value) < 1e6 else f"{value:.{digits - 1}e}"
    elif value and abs(value) < 1e-3:
        text = f"{value:.{digits - 1}e}"
    else:
        text = f"{value:.{digits}g}"
    return re.sub(r"e([+-])0*", r"e\1", text).replace("e+", "e").replace("-", "−")


def metric(name: str, value: float) -> str:
    """Return a value of a metric: four decimals for an accuracy, whose differences are small; brief for others.

    An infinite one stands for a run that diverged or failed.
    """
    if math.isinf(value):
        return "lost"
    if math.isnan(value):
        return brief(value)
    if "accuracy" in name:
        return f"{value:.4f}"
    # With the zeros at the end, so that what stands below one another has the same length.
    return f"{value:#.3g}".rstrip(".").replace("-", "−") if 1e-3 <= abs(value) < 999.5 else brief(value)


def count(number: int, noun: str) -> str:
    """Return a number of things: `1 run`, `1,000 runs`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """Return a time in the unit it is read in: `0.2 s`, `35 min`, `1.5 h`."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.2g} {unit}" if seconds < 10 * size else f"{seconds / size:,.0f} {unit}"
    return "–" if math.isnan(seconds) else f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


def listed(names: list[str], most: int = 5) -> str:
    """Return names in a row, `a, b and c`, or `a, b and 7 more`."""
    if len(names) > most:
        names = [*names[: most - 1], f"{len(names) - most + 1} more"]
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def size(count: float) -> str:
    """Return a number of bytes in the unit it is read in: `512 B`, `3.4 MB`, `12 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.2g} {unit}" if count < 9.95 and unit != "B" else f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:,.1f} TB"
