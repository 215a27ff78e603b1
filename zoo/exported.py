"""A finished run's network in a folder that needs neither the run nor the zoo: model, words, an example, and its use.

The folder's own script, which shows how the model is used, is run in a fresh process before the folder is handed over.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Literal

import numpy as np

from zoo import kept, quiet
from zoo.config import BadInput
from zoo.kept import Kept

Format = Literal["keras", "saved_model"]
TOLERANCE = 1e-6
SCRIPT = "use.py"
_ROWS = 16  # of the example
_SECONDS = 300
_MODEL = {"keras": kept.NETWORK, "saved_model": "saved_model"}

_USE_KERAS = '''"""Loads the model and compares what it puts out with what it put out in the run."""

from pathlib import Path

import keras
import numpy as np
{imports}
folder = Path(__file__).parent
model = keras.saving.load_model(folder / "model.keras", compile=False)
example = np.load(folder / "example.npz")
outputs = np.asarray(model(example["inputs"], training=False))
print("largest difference:", np.abs(outputs - example["outputs"]).max())
'''
_USE_SAVED_MODEL = '''"""Loads the model and compares what it puts out with what it put out in the run."""

from pathlib import Path

import numpy as np
import tensorflow as tf

folder = Path(__file__).parent
model = tf.saved_model.load(folder / "saved_model")
example = np.load(folder / "example.npz")
outputs = model.serve(tf.constant(example["inputs"])).numpy()
print("largest difference:", np.abs(outputs - example["outputs"]).max())
'''


def check(found: Kept) -> None:
    """Refuse a run whose model is no network.

    Raises:
        BadInput: Its model was counted.
    """
    if found.is_counted:
        raise BadInput(
            f"Run {found.run.id} ({found.run.name}) has counted words: there is no network to export. Its counts are "
            f"arrays, which NumPy reads: {found.file}."
        )


def export(found: Kept, form: Format, folder: Path, *, overwrite: bool = False) -> float:
    """Write the network of a run to a folder.

    Args:
        found: The run.
        form: `keras`: one file for Keras; `saved_model`: a folder for TensorFlow alone, or TensorFlow Serving.
        folder: Where to. What is there is replaced only if it is an earlier export.
        overwrite: Whether it may be.

    Returns:
        The largest difference between the outputs of the network here and in a fresh process.

    Raises:
        BadInput: The folder is not empty, the network can't be exported, or would not be the same.
    """
    folder = folder.absolute()
    _check_folder(folder, overwrite)
    model: Any = kept.network(found.file)
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Beside the folder, so that it is there as a whole or not at all.
    with tempfile.TemporaryDirectory(prefix=".export-", dir=folder.parent) as temporary:
        made = Path(temporary, "made")
        made.mkdir()
        inputs = _example(found)
        outputs = np.asarray(model(inputs, training=False), np.float32)
        np.savez(made / "example.npz", inputs=inputs, outputs=outputs)
        found.inputs.save(made)
        if found.vocabulary is not None:
            found.vocabulary.save(made / "vocabulary.json")
        modules = _modules(model) if form == "keras" else []
        if form == "keras":
            shutil.copy(found.file, made / kept.NETWORK)
        else:
            _save_model(model, made / "saved_model", found)
        imports = "".join(f"import {name}  # its layers\n" for name in modules)
        use = _USE_KERAS.format(imports=imports and f"\n{imports}") if form == "keras" else _USE_SAVED_MODEL
        (made / SCRIPT).write_text(use, encoding="utf-8")
        (made / "README.md").write_text(_readme(found, form, inputs, outputs, modules), encoding="utf-8")
        difference = _in_a_fresh_process(made, needs_zoo=bool(modules))
        if not difference <= TOLERANCE * max(1.0, float(np.abs(outputs).max())):
            raise BadInput(
                f"The exported model of run {found.run.id} should put out what the run's does, to {TOLERANCE:g}, but "
                f"in a fresh process it differs by {difference:.2g}. Nothing was written."
            )
        if folder.exists():
            shutil.rmtree(folder)
        made.replace(folder)
    return difference


def _check_folder(folder: Path, overwrite: bool) -> None:
    if not folder.exists() or not any(folder.iterdir()):
        return
    is_ours = (folder / SCRIPT).is_file() and (folder / "example.npz").is_file() and not folder.is_symlink()
    if not is_ours:
        raise BadInput(f"to={folder} holds other files, which are left alone. Name a new folder.")
    if not overwrite:
        raise BadInput(f"to={folder} holds an export already. Name a new folder, or replace it by overwrite=true.")


def _example(found: Kept) -> np.ndarray:
    """Return inputs that the network reads: float32 [n, ...] or int32 [n, time]."""
    inputs = found.inputs
    if inputs.spec.kind == "tokens":
        tokens = np.resize(inputs.example, 2 * inputs.spec.shape[0]).astype(np.int32) % inputs.spec.classes
        return tokens.reshape(2, -1)
    random = np.random.default_rng(0)
    # Noise around the examples reaches more of the network than a few examples would.
    repeated = np.resize(inputs.example, (_ROWS, *inputs.example.shape[1:]))
    return (repeated + random.normal(size=repeated.shape) * 0.1).astype(np.float32)


def _save_model(model: Any, folder: Path, found: Kept) -> None:
    quiet.import_tensorflow()
    import contextlib
    import io

    from zoo.layers import any_length

    try:
        with any_length.exporting(), contextlib.redirect_stdout(io.StringIO()):  # Keras prints the signature
            model.export(str(folder), format="tf_saved_model", verbose=False)
    except Exception as error:  # each layer has kinds of its own
        raise BadInput(
            f"TensorFlow can't export the network of run {found.run.id}: {type(error).__name__}: "
            f"{str(error).strip()[:300]}. Try format=keras."
        ) from None


def _modules(model: Any) -> list[str]:
    """Return the modules that have to be imported before Keras can load a network: those of layers that it lacks."""
    text = json.dumps(model.get_config(), default=str)
    names = {
        name
        for name in re.findall(r'"module": "([\w.]+)"', text)
        if name.partition(".")[0] not in ("keras", "builtins")
    }
    if re.search(r'"registered_name": "zoo>', text):
        names = {"zoo.layers", *(name for name in names if not name.startswith("zoo."))}
    return sorted(names)


def _in_a_fresh_process(folder: Path, *, needs_zoo: bool) -> float:
    """Run the folder's own script and return the difference that it prints."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
    paths = [str(Path(__file__).parents[1])] if needs_zoo else []
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    done = subprocess.run(
        [sys.executable, SCRIPT],
        capture_output=True, text=True, timeout=_SECONDS, env=environment, cwd=folder, check=False,
    )  # fmt: skip
    match = re.search(r"largest difference: (\S+)", done.stdout)
    if done.returncode or match is None:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise BadInput(f"A fresh process can't use the exported model: {last[:500]}. Nothing was written.")
    return float(match[1])


def _readme(found: Kept, form: Format, inputs: np.ndarray, outputs: np.ndarray, modules: list[str]) -> str:
    spec, means = found.inputs.spec, found.inputs.output
    shape = [
        "n",
        *("time" if spec.kind != "vectors" and axis == 0 else str(size) for axis, size in enumerate(inputs.shape[1:])),
    ]
    gives = ["n", *("time" if spec.kind == "tokens" and outputs.ndim == 3 and axis == 0 else str(size)
                    for axis, size in enumerate(outputs.shape[1:]))]  # fmt: skip
    lines = [
        f"# {found.run.name}",
        "",
        f"The network of run {found.run.id}: `model={found.config.model.name}`, trained on "
        f"`data={found.config.data.name}`.",
        "",
        "| file | what it is |",
        "|---|---|",
        f"| `{_MODEL[form]}` | the network with its best weights |",
        "| `inputs.json` | what it reads and what its outputs mean: shape, labels, scaling, some examples |",
        *(["| `vocabulary.json` | the tokens: an id is a position in the list |"] if found.vocabulary else []),
        "| `example.npz` | inputs, and what the network put out for them in the run |",
        f"| `{SCRIPT}` | loads the network and compares: `python {SCRIPT}` |",
        "",
        f"It reads {inputs.dtype} [{', '.join(shape)}]{_scaled(found)} and puts out {outputs.dtype} "
        f"[{', '.join(gives)}]: {_meaning(found)}.",
    ]
    if modules:
        lines += ["", f"Before it is loaded, `import {', '.join(modules)}` brings the layers that Keras lacks."]
    if means == "logits":
        function = "sigmoid" if spec.target == "binary" else "softmax"
        lines += ["", f"The outputs are logits: {function} makes probabilities of them."]
    return "\n".join(lines) + "\n"


def _scaled(found: Kept) -> str:
    spec = found.inputs.spec
    if spec.kind == "tokens":
        return ", the ids of tokens,"
    scaling = spec.scaling
    if not scaling.offset.any() and (scaling.span == 1).all():
        return ", values as the data set has them,"
    return ", values of the data set minus `offset`, over `span`, both of them in `inputs.json`,"


def _meaning(found: Kept) -> str:
    spec = found.inputs.spec
    if spec.kind == "tokens":
        return "a number for each token that may come next"
    if found.inputs.output == "values":
        return "the value"
    names = ", ".join(spec.labels[:10]) + (", ..." if len(spec.labels) > 10 else "")
    return f"one number, for the second of {names}" if spec.target == "binary" else f"a number for each of {names}"
