"""The adding problem, a test of how far back a recurrent network can learn to look."""

from pathlib import Path

import numpy as np

from zoo.config import Data
from zoo.data import memory
from zoo.data.spec import Examples


def adding(data: Data, folder: Path) -> Examples:
    """Return sequences of (value, marker) pairs, each with the sum of its two marked values.

    Hochreiter & Schmidhuber 1997, section 5.4, in the variant of Arjovsky, Shah & Bengio 2016 (arXiv 1511.06464,
    section 4.2): values are uniform in [0, 1]; the marker is 1 at one step of the first half and at one of the second,
    each step of a half as likely as another, and 0 elsewhere; the target is the sum itself. Of 1997 differ: values in
    [-1, 1], the target 0.5 + sum / 4, the first mark among the first ten steps, and a marker of -1 at both ends.

    The sum has mean 1 and variance 2/12: always answering 1 has a mean squared error of 1/6. To do better, the network
    has to carry the first marked value over half of the sequence, on average, to its end.

    The option's keys: `length`, the number of time steps, and `samples` in all, which are drawn once from one stream,
    so that no sequence is in two splits.
    """
    samples, length = data.samples, data.length
    memory.check(2 * 8 * samples * length, f"data={data.name} data.samples={samples} data.length={length}")
    stream = np.random.RandomState(0)  # as for zoo.data.small.synthetic: the same for ever, and not the run's seed
    half = length // 2
    marked = np.stack([stream.randint(0, half, samples), stream.randint(half, length, samples)], axis=1)
    x = np.zeros((samples, length, 2), np.float32)
    x[..., 0] = stream.random_sample((samples, length))
    np.put_along_axis(x[..., 1], marked, 1, axis=1)
    return Examples((x, np.take_along_axis(x[..., 0], marked, axis=1).sum(axis=1)), source="generated")
