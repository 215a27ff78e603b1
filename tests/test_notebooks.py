"""The notebooks run from top to bottom, with their parameters shrunk, and find what they say they find."""

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import papermill
import pytest
from matplotlib.image import imread

from zoo import tracking

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
EPOCHS = 5


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[str]:
    """The address of a tracking database for the notebooks alone; Jupyter's own files are kept beside it."""
    folder = tmp_path_factory.mktemp("notebooks")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        patch.setenv("JUPYTER_RUNTIME_DIR", str(folder / "runtime"))
        yield uri


@pytest.fixture(scope="module")
def first_run(store: str, tmp_path_factory: pytest.TempPathFactory) -> nbformat.NotebookNode:
    """The first notebook, executed on scikit-learn's small digits."""
    folder = tmp_path_factory.mktemp("first_run")
    return papermill.execute_notebook(
        str(NOTEBOOKS / "01_first_run.ipynb"),
        str(folder / "executed.ipynb"),
        parameters={"epochs": EPOCHS, "overrides": ["data=digits"]},
        cwd=str(folder),
        progress_bar=False,
    )


def printed(notebook: nbformat.NotebookNode, cell: str) -> str:
    (found,) = [one for one in notebook.cells if one.id == cell]
    return "".join(output.text for output in found.outputs if output.output_type == "stream")


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs_and_opens_with_any_python3_kernel(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.id for cell in code if cell.outputs or cell.execution_count is not None] == []
    assert notebook.metadata.kernelspec.name == "python3"
    assert ["parameters" in cell.metadata.get("tags", []) for cell in code].count(True) == 1


@pytest.mark.slow
def test_the_first_notebook_trains_a_run_that_mlflow_knows(first_run: nbformat.NotebookNode, store: str) -> None:
    run = tracking.find("last", store)
    assert run.status == "FINISHED"
    assert run.params["epochs"] == str(EPOCHS)
    assert run.tags["data"] == "digits"
    assert len(run.history("val_loss")) == EPOCHS
    assert f"{run.id[:8]}  {run.metrics['best_val_accuracy']:.4f}" in printed(first_run, "query")
    assert "learning_curves.png" in printed(first_run, "load")


@pytest.mark.slow
def test_the_first_notebook_loads_the_model_again_and_reads_most_digits(first_run: nbformat.NotebookNode) -> None:
    match = re.match(r"(\d+) of (\d+) digits", printed(first_run, "predict"))
    assert match is not None
    assert int(match[1]) >= 0.75 * int(match[2])


@pytest.mark.slow
def test_the_first_notebook_shows_its_pictures(first_run: nbformat.NotebookNode) -> None:
    shown = pictures(first_run)
    assert list(shown) == ["curve", "artifact", "pictures"]
    assert [name for name, picture in shown.items() if picture[..., :3].std() < 0.05] == []


@pytest.mark.slow
def test_the_second_notebook_sweeps_and_shows_the_answers(store: str, tmp_path: Path) -> None:
    notebook = papermill.execute_notebook(
        str(NOTEBOOKS / "02_optimizers_and_initializations.ipynb"),
        str(tmp_path / "executed.ipynb"),
        parameters={
            "optimizers": "sgd,adam",
            "seeds": 3,
            "epochs": 40,
            "digits": ["model=mnist_fcn", "data=digits", "model.hidden=[16]", "data.limit=200"],
            "digits_seeds": 2,
            "digits_epochs": 1,
        },
        cwd=str(tmp_path),
        progress_bar=False,
    )
    shown = pictures(notebook)
    assert list(shown) == ["heat", "success", "rates", "digits-heat"]
    assert [name for name, picture in shown.items() if picture[..., :3].std() < 0.05] == []
    (swept,) = [cell for cell in notebook.cells if cell.id == "xor"]
    assert "30 of 30 runs" in "".join(output.get("data", {}).get("text/plain", "") for output in swept.outputs)
    assert tracking.find(tracking.newest_sweep(store), store).metrics["runs"] == 8
    assert "is best" in printed(notebook, "mlflow")


def pictures(notebook: nbformat.NotebookNode) -> dict[str, np.ndarray]:
    return {
        cell.id: imread(io.BytesIO(base64.b64decode(output.data["image/png"])))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    }
