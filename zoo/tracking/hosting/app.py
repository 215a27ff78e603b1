"""MLflow's own server app with one address more, at which clients of the zoo leave many runs at once."""

import json
import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from zoo.tracking import bulk, upload
from zoo.tracking.errors import TrackingError

if TYPE_CHECKING:
    from flask import Response
    from mlflow import MlflowClient

log = logging.getLogger(__name__)

AUTH = "ZOO_SERVER_AUTH"
"""The variable that says whether users give a name and a password."""


def create_app() -> Any:
    """Return the app that a worker serves: MLflow's, with accounts or without, and the address for runs."""
    from mlflow.server import app

    app.add_url_rule(upload.PATH, "zoo_version", _version, methods=["GET"])
    app.add_url_rule(upload.PATH, "zoo_runs", _take, methods=["POST"])
    if os.environ.get(AUTH) == "true":
        from mlflow.server.auth import create_app as with_accounts

        return with_accounts(app)
    from mlflow.server.fastapi_app import app as without

    return without


def _version() -> dict[str, int]:
    return {"version": upload.VERSION}


def _take() -> "Response | tuple[str, int]":
    """Record the runs of a request, all of them or none; those that are there already are left as they are."""
    from flask import request

    if (request.content_length or 0) > upload.LARGEST:
        return f"A request should be of at most {upload.LARGEST:,} bytes.", 413
    try:
        experiment, origin, runs = upload.parse(request.get_data())
    except ValueError as error:
        return str(error), 400
    if refused := _refusal(experiment, origin):
        return refused
    uri = os.environ["MLFLOW_BACKEND_STORE_URI"]
    try:
        bulk.write(_client(uri), uri, experiment, runs, origin)
    except TrackingError as error:
        return str(error), 503
    return "{}", 200


def _refusal(experiment: str, origin: dict[str, str]) -> "Response | None":
    """Ask MLflow, as the same user, for what changes the experiment; return its answer where that is no."""
    from flask import current_app, request

    last = {"experiment_id": experiment, "key": "zoo.last_user", "value": origin["mlflow.user"]}
    headers = {key: value for key, value in request.headers if key.lower() == "authorization"}
    answer: Any = current_app.test_client().post(
        "/api/2.0/mlflow/experiments/set-experiment-tag", data=json.dumps(last), headers=headers,
        content_type="application/json",
    )  # fmt: skip
    return None if answer.status_code == 200 else answer


@cache
def _client(uri: str) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(uri, uri)
