"""Cost against size, for the chart: the two real models over width, batch size and sequence length.

Each point is a contest of the zoo's tape loop with stock `fit`; the points of a line share a process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks import judge, report
from benchmarks.contest import KERAS, TAPE, Contest, Peer
from benchmarks.rounds import Held

PREFIX = "scaling."
ARITHMETIC = f"{PREFIX}arithmetic"
REPEATS = 3
MNIST_ROWS, MNIST_CLASSES, PIXELS = 55_000, 10, 784
VOCABULARY, EMBEDDING = 10_000, 128
_EPOCH = 1.5e11  # floating point operations: about a second
_STEPS = 200
_GLOROT = ("init=glorot_uniform", "init.apply_to=[kernel,recurrent_kernel,embeddings]")
_SAME_WEIGHTS = 512  # up to here; writing and reading larger ones takes longer than measuring


@dataclass(frozen=True)
class Axis:
    """One line of the chart.

    Attributes:
        model: `mnist_fcn` or `lstm`.
        name: `width`, `batch` or `length`.
        values: Along it.
    """

    model: str
    name: str
    values: tuple[int, ...]

    def point(self, value: int) -> dict[str, int]:
        """Return the size of a point: the model's own but for this axis."""
        own = {"width": 256, "batch": 64} if self.model == "mnist_fcn" else {"width": 256, "batch": 32, "length": 35}
        return {**own, self.name: value}


WIDTHS = (64, 128, 256, 512, 1024, 2048, 4096)
AXES = (
    Axis("mnist_fcn", "width", WIDTHS),
    Axis("mnist_fcn", "batch", (1, 4, 16, 64, 256, 1024, 4096)),
    Axis("lstm", "width", WIDTHS),
    Axis("lstm", "batch", (1, 4, 16, 64, 256)),
    Axis("lstm", "length", (5, 10, 20, 40, 80, 160)),
)
SMOKE_AXES = (Axis("mnist_fcn", "width", (8, 16)), Axis("lstm", "length", (2,)))


def lines(*, smoke: bool = False) -> list[list[Contest]]:
    """Return the lines of the chart, each a list of points, and the measurement of the arithmetic."""
    axes = SMOKE_AXES if smoke else AXES
    product = Contest(
        ARITHMETIC,
        "products of large matrices",
        (),
        (Peer("matrix product", "keras_matmul", spec={"size": 64 if smoke else 2048, "times": 3 if smoke else 9}),),
        repeats=REPEATS,
        agree="nothing",
    )
    return [[product], *([_contest(axis, value, smoke) for value in axis.values] for axis in axes)]


def flops_per_unit(model: str, width: int, **_: int) -> float:
    """Return the floating point operations of the matrix products in a training step, for an example or a token.

    Each weight takes part in a multiplication and an addition three times: forward, in the gradient of the weights,
    and in that of the layer's inputs, which the pixels do not need.
    """
    if model == "mnist_fcn":
        return 4 * PIXELS * width + 6 * width * MNIST_CLASSES
    gates = 4 * width * (EMBEDDING + width) + 4 * width * (width + width)
    return 6 * (gates + width * VOCABULARY)


def results(held: Sequence[Held]) -> dict[str, Any]:
    """Return the points measured so far, as JSON can hold them."""
    gflops, points, faults = None, [], []
    for one in held:
        faults += [f"{one.contest.name}: {fault}" for fault in report.result(one)["faults"]]
        if one.contest.name == ARITHMETIC:
            samples = one.samples.get("matrix product")
            gflops = float(np.median([sample["gflops"] for sample in samples])) if samples else None
            continue
        model, axis, value = one.contest.name.removeprefix(PREFIX).split(".")
        size = next(each for each in (*AXES, *SMOKE_AXES) if (each.model, each.name) == (model, axis)).point(int(value))
        seconds = {
            peer: judge.summary([1 / sample["units_per_second"] for sample in samples])
            for peer, samples in one.samples.items()
        }
        flops = flops_per_unit(model, **size)
        points.append({"model": model, "axis": axis, "value": int(value), "flops_per_unit": flops, "seconds": seconds})
    return {"gflops": gflops, "points": points, "faults": faults}


def _contest(axis: Axis, value: int, smoke: bool) -> Contest:
    size = axis.point(value)
    width, batch = size["width"], size["batch"]
    step = flops_per_unit(axis.model, **size) * batch * size.get("length", 1)
    steps = 3 if smoke else int(np.clip(_EPOCH / step, 2, _STEPS))
    keras: dict[str, Any] = {}
    words: tuple[str, ...] = (f"model={axis.model}", "epochs=3", f"batch_size={batch}", "tracking=off")
    if axis.model == "mnist_fcn":
        rows = min(MNIST_ROWS, batch * steps)
        valid = min(256, batch)
        words = (*words, f"model.hidden=[{width}]", f"data.limit={rows}")
    else:
        tokens = batch * (size["length"] * steps + 1)
        valid = batch * (size["length"] + 1)
        # The default, orthogonal, would take minutes to draw at width 4096.
        words = (*words, f"model.units={width}", f"data.sequence_length={size['length']}", f"data.limit={tokens}")
        words = (*words, *_GLOROT)
        keras = {"recurrent_initializer": "glorot_uniform"}
    same = axis.model == "mnist_fcn" or width <= _SAME_WEIGHTS
    return Contest(
        f"{PREFIX}{axis.model}.{axis.name}.{value}",
        f"{axis.model}, {axis.name} {value}",
        words,
        (Peer(TAPE, "zoo_run", spec={"valid": valid}), Peer(KERAS, "keras_fit", spec=keras)),
        unit="examples" if axis.model == "mnist_fcn" else "tokens",
        tolerance=0.01 if same else 0.1,
        later=0.25,
        weights=same,
        repeats=REPEATS,
    )
