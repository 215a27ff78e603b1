"""MLflow's form of a model, and MLflow's server for one: on this machine alone, with a bound on what it is sent."""

import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.config import BadInput
from zoo.tracking.checked import Checked, Shape
from zoo.tracking.errors import failures_without_secrets
from zoo.tracking.lookup import StoredRun, copies

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel

HOST = "127.0.0.1"
FIRST_PORT = 5001  # 5000 is where MLflow shows the runs
LARGEST_REQUEST = 32 * 2**20  # bytes
_ENDING_SECONDS = 5  # for requests that are being answered when the server ends
_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]


def save(
    folder: Path,
    parts: Path,
    *,
    loader: str,
    example: Any,
    answer: Any,
    shape: Sequence[int] | None,
    params: Mapping[str, Any],
    libraries: Sequence[str],
    run_id: str,
    model_id: str | None,
) -> None:
    """Write a model in MLflow's form.

    Args:
        folder: Where to; it must not be there yet.
        parts: A folder with what the loader reads.
        loader: The module with `_load_pyfunc`, which has to be installed where the model is served.
        example: Of an input: float32 values, or a table with a column `text`.
        answer: To the example.
        shape: Of the values; None: the input is the table.
        params: That a request may have, with their defaults.
        libraries: That the loader needs.
        run_id: Of the run that made the model.
        model_id: MLflow's, if the model is to be logged.
    """
    import numpy as np
    from mlflow import pyfunc
    from mlflow.models import Model, ModelSignature, infer_signature
    from mlflow.types import ColSpec, DataType, ParamSchema, ParamSpec, Schema, TensorSpec

    kinds = {bool: DataType.boolean, int: DataType.long}
    spec = ColSpec(DataType.string, "text") if shape is None else TensorSpec(np.dtype(np.float32), tuple(shape))
    signature = ModelSignature(
        Schema([spec]),
        infer_signature(model_output=answer).outputs,
        ParamSchema([ParamSpec(name, kinds[type(value)], value) for name, value in params.items()]),
    )
    with failures_without_secrets():
        pyfunc.save_model(
            str(folder),
            loader_module=loader,
            data_path=str(parts),
            mlflow_model=Model(run_id=run_id, model_id=model_id),
            signature=signature,
            input_example=example,
            # Without the zoo, which is on no index under a name that could be relied on.
            pip_requirements=[f"{name}=={version(name)}" for name in ("mlflow", *libraries)],
        )


def folder_of(run: StoredRun, model: "LoggedModel", loader: str) -> Path:
    """Return the folder of a logged model on this machine, fetched if it is elsewhere.

    Raises:
        BadInput: Loading it would run other code than the loader's.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.models import Model

    with failures_without_secrets():
        target = Path(copies().name, model.model_id)
        target.mkdir(exist_ok=True)
        address = model.artifact_location
        folder = Path(download_artifacts(artifact_uri=address, dst_path=str(target), tracking_uri=run.uri))
        flavor = Model.load(str(folder / "MLmodel")).flavors.get("python_function", {})
    if flavor.get("loader_module") != loader or flavor.get("code"):
        raise BadInput(
            f"The model {model.model_id} of run {run.id} is not as the zoo has logged it: it would be loaded by "
            f"{flavor.get('loader_module')}. It is not served."
        )
    return folder


def open_port(port: int | None) -> socket.socket:
    """Return a socket of this machine alone that listens on a port; without one, to the first free port from 5001.

    Raises:
        BadInput: The port is in use, or may not be used.
    """
    reason = ""
    for one in range(FIRST_PORT, FIRST_PORT + 100) if port is None else [port]:
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind((HOST, one))
            opened.listen()  # from now on, nobody else can have the port
        except OSError as error:
            opened.close()
            reason = os.strerror(error.errno or 0).lower()
            continue
        return opened
    raise BadInput(f"port={port or FIRST_PORT} can't be used: {reason}. Choose another, or leave port out.")


def serve(folder: Path, opened: socket.socket, ready: Callable[[], None], shapes: Sequence[Shape] = ()) -> None:
    """Answer requests until Ctrl-C or SIGTERM, in this process, as `mlflow models serve` would.

    What is more than that: a request that is too large is refused before it is read as a whole, and see `Checked`.

    Args:
        folder: With the model in MLflow's form.
        opened: To listen on.
        ready: Called as soon as requests are answered.
        shapes: That one example may have beside that of the signature.
    """
    import uvicorn
    from mlflow import pyfunc
    from mlflow.pyfunc import scoring_server

    with failures_without_secrets():
        app = scoring_server.init(Checked(pyfunc.load_model(str(folder), suppress_warnings=True), shapes))
    app.add_exception_handler(RecursionError, _too_deep)
    config = uvicorn.Config(Guard(app), log_level="warning", timeout_graceful_shutdown=_ENDING_SECONDS, workers=1)

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready()

    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises it again when it has ended
        Server(config).run(sockets=[opened])


class Guard:
    """An ASGI application that refuses what is too large, or says not what it is, and passes on the rest.

    Args:
        app: That answers the rest.
        largest: Number of bytes of a request.
    """

    def __init__(self, app: Any, largest: int = LARGEST_REQUEST):
        self._app, self._largest = app, largest

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        body, size = await self._read(receive)
        if size > self._largest:
            await _refuse(send, 413, f"A request may have {self._largest:,} bytes. Send it in several parts.")
        elif b"content-type" not in dict(scope["headers"]):
            await _refuse(send, 415, "A request needs the header Content-Type: application/json, or text/csv.")
        else:
            waiting = [{"type": "http.request", "body": body, "more_body": False}]

            async def read() -> _Message:
                return waiting.pop() if waiting else await receive()

            await self._app(scope, read, send)

    async def _read(self, receive: _Receive) -> tuple[bytes, int]:
        """Return the body and its size; of one that is too large, the rest is read and forgotten.

        A client that is still sending would not see an answer.
        """
        parts, size = [], 0
        while True:
            message = await receive()
            size += len(message.get("body", b""))
            if size <= self._largest:
                parts.append(message.get("body", b""))
            else:
                parts.clear()
            if not message.get("more_body", False) or size > 8 * self._largest:
                return b"".join(parts), size


async def _refuse(send: _Send, status: int, words: str) -> None:
    body = json.dumps({"error_code": "BAD_REQUEST", "message": words}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, (b"connection", b"close")]})
    await send({"type": "http.response.body", "body": body})


async def _too_deep(_request: Any, _error: Exception) -> Any:
    from fastapi.responses import JSONResponse

    return JSONResponse({"error_code": "BAD_REQUEST", "message": "The JSON is nested too deeply."}, 400)
