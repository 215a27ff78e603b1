"""MLflow kept quiet, and what it and its drivers raise in words, without the secrets that addresses may hold."""

import contextlib
import logging
import os
from collections.abc import Iterator

from zoo.config import BadInput
from zoo.tracking.address import mask

# What MLflow is told unless the user has said otherwise. Its log repeats, with tracebacks, what its exceptions say.
_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
# A server that does not answer at the start is better known soon; later, during training, MLflow's own patience
# (seven retries in about four minutes) rides out a restart.
_IMPATIENT = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "4", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}


class TrackingError(RuntimeError):
    """The store that records the run refused or failed; no secret of its address is in the message."""


@contextlib.contextmanager
def refusals_in_words(uri: str) -> Iterator[None]:
    """Turn whatever MLflow and its drivers raise into one `BadInput`, and let no server keep us waiting.

    Raises:
        BadInput: Something inside was refused, failed or took too long.
    """
    _set_defaults()
    impatient = {key: value for key, value in _IMPATIENT.items() if key not in os.environ}
    os.environ.update(impatient)
    try:
        yield
    except BadInput:
        raise
    except Exception as error:  # each driver has exceptions of its own
        # Without the cause, whose message may hold a password.
        raise BadInput(
            f"The tracking store {mask(uri)} can't be used: {_reason(error)} Choose another with tracking.uri=... "
            "(such as sqlite:///mlflow.db), or record nothing with tracking=off."
        ) from None
    finally:
        for key in impatient:
            os.environ.pop(key, None)


@contextlib.contextmanager
def failures_without_secrets() -> Iterator[None]:
    """Turn what MLflow and the artifact store raise into `TrackingError`.

    Raises:
        TrackingError: Something inside was refused or failed.
    """
    from mlflow.exceptions import MlflowException

    try:
        yield
    except (MlflowException, OSError) as error:
        # Without the cause, whose message may hold a password.
        raise TrackingError(mask(str(error))) from None


def _set_defaults() -> None:
    for key, value in _DEFAULTS.items():
        os.environ.setdefault(key, value)
    if os.environ["MLFLOW_LOGGING_LEVEL"] == _DEFAULTS["MLFLOW_LOGGING_LEVEL"]:
        # MLflow reads its level when it is imported, which the user may have done before.
        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.CRITICAL)


def _reason(error: Exception) -> str:
    text = mask(str(error)).strip()
    for sign, words in _WORDS.items():
        if sign in text.lower():
            return words
    first = text.splitlines()[0] if text else type(error).__name__
    return first[:300].rstrip(". ") + "."


_WORDS = {
    "connection refused": "nothing listens there.",
    "timed out": "it does not answer.",
    "name or service not known": "the name of the host is unknown.",
    "failed to resolve": "the name of the host is unknown.",
    "name resolution": "the name of the host is unknown.",
    "file is not a database": "the file is not an SQLite database.",
    "out-of-date database schema": "it was made by an older MLflow. Copy it, then run `mlflow db upgrade` on it.",
    "can't locate revision": "it was made by a newer MLflow than the one installed.",
    "error code 401": "it refuses the user name or password (MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD).",
    "error code 403": "it refuses access (MLFLOW_TRACKING_USERNAME, MLFLOW_TRACKING_PASSWORD, MLFLOW_TRACKING_TOKEN).",
    "error code 404": "what answers there is not an MLflow server.",
    "no such table": "the database is not MLflow's.",
    "readonly database": "it can't be written.",
    "unable to open database file": "the file can't be opened or made.",
}
