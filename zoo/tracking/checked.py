"""What MLflow's server makes of a request, mended: it is refused in words alone, and for every word that is not known.

MLflow itself ignores params that it does not know, and puts all of the data before the reason of a refusal.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

Shape = tuple[int, ...]


def bad_request(words: str) -> Exception:
    """Return the exception that MLflow's server answers with status 400 and these words."""
    from mlflow.exceptions import MlflowException

    class Refusal(MlflowException):
        @property
        def message(self) -> str:
            return words

        @message.setter
        def message(self, other: str) -> None:
            """Keep the words: mlflow.pyfunc.scoring_server puts the data before them, thousands of numbers."""

    return Refusal.invalid_parameter_value(words)


class Checked:
    """A loaded model as MLflow's server asks it, which refuses what MLflow would let pass.

    Args:
        model: Loaded by MLflow.
        shapes: That one example may have beside that of the signature; of as many numbers.
    """

    def __init__(self, model: "PyFuncModel", shapes: Sequence[Shape] = ()):
        self._model, self._shapes = model, shapes
        self.metadata = model.metadata

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:
        """Answer a request.

        Raises:
            MlflowException: It can't be answered; the words say why.
        """
        from mlflow.exceptions import MlflowException

        schema = self.metadata.get_params_schema()
        known = [one.name for one in schema.params] if schema else []
        if isinstance(params, Mapping) and (other := [str(name) for name in params if name not in known]):
            raise bad_request(f"params may have {', '.join(known) or 'nothing'}. Received: {', '.join(other)[:200]}.")
        try:
            return self._model.predict(self._as_signed(data), params=params)
        except MlflowException as error:
            raise bad_request(self._short(error.message)) from None

    def _as_signed(self, data: Any) -> Any:
        """Return values in the shape of the signature: a picture may come as rows of pixels, one example by itself."""
        if not self._shapes or not isinstance(data, np.ndarray):
            return data
        own = tuple(self.metadata.get_input_schema().inputs[0].shape[1:])
        if data.shape in (own, *self._shapes):
            data = data[None]
        return data.reshape(len(data), *own) if data.shape[1:] in self._shapes else data

    def _short(self, message: str) -> str:
        """Return MLflow's words without the data, which they begin with."""
        if not message.startswith("Failed to enforce schema of data"):
            return message
        reason = message.rpartition(". Error: ")[2]
        return f"{reason.rstrip('.')}. Expected: {self.metadata.get_input_schema()}."
