"""One figure in two files: PNG for wherever pictures are shown, SVG for the page and for print."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from zoo.results import style


@dataclass(frozen=True)
class Picture:
    """A picture of a report.

    Attributes:
        path: Of the PNG; the SVG lies beside it.
        title: In a few words.
        caption: What it shows, and how to read it.
        warning: What the picture shows that calls for an action; empty if nothing does.
    """

    path: Path
    title: str
    caption: str
    warning: str = ""

    @property
    def svg(self) -> Path:
        """The same as a drawing that stays sharp at any size."""
        return self.path.with_suffix(".svg")


@contextmanager
def picture(path: Path, width: float, height: float) -> Iterator[Figure]:
    """Yield a figure in the style of the zoo, and write it as PNG and SVG when the block ends without an error.

    Args:
        path: Of the PNG; the SVG goes beside it. The folder is made if missing.
        width: In inches.
        height: In inches.
    """
    # The salt makes the ids in an SVG, and with them its bytes, the same each time.
    with matplotlib.rc_context({"svg.hashsalt": path.stem}), style.picture(path, width, height) as figure:
        yield figure
        path.parent.mkdir(parents=True, exist_ok=True)
        dpi = figure.dpi
        canvas = figure.canvas
        FigureCanvasSVG(figure).print_svg(path.with_suffix(".svg"), metadata={"Date": None, "Creator": None})
        # Drawing an SVG sets its own resolution and canvas, and leaves them.
        figure.dpi = dpi
        figure.set_canvas(canvas)
