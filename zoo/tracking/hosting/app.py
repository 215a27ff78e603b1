"""MLflow's own server app with some addresses more, at which clients of the zoo leave and read many runs at once."""

import contextlib
import logging
import os
from functools import cache
from typing import TYPE_CHECKING, Any

from zoo.tracking import bulk, queries, service, upload
from zoo.tracking.errors import TrackingError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Response
    from mlflow import MlflowClient
    from sqlalchemy import Connection

    Answer = Response | tuple[str, int]

log = logging.getLogger(__name__)

AUTH = "ZOO_SERVER_AUTH"
"""The variable that says whether users give a name and a password."""


def create_app() -> Any:
    """Return the app that a worker serves: MLflow's, with accounts or without, and the zoo's addresses."""
    from mlflow.server import app

    app.add_url_rule(service.RUNS, "zoo_version", _version, methods=["GET"])
    app.add_url_rule(service.RUNS, "zoo_runs", _take, methods=["POST"])
    app.add_url_rule(service.CHILDREN, "zoo_children", _children, methods=["POST"])
    app.add_url_rule(service.CURVES, "zoo_curves", _curves, methods=["POST"])
    if os.environ.get(AUTH) == "true":
        from mlflow.server.auth import create_app as with_accounts

        return with_accounts(app)
    from mlflow.server.fastapi_app import app as without

    return without


def _version() -> dict[str, int]:
    return {"version": service.VERSION}


def _take() -> "Answer":
    """Record the runs of a request, all of them or none; those that are there already are left as they are."""
    from flask import request

    if (request.content_length or 0) > service.LARGEST:
        return f"A request should be of at most {service.LARGEST:,} bytes.", 413
    try:
        experiment, origin, runs = upload.parse(request.get_data())
    except ValueError as error:
        return str(error), 400
    # MLflow is asked, as the same user, for what changes the experiment.
    last = {"experiment_id": experiment, "key": "zoo.last_user", "value": origin["mlflow.user"]}
    if refused := _refusal("POST", "set-experiment-tag", json=last):
        return refused
    try:
        bulk.write(_client(_uri()), _uri(), experiment, runs, origin)
    except TrackingError as error:
        return str(error), 503
    return "{}", 200


def _children() -> "Answer":
    """Tell the records of the runs that are parts of others."""
    parents = _texts("parents")
    if parents is None:
        return "A request should be an object with parents, a list of ids.", 400
    with _database() as connection:
        found = queries.records(connection, queries.ids_by_parent(connection, parents))
    if refused := _refusal_to_read({record.experiment_id for record in found}):
        return refused
    return service.children_to_json(found), 200


def _curves() -> "Answer":
    """Tell the curves of some metrics of runs."""
    runs, metrics = _texts("runs"), _texts("metrics")
    if runs is None or metrics is None:
        return "A request should be an object with runs and metrics, lists of texts.", 400
    with _database() as connection:
        if refused := _refusal_to_read(queries.experiments(connection, runs)):
            return refused
        return service.curves_to_json(queries.points(connection, runs, metrics)), 200


def _texts(name: str) -> list[str] | None:
    from flask import request

    said = request.get_json(force=True, silent=True)
    found = said.get(name) if isinstance(said, dict) else None
    return found if isinstance(found, list) and all(isinstance(one, str) for one in found) else None


def _refusal_to_read(experiments: set[str]) -> "Response | None":
    """Ask MLflow for the experiments, as the same user, and return its first answer that is no."""
    answers = (_refusal("GET", "get", query_string={"experiment_id": one}) for one in sorted(experiments))
    return next(filter(None, answers), None)


def _refusal(method: str, what: str, **said: Any) -> "Response | None":
    """Ask MLflow about an experiment as the same user, and return its answer where that is no."""
    from flask import current_app, request

    headers = {key: value for key, value in request.headers if key.lower() == "authorization"}
    answer: Any = current_app.test_client().open(
        f"/api/2.0/mlflow/experiments/{what}", method=method, headers=headers, **said
    )
    return None if answer.status_code == 200 else answer


def _uri() -> str:
    return os.environ["MLFLOW_BACKEND_STORE_URI"]


@contextlib.contextmanager
def _database() -> "Iterator[Connection]":
    with queries.reading(_uri()) as connection:
        assert connection is not None  # only a file may be missing
        yield connection


@cache
def _client(uri: str) -> "MlflowClient":
    from mlflow import MlflowClient

    return MlflowClient(uri, uri)
