"""The first opening of a tracking store, which makes its database: once on a machine, and not a part of any contest."""

from typing import Any

import zoo
from zoo import tracking


def run(spec: dict[str, Any]) -> dict[str, Any]:
    """Open the store that runs are recorded in from here on."""
    config = zoo.compose(*spec.get("words", ()))
    tracking.connect(config.tracking, config.model.name)
    return {}
