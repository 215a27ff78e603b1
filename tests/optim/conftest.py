from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

CONF = Path(__file__).parents[2] / "conf"


@pytest.fixture(scope="session")
def section() -> Callable[..., dict[str, Any]]:
    """Return a function that reads an option as a run composes it: the group's common keys, the file, the changes."""
    common = OmegaConf.load(CONF / "config.yaml")

    def read(group: str, option: str, **changes: Any) -> dict[str, Any]:
        file = OmegaConf.load(CONF / group / f"{option}.yaml")
        return OmegaConf.to_container(OmegaConf.merge(common.get(group) or {}, file, changes))

    return read
