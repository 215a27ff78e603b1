"""Which runs of a sweep train together as one program, and which one after another, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from zoo.config import Config
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
    together: dict[str, list[Cell]] = {}
    apart: dict[str, list[Cell]] = {}
    for cell in cells:
        if reason := _obstacle(cell.config, settings):
            apart.setdefault(reason, []).append(cell)
        else:
            together.setdefault(_program(cell.config), []).append(cell)
    groups = [Group(members) for members in together.values() if len(members) > 1]
    if single := [members[0] for members in together.values() if len(members) == 1]:
        apart.setdefault("no other run shares shape, data and optimizer with it", []).extend(single)
    groups += [Group(_by_program(members), reason) for reason, members in apart.items()]
    place = {id(cell): index for index, cell in enumerate(cells)}
    return sorted(groups, key=lambda group: place[id(group.cells[0])])


def _obstacle(config: Config, settings: Settings) -> str | None:
    """Return why a run can't train together with others, in words, or None."""
    if config.model.learns == "counting":
        return "a model that is counted shares no step with others"
    if settings.vectorize is False:
        return "sweep.vectorize=false"
    # Imported here, because it needs TensorFlow, which what is counted, or said in wrong words, should not wait for.
    from zoo.training import population

    return population.obstacle(config)


def _program(config: Config) -> str:
    """Return what runs have in common that share a compiled program."""
    if config.model.learns == "counting":
        return ""
    from zoo.training import population

    return population.same_program(config)


def _by_program(cells: Sequence[Cell]) -> list[Cell]:
    """Return runs in an order in which those that share a compiled program follow each other."""
    first: dict[str, int] = {}
    keys = [_program(cell.config) for cell in cells]
    for key in keys:
        first.setdefault(key, len(first))
    return [cell for _, cell in sorted(zip(keys, cells, strict=True), key=lambda pair: first[pair[0]])]
