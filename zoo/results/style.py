"""The look of every picture in one place: palette, type, grid, axes, and how a figure becomes a file.

Lines differ in lightness or dashes as well as in hue, so that a picture also reads in grey and for the colour-blind.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

# Okabe & Ito (2008), https://jfly.uni-koeln.de/color/, ordered so that neighbours differ in lightness too; its yellow
# and its sky blue are left out as too pale for a line on white.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#000000", "#E69F00")
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
INK, FAINT, GRID = "#222222", "#777777", "#DDDDDD"
# Both run from light to dark alone, so that grey keeps their order.
SHARE = LinearSegmentedColormap.from_list("share", ["#FFFFFF", "#9CC7E3", "#0072B2", "#003A5C"])
PROBABILITY = LinearSegmentedColormap.from_list("probability", ["#D3E6F4", "#EAD2BD", "#E08D4C"])
DEPTH = LinearSegmentedColormap.from_list("depth", ["#E69F00", "#CC5A4A", "#8A3B7E", "#1B2A5C"])

DPI = 120
FONT_SIZE = 9.0
_RC = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: a picture looks the same on every machine
    "font.size": FONT_SIZE,
    "axes.titlesize": FONT_SIZE + 1,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": FONT_SIZE,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "axes.unicode_minus": True,
    "figure.facecolor": "white",
    "figure.dpi": DPI,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.5,
    "text.color": INK,
    "text.usetex": False,
    "text.parse_math": False,  # a class named "$5" is a name, not a formula
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": FONT_SIZE - 1,
    "ytick.labelsize": FONT_SIZE - 1,
}
_STEPS = [1, 2, 5, 10]
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@contextmanager
def picture(path: Path, width: float, height: float) -> Iterator[Figure]:
    """Yield a figure in the style of the zoo, and write it to `path` as a PNG when the block ends without an error.

    The settings last for the block alone: a notebook's own matplotlib style is neither used nor changed.

    Args:
        path: The file; its folder is made if missing.
        width: In inches.
        height: In inches.
    """
    with matplotlib.rc_context(_RC):
        figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        yield figure
        path.parent.mkdir(parents=True, exist_ok=True)
        # Figure.savefig would go through the figure twice, once for the layout alone.
        canvas.print_png(path)


def epoch_axis(axes: Axes, epochs: int) -> None:
    """Show epochs 1 to `epochs` along the x axis, in whole numbers."""
    axes.set_xlim((0.5, 1.5) if epochs == 1 else (1, epochs))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, steps=_STEPS, integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: decimal(value)))
    axes.set_xlabel("epoch")


def linear_axis(axes: Axes) -> None:
    """Number the y axis with few plain numbers, none of them relative to an offset."""
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=_STEPS))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: decimal(value)))
    axes.grid(True)


def log_axis(axes: Axes) -> None:
    """Make the y axis logarithmic, with few plain numbers on it.

    matplotlib's own labels are small formulas, and setting them takes longer than all the rest of a picture.
    """
    if not math.isfinite(axes.dataLim.minposy):
        axes.set_ylim(0.1, 10)  # nothing to show, and nothing to choose limits by
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high < 10 * low:
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=_STEPS))
    else:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 1e3 * low else (1,), numticks=7))
    axes.yaxis.set_minor_locator(NullLocator())
    text = decimal if low > 1e-4 and high < 1e5 else scientific
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: text(value)))
    axes.grid(True)


def decimal(value: float) -> str:
    """Return a number as an axis shows it: 0.05, −2, 20,000."""
    return f"{value:,.6g}".replace("-", "−")


def scientific(value: float) -> str:
    """Return a positive number by its power of ten: 2×10⁻⁹, 10⁶, 1."""
    mantissa, exponent = f"{value:.1e}".split("e")
    mantissa = mantissa.removesuffix(".0")
    if int(exponent) == 0:
        return mantissa
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPTS)
    return power if mantissa == "1" else f"{mantissa}×{power}"


def shorten(names: Sequence[str], limit: int = 24) -> list[str]:
    """Return names of at most `limit` characters, the middle left out of a longer one where they stay distinct."""
    head = limit // 2
    short = [name if len(name) <= limit else f"{name[:head]}…{name[head + 1 - limit :]}" for name in names]
    return [name if short.count(cut) > 1 else cut for name, cut in zip(names, short, strict=True)]


def every(count: int, room: int) -> int:
    """Return the step at which `count` labels are thinned out to `room` of them."""
    return max(1, math.ceil(count / room))
