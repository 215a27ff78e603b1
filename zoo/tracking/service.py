"""What `zoo server` answers beside MLflow's own addresses: many runs at once, written or read.

Other servers do not, which is asked once; MLflow's client does then.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np

from zoo.tracking.address import is_sql, mask
from zoo.tracking.errors import TrackingError, failures_without_secrets
from zoo.tracking.queries import Curve, RunRecord

RUNS = "/api/2.0/zoo/runs"
CHILDREN = "/api/2.0/zoo/children"
CURVES = "/api/2.0/zoo/curves"
VERSION = 1
LARGEST = 64 * 1024 * 1024
"""Bytes that a server takes at once."""
_SECONDS = 60
_RETRIES = 5


@cache
def is_at(uri: str) -> bool:
    """Tell whether the store at an address is such a server.

    Raises:
        TrackingError: It does not answer.
    """
    if is_sql(uri):
        return False
    with failures_without_secrets():
        response = _request(uri, RUNS, "GET", seconds=10)
    return bool(response.status_code == 200 and response.json().get("version") == VERSION)


def ask(uri: str, path: str, body: dict[str, Any]) -> Any:
    """Ask such a server, again and again until it answers, and return what it says.

    Raises:
        TrackingError: It refuses, fails, or is away.
    """
    with failures_without_secrets():
        # As text of our own: curves may hold NaN and infinities, which `json=` would refuse.
        text = json.dumps(body)
        response = _request(uri, path, "POST", data=text, extra_headers={"Content-Type": "application/json"})
    if response.status_code != 200:
        said = mask(response.text)[:300].strip()
        raise TrackingError(f"The tracking server {mask(uri)} refuses: {said}")
    return json.loads(response.text)


def children(uri: str, parents: Sequence[str]) -> list[RunRecord]:
    """Return the runs that are parts of others, in the order in which they began.

    Raises:
        TrackingError: The server refuses, fails, or is away.
    """
    return [RunRecord(**one) for one in ask(uri, CHILDREN, {"parents": list(parents)})]


def children_to_json(records: Sequence[RunRecord]) -> str:
    """Return what `children` reads."""
    return json.dumps([asdict(record) for record in records])


def curves(uri: str, runs: Sequence[str], metrics: Sequence[str]) -> dict[str, dict[str, Curve]]:
    """Return the curves of some metrics of runs.

    Raises:
        TrackingError: The server refuses, fails, or is away.
    """
    said = ask(uri, CURVES, {"runs": list(runs), "metrics": list(metrics)})
    return {run: {metric: _decoded(text) for metric, text in of.items()} for run, of in said.items()}


def curves_to_json(found: dict[str, dict[str, Curve]]) -> str:
    """Return what `curves` reads."""
    return json.dumps({run: {metric: _encoded(curve) for metric, curve in of.items()} for run, of in found.items()})


def _encoded(curve: Curve) -> str:
    return base64.b64encode(np.ascontiguousarray(curve, "<f8").tobytes()).decode()


def _decoded(text: str) -> Curve:
    return np.frombuffer(base64.b64decode(text), "<f8").reshape(-1, 2)


def _request(uri: str, path: str, method: str, seconds: int = _SECONDS, **body: Any) -> Any:
    """Ask a server as MLflow's client does, with its credentials and certificates."""
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    return http_request(
        get_default_host_creds(uri), path, method, max_retries=_RETRIES, timeout=seconds, raise_on_status=False, **body
    )
