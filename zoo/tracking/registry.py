"""MLflow's logged models and its registry: which runs have a model there, and how one gets in."""

import re
from collections.abc import Callable, Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from zoo.config import BadInput
from zoo.tracking.errors import failures_without_secrets, refusals_in_words
from zoo.tracking.lookup import StoredRun
from zoo.tracking.store import open_client

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel
    from mlflow.entities.model_registry import ModelVersion

NAME = "model"  # of the logged model of a run
_PAGE = 100
_NAME = re.compile(r"[^/:.%\"'\s\x00-\x1f][^/:%\"'\x00-\x1f]*")
_ALIAS = re.compile(r"(?!latest$)(?!v\d+$)[\w-]+", re.IGNORECASE)


class Registered(NamedTuple):
    """A version in the registry.

    Attributes:
        name: Of the model.
        version: Of it.
        is_new: Whether it was not there before.
    """

    name: str
    version: str
    is_new: bool


def check_name(name: str) -> str:
    """Return the name of a registered model, or raise ValueError with what it should be."""
    if not _NAME.fullmatch(name) or len(name) > 250:
        raise ValueError("a name without / : % quotes or line breaks, of at most 250 characters")
    return name


def check_alias(alias: str) -> str:
    """Return an alias, or raise ValueError with what it should be."""
    if not _ALIAS.fullmatch(alias) or len(alias) > 250:
        raise ValueError("a word of letters, digits, _ and -, other than latest and v1, v2, ... of MLflow's own")
    return alias


def logged(run: StoredRun) -> "LoggedModel | None":
    """Return the model that a run has logged as a whole, or None."""
    client = open_client(run.uri)
    with refusals_in_words(run.uri):
        found = client.search_logged_models([run.experiment_id], f"source_run_id = '{run.id}' AND name = '{NAME}'")
    ready = [model for model in found if str(model.status) == "READY"]
    return ready[0] if ready else None


def log(run: StoredRun, write: Callable[[Path, str], None]) -> "LoggedModel":
    """Log a model with a run that has ended.

    Args:
        run: The run.
        write: Writes the model in MLflow's form, to a folder that is not there yet, with the id that it gets.

    Raises:
        TrackingError: The store refused or failed; no half of a model is left.
    """
    from mlflow.entities import LoggedModelOutput, LoggedModelStatus

    client = open_client(run.uri)
    with failures_without_secrets():
        model = client.create_logged_model(run.experiment_id, name=NAME, source_run_id=run.id)
        try:
            with TemporaryDirectory() as temporary:
                folder = Path(temporary, NAME)
                write(folder, model.model_id)
                client.log_model_artifacts(model.model_id, str(folder))
            client.log_outputs(run.id, [LoggedModelOutput(model.model_id, 0)])
            return client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
        except BaseException:
            client.delete_logged_model(model.model_id)
            raise


def register(run: StoredRun, model: "LoggedModel", name: str, alias: str | None) -> Registered:
    """Put a logged model into the registry; a second time it is the version of the first.

    Args:
        run: That the model is of.
        model: Logged with it.
        name: In the registry; made if there is none.
        alias: That is to stand for this version from now on.

    Raises:
        BadInput: The registry does not take it.
    """
    from mlflow.exceptions import MlflowException

    client = open_client(run.uri)
    with refusals_in_words(run.uri):
        try:
            client.create_registered_model(name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise BadInput(f"MLflow does not take name={name}: {str(error).partition(chr(10))[0]}") from None
        source = f"models:/{model.model_id}"
        before = [one for one in _versions(client, f"name = '{name}'") if one.source == source]
        version = before[0] if before else client.create_model_version(name, source, run.id, model_id=model.model_id)
        if alias is not None:
            client.set_registered_model_alias(name, alias, version.version)
    return Registered(name, str(version.version), not before)


def registered_runs(client: "MlflowClient") -> dict[str, str]:
    """Return the names of the registered models by the ids of the runs that made them."""
    found: dict[str, str] = {}
    for version in _versions(client):
        run_id = version.run_id or ""
        if not run_id and (match := re.match(r"runs:/(\w+)/", version.source or "")):
            run_id = match[1]
        if not run_id and version.model_id:
            run_id = client.get_logged_model(version.model_id).source_run_id or ""
        found.setdefault(run_id, version.name)
    return found


def logged_models(client: "MlflowClient", experiments: Collection[str]) -> dict[str, list["LoggedModel"]]:
    """Return the logged models of experiments, by the run that each is of."""
    found: dict[str, list[LoggedModel]] = {}
    token: str | None = None
    while True:
        page = client.search_logged_models(sorted(experiments), max_results=_PAGE, page_token=token)
        for model in page:
            found.setdefault(model.source_run_id or "", []).append(model)
        if not (token := page.token):
            return found


def _versions(client: "MlflowClient", condition: str | None = None) -> list["ModelVersion"]:
    found = []
    token: str | None = None
    while True:
        page = client.search_model_versions(condition, max_results=_PAGE, page_token=token)
        found += page
        if not (token := page.token):
            return found
