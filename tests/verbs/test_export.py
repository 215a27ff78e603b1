"""`zoo export`: what is exported puts out the same in a fresh process, and needs nothing of the run."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo import exported, kept, verbs
from zoo.config import BadInput
from zoo.data import Inputs

ROOT = Path(__file__).parents[2]
TENSORFLOW_ALONE = """
import sys, numpy as np, tensorflow as tf
model = tf.saved_model.load("saved_model")
outputs = model.serve(tf.constant(np.load(sys.argv[1]))).numpy()
np.save("outputs.npy", outputs)
sys.exit("zoo" in sys.modules)
"""
KERAS = """
import sys, numpy as np, keras
if sys.argv[2]: import zoo.layers
model = keras.saving.load_model("model.keras", compile=False)
np.save("outputs.npy", np.asarray(model(np.load(sys.argv[1]), training=False)))
sys.exit("zoo" in sys.modules and not sys.argv[2])
"""


def questions(name):
    """Return inputs that the export itself has not seen."""
    random = np.random.default_rng(11)
    if name in ("words", "tied", "characters"):
        return random.integers(0, 20, (3, 17)).astype(np.int32)
    shape = {"digits": (5, 64), "xor": (5, 2), "adding": (5, 23, 2)}[name]
    return random.normal(size=shape).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "form"),
    [("digits", "keras"), ("characters", "keras"), ("tied", "keras"), ("digits", "saved_model"),
     ("xor", "saved_model"), ("adding", "saved_model"), ("words", "saved_model"), ("characters", "saved_model"),
     ("tied", "saved_model")],
)  # fmt: skip
def test_the_exported_model_puts_out_the_same_in_a_fresh_process(name, form, said, runs, tmp_path):
    shown = said("export", runs.ids[name], f"format={form}", "to=there").out
    assert "In a fresh process its outputs" in shown
    there = tmp_path / "there"
    asked = questions(name)
    np.save(tmp_path / "asked.npy", asked)
    needs = "yes" if form == "keras" and name != "digits" else ""
    done = subprocess.run(
        [sys.executable, "-c", KERAS if form == "keras" else TENSORFLOW_ALONE, str(tmp_path / "asked.npy"), needs],
        cwd=there, capture_output=True, text=True, timeout=200,
        env={**os.environ, "PYTHONPATH": str(ROOT) if needs else "", "TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = np.asarray(zoo.load(runs.ids[name], runs.uri).model(asked, training=False))
    np.testing.assert_allclose(np.load(there / "outputs.npy"), expected, rtol=0, atol=1e-6)
    assert ("import zoo.layers" in (there / "use.py").read_text()) == bool(needs)


@pytest.mark.slow
def test_the_folder_has_what_the_use_of_the_model_needs(said, runs, tmp_path):
    said("export", runs.ids["digits"])
    (there,) = (tmp_path / "exported").iterdir()
    assert {path.name for path in there.iterdir()} == {
        "model.keras", "inputs.json", "example.npz", "use.py", "README.md",
    }  # fmt: skip
    found = Inputs.load(there / "inputs.json")
    assert found.spec.labels == tuple("0123456789")
    assert found.spec.scaling(np.full((1, 64), 8.0)).tolist() == [[0.5] * 64]
    readme = (there / "README.md").read_text()
    assert "float32 [n, 64]" in readme
    assert "softmax" in readme
    before = (there / "example.npz").read_bytes()
    with pytest.raises(BadInput, match="overwrite=true"):
        verbs.run("export", runs.ids["digits"])
    (there / "model.keras").unlink()
    said("export", runs.ids["digits"], "overwrite=true")
    assert (there / "model.keras").exists()
    assert (there / "example.npz").read_bytes()[:100] == before[:100]
    assert [path.name for path in (tmp_path / "exported").iterdir()] == [there.name]


def test_a_folder_with_other_files_is_left_alone(runs, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", runs.uri)
    (tmp_path / "letters.txt").write_text("to the editor")
    for more in ([], ["overwrite=true"]):
        with pytest.raises(BadInput, match="other files, which are left alone"):
            verbs.run("export", runs.ids["digits"], f"to={tmp_path}", *more)
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_an_export_that_would_not_be_the_same_is_not_made(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(exported, "_USE_KERAS", exported._USE_KERAS.replace('example["outputs"])', "0.5)"))
    with pytest.raises(BadInput, match="Nothing was written"):
        exported.export(kept.find(runs.ids["xor"], runs.uri), "keras", tmp_path / "there")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "words", "says"),
    [
        ("trigram", [], "has counted words: there is no network to export"),
        ("digits", ["format=onnx"], "format should be keras or saved_model. Received: format=onnx."),
        ("digits", ["too=there"], "Did you mean 'to'?"),
        ("diverged", [], "kept no model"),
    ],
)
def test_what_cannot_be_exported_is_refused(name, words, says, runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=re.escape(says)):
        verbs.run("export", runs.ids[name], *words, f"tracking.uri={runs.uri}")
    assert list(tmp_path.iterdir()) == []


def test_what_a_model_reads_survives_its_file_and_a_damaged_one_is_refused(runs, tmp_path):
    folder = kept.find(runs.ids["digits"], runs.uri).run.artifact_folder
    text = (folder / "inputs.json").read_text()
    found = Inputs.load(folder / "inputs.json")
    found.save(tmp_path)
    plain = json.loads(text)
    assert json.loads((tmp_path / "inputs.json").read_text()) == plain
    for damage in ({"kind": "smells"}, {"shape": ["wide"]}, {"scaling": {"offset": 0, "span": 0}}, {"example": []},
                   {"labels": ["one"]}, {"classes": 0}, {"output": "noise"}, {"image_shape": 7}):  # fmt: skip
        (tmp_path / "inputs.json").write_text(json.dumps(plain | damage))
        with pytest.raises(BadInput, match="should say what a model reads"):
            Inputs.load(tmp_path / "inputs.json")
