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


@pytest.mark.slow
def test_the_third_notebook_s_formulas_are_those_of_the_tape_and_of_the_loops(store: str, tmp_path: Path) -> None:
    notebook = papermill.execute_notebook(
        str(NOTEBOOKS / "03_backpropagation_by_hand.ipynb"),
        str(tmp_path / "executed.ipynb"),
        parameters={
            "epochs": 40,
            "seeds": 3,
            "numpy_epochs": 200,
            "layers": 3,
            "units": 8,
            "deep_seeds": 1,
            "deep_epochs": 1,
            "deep": ["model=mnist_fcn", "data=digits", "data.limit=200", "loop.jit=false"],
        },
        cwd=str(tmp_path),
        progress_bar=False,
    )
    shown = pictures(notebook)
    assert list(shown) == ["xor-picture", "deep-picture", "zoo-picture"]
    assert [name for name, picture in shown.items() if picture[..., :3].std() < 0.05] == []
    against_tape, against_differences = last_numbers(printed(notebook, "check"))
    assert against_tape < 1e-10
    assert against_differences < 1e-4
    assert max(last_numbers(printed(notebook, "loops-compared"))[1:]) < 1e-6
    kept = dict(
        zip(("sigmoid", "large", "tanh", "relu", "normed"), last_numbers(printed(notebook, "deep")), strict=True)
    )
    assert kept["sigmoid"] < 0.4 < min(value for name, value in kept.items() if name != "sigmoid")


@pytest.mark.slow
def test_the_fourth_notebook_sees_a_run_diverge_another_cured_and_a_network_write(store: str, tmp_path: Path) -> None:
    notebook = papermill.execute_notebook(
        str(NOTEBOOKS / "04_recurrence.ipynb"),
        str(tmp_path / "executed.ipynb"),
        parameters={
            "seeds": 1,
            "lengths": [10],
            "adding": ["data.samples=300", "epochs=1"],
            "exploding": ["data.limit=256", "batch_size=256", "epochs=60"],
            "text": ["data.part=new", "data.limit=8000", "model.units=8"],
            "pieces": {20: 80, 50: 32},
            "truncation_epochs": 1,
            "chapters": [0, 1],
        },
        cwd=str(tmp_path),
        progress_bar=False,
    )
    shown = pictures(notebook)
    assert list(shown) == ["gradient", "back", "norms", "norms-clipped"]
    assert [name for name, picture in shown.items() if picture[..., :3].std() < 0.05] == []
    said = printed(notebook, "explode")
    assert re.search(
        r"not clipped, seed 0: diverged\.\s.*step \d+; the largest gradient norms .* output [\d.e+]+", said
    )
    assert "\nclipped, seed 0: completed." in said
    assert printed(notebook, "write").count("--- after") == 2


@pytest.mark.slow
def test_the_fifth_notebook_tells_what_is_gained_forgotten_and_kept(store: str, tmp_path: Path) -> None:
    digits = ["model=mnist_fcn", "data=digits", "model.hidden=[16]", "epochs=2"]
    text = ["model.vocab_size=300", "model.units=8", "model.embedding=8", "data.limit=4000", "epochs=1"]
    notebook = papermill.execute_notebook(
        str(NOTEBOOKS / "05_fine_tuning.ipynb"),
        str(tmp_path / "executed.ipynb"),
        parameters={
            "seeds": 1,
            "text_seeds": 1,
            "first_digits": [*digits, "data.classes=[0,1,2,3,4]"],
            "other_digits": [*digits, "data.classes=[5,6,7,8,9]", "data.limit=100"],
            "old_testament": ["experiment=old_testament", *text],
            "new_testament": ["experiment=new_testament", *text],
        },
        cwd=str(tmp_path),
        progress_bar=False,
    )
    shown = pictures(notebook)
    assert list(shown) == ["digits-figure", "words-figure"]
    assert [name for name, picture in shown.items() if picture[..., :3].std() < 0.05] == []
    matched = re.search(
        r"Of 300 words, (\d+) are in both vocabularies, (\d+) embeddings", printed(notebook, "matching")
    )
    assert matched is not None
    assert matched[1] == matched[2]
    assert "(the source)" in printed(notebook, "lineage")
    assert "2 runs started from" in printed(notebook, "lineage")


@pytest.mark.slow
def test_the_sixth_notebook_s_verdicts_follow_from_what_it_prints(store: str, tmp_path: Path) -> None:
    notebook = papermill.execute_notebook(
        str(NOTEBOOKS / "06_reading_tutorials_critically.ipynb"),
        str(tmp_path / "executed.ipynb"),
        parameters={
            "seeds": 3,
            "digit_seeds": 1,
            "small": ["epochs=20"],
            "two_digits": ["data=digits", "epochs=1"],
            "depths": [2, 4],
        },
        cwd=str(tmp_path),
        progress_bar=False,
    )
    shown = pictures(notebook)
    assert list(shown) == ["xor-picture", "cost-picture"]
    assert [name for name, picture in shown.items() if picture[..., :3].std() < 0.05] == []
    assert "0 of 3 solve XOR" in printed(notebook, "xor-solved")
    assert "least squares predicts  [0.5 0.5 0.5 0.5]" in printed(notebook, "linear-solved")
    assert printed(notebook, "digits-counts").endswith(" 0 pairs left\n")
    assert "floor of the mistake: 0.5032" in printed(notebook, "logits-floor")
    assert "2 rows of 1, 2 numbers" in printed(notebook, "shape")
    stack, feedback = last_numbers(printed(notebook, "feedback"))
    assert stack == 0 < feedback
    ratios = last_numbers(printed(notebook, "time"))
    assert ratios[0] == 1 < ratios[1]
    assert ratios[-1] == 5.5


def last_numbers(text: str) -> list[float]:
    """Return the number that ends a line, of each line that ends in one."""
    return [float(match) for match in re.findall(r"(-?\d+\.\d+(?:e[-+]\d+)?)$", text, re.MULTILINE)]


def pictures(notebook: nbformat.NotebookNode) -> dict[str, np.ndarray]:
    return {
        cell.id: imread(io.BytesIO(base64.b64decode(output.data["image/png"])))
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    }
