"""Which runs of a sweep train together as one program, and which one after another, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.start.grid import Cell, Settings


@dataclass(frozen=True)
class Group:
    """Runs that are made in the same way.

    Attributes:
        cells: In the order of the sweep; alone, those of one program after each other.
        reason: Why they run one after another, in words; empty where they may train together.
    """

    cells: list[Cell]
    reason: str = ""


def plan(cells: Sequence[Cell], settings: Settings) -> list[Group]:
    """Return groups of runs, in the order of their first ones.

    Runs that share shape, data and class of optimizer may train together. Whether that pays is a question to the built
    model: see `zoo.sweeps.together`.
    """
    # Imported here, because it needs TensorFlow, which a sweep of wrong words should not wait for.
    from zoo.training import population

    together: dict[str, list[Cell]] = {}
    apart: dict[str, list[Cell]] = {}
    for cell in cells:
        reason = "sweep.vectorize=false" if settings.vectorize is False else population.obstacle(cell.config)
        if reason:
            apart.setdefault(reason, []).append(cell)
        else:
            together.setdefault(population.same_program(cell.config), []).append(cell)
    groups = [Group(members) for members in together.values() if len(members) > 1]
    if single := [members[0] for members in together.values() if len(members) == 1]:
        apart.setdefault("no other run shares shape, data and optimizer with it", []).extend(single)
    groups += [Group(_by_program(members), reason) for reason, members in apart.items()]
    place = {id(cell): index for index, cell in enumerate(cells)}
    return sorted(groups, key=lambda group: place[id(group.cells[0])])


def _by_program(cells: Sequence[Cell]) -> list[Cell]:
    """Return runs in an order in which those that share a compiled program follow each other."""
    from zoo.training import population

    first: dict[str, int] = {}
    keys = [population.same_program(cell.config) for cell in cells]
    for key in keys:
        first.setdefault(key, len(first))
    return [cell for _, cell in sorted(zip(keys, cells, strict=True), key=lambda pair: first[pair[0]])]
