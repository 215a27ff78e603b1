"""Data sets that need no download: two textbook tables, scikit-learn's small digits, and Gaussian blobs."""

import gzip
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from zoo.config import BadInput, Data
from zoo.data import memory
from zoo.data.spec import Examples


def points(data: Data, folder: Path) -> Examples:
    """Return four points on a line, the two in the middle labelled 1."""
    x = np.array([[1, 2], [2, 3], [3, 4], [4, 5]], np.float32)
    y = np.array([0, 1, 1, 0], np.int32)
    return Examples((x, y), (x, y), (x, y), source="built in", notes=(_same_points("points"),))


def xor(data: Data, folder: Path) -> Examples:
    """Return the four patterns of exclusive or."""
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    y = np.array([0, 1, 1, 0], np.int32)
    return Examples((x, y), (x, y), (x, y), source="built in", notes=(_same_points("xor"),))


def digits(data: Data, folder: Path) -> Examples:
    """Return the 1,797 handwritten digits of 8 by 8 pixels that ship with scikit-learn, values 0 to 16.

    Source: the test part of Alpaydin & Kaynak 1998, archive.ics.uci.edu/dataset/80.
    """
    package = find_spec("sklearn")
    if package is None or not package.submodule_search_locations:
        raise BadInput("data=digits ships with scikit-learn, which is not installed: pip install scikit-learn.")
    # What sklearn.datasets.load_digits reads; calling that imports all of scikit-learn and SciPy, 1 to 2 s.
    with gzip.open(Path(package.submodule_search_locations[0]) / "datasets" / "data" / "digits.csv.gz", "rt") as file:
        table = np.loadtxt(file, delimiter=",").astype(np.uint8)
    return Examples(
        (table[:, :-1], table[:, -1]),
        image_shape=(8, 8),
        value_range=(0, 16),
        source=f"scikit-learn {version('scikit-learn')}",
    )


def synthetic(data: Data, folder: Path) -> Examples:
    """Return Gaussian blobs, one a class, in equal numbers.

    The option's keys: `samples` in all, `features`, `n_classes`, and `spread`, the standard deviation within a blob.
    The centres are drawn uniformly from [-5, 5] in each feature.
    """
    samples, features, n_classes = data.samples, data.features, data.n_classes
    memory.check(3 * 8 * samples * features + 8 * n_classes * features, f"data={data.name} data.samples={samples}")
    # Of all random streams NumPy promises only this one for ever (NEP 19); it is not the run's seed.
    stream = np.random.RandomState(0)
    centres = stream.uniform(-5, 5, (n_classes, features))
    y = np.arange(samples) % n_classes
    with np.errstate(over="ignore"):  # a spread beyond all bounds is told when the values are looked at
        x = (centres[y] + data.spread * stream.standard_normal((samples, features))).astype(np.float32)
    return Examples((x, y.astype(np.int32)), source="built in")


def _same_points(name: str) -> str:
    return f"{name} validates and tests on its training points."
