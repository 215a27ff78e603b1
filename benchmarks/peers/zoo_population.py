"""The zoo, training many runs of one shape together as one compiled program: see zoo/training/population."""

import time
from typing import Any

from zoo import quiet
from zoo.run import load
from zoo.start import grid


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Train a population twice, and time the second training, which compiles nothing.

    Args:
        spec: `words` for a sweep.

    Returns:
        `epochs_per_second`: members times epochs, divided by the seconds between the first step and the last.
    """
    configs = [cell.config for cell in grid.read(spec["words"]).cells]
    splits = load(configs[0])
    quiet.import_tensorflow()
    from zoo.training import setup
    from zoo.training.population import Population

    population = Population(setup.build(configs[0], splits), splits, configs)
    population.train(configs, [1])
    marks: list[tuple[float, int]] = []
    population.train(configs, [1], progress=lambda epochs, running: marks.append((time.perf_counter(), epochs)))
    (first, before), (last, after) = marks[0], marks[-1]
    return {"epochs_per_second": len(configs) * (after - before) / (last - first), "losses": []}
