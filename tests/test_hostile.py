"""What somebody who means harm could hand over: models, arrays and configs with code in them are refused, never run."""

import hashlib
import json
import pickle
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

import zoo
from zoo import compose, tracking
from zoo.config import BadInput
from zoo.run import run


@pytest.fixture(scope="module")
def store(tmp_path_factory, data_dir):
    """The folder of a store and of the files of its runs, three folders deep."""
    folder = tmp_path_factory.mktemp("hostile") / "a" / "b"
    folder.mkdir(parents=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder / 'mlflow.db'}")
        patch.chdir(folder)
        yield folder


@pytest.fixture
def marker(store):
    """A file that is there when foreign code has run."""
    path = store / "attacked"
    yield path
    path.unlink(missing_ok=True)


def trained(*words):
    return run(compose(*words), console=Console(quiet=True))


def words_of_text(store):
    (store / "plain.txt").write_text("one two three four five\n" * 400)
    return "model=trigram", "data=text", "data.train=plain.txt"


@pytest.fixture(scope="module")
def linear(store):
    return trained("model=linear", "epochs=2")


@pytest.fixture(scope="module")
def counted(store):
    return trained(*words_of_text(store))


@pytest.fixture
def artifact(linear):
    """The path of an artifact of a finished run, which is as it was after the test."""
    kept = {}

    def of(name: str, result=linear) -> Path:
        path = tracking.find(result.run_id).artifact_folder / name
        kept[path] = path.read_bytes() if path.exists() else None
        return path

    yield of
    for path, content in kept.items():
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)


class Attack:
    """Makes a file when it is unpickled."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def test_the_attacks_work_where_nobody_looks(marker):
    pickle.loads(pickle.dumps(Attack(marker)))
    assert marker.exists()


def lambda_model(marker, path):
    import keras

    code = f"__import__('pathlib').Path({str(marker)!r}).touch()"
    layer = keras.layers.Lambda(eval(f"lambda x: x if {code} is None else x"))
    keras.Sequential([keras.layers.Input((1,)), layer, keras.layers.Dense(1)]).save(path)
    marker.unlink(missing_ok=True)  # making it ran it


def test_a_lambda_layer_would_run_if_it_was_let(marker, tmp_path):
    import keras

    lambda_model(marker, tmp_path / "model.keras")
    keras.saving.load_model(tmp_path / "model.keras", safe_mode=False)(np.zeros((1, 1)))
    assert marker.exists()


def test_a_model_with_a_lambda_layer_is_refused_and_not_run(linear, artifact, marker):
    lambda_model(marker, artifact("model.keras"))
    with pytest.raises(BadInput, match=r"Keras refuses to load it.*never loaded"):
        zoo.load(linear.run_id)
    assert not marker.exists()


def test_a_model_in_the_older_format_is_refused_and_not_run(linear, artifact, marker, tmp_path):
    lambda_model(marker, tmp_path / "model.h5")
    artifact("model.keras").write_bytes((tmp_path / "model.h5").read_bytes())
    with pytest.raises(BadInput, match="Keras refuses to load it"):
        zoo.load(linear.run_id)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("module", "name", "config"),
    [
        ("os", "system", {"command": "touch attacked"}),
        ("os", "system", "touch attacked"),
        ("builtins", "exec", {"source": "open('attacked', 'w')"}),
        ("builtins", "eval", "open('attacked', 'w')"),
        ("subprocess", "run", {"args": ["touch", "attacked"]}),
        ("subprocess", "Popen", {"args": ["touch", "attacked"]}),
        ("pathlib", "Path.touch", {}),
        ("keras.utils", "get_file", {"fname": "attacked", "origin": "file:///etc/hostname"}),
        ("keras.src.ops.numpy", "load", {}),
        ("zoo.run", "run", {}),
        ("tests.no_such_module", "Thing", {}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["model", "layer", "initializer", "function"])
def test_a_model_that_names_a_foreign_function_is_refused_and_not_run(
    linear, artifact, marker, module, name, config, place
):
    path = artifact("model.keras")
    with zipfile.ZipFile(path) as whole:
        files = {one: whole.read(one) for one in whole.namelist()}
    tree = json.loads(files["config.json"])
    foreign = {"module": module, "class_name": name, "config": config, "registered_name": name}
    layer = tree["config"]["layers"][-1]
    if place == "model":
        tree = foreign
    elif place == "layer":
        layer |= foreign
    elif place == "initializer":
        layer["config"]["kernel_initializer"] = foreign
    else:
        layer["config"]["activation"] = foreign | {"class_name": "function", "config": name}
    with zipfile.ZipFile(path, "w") as changed:
        for one, content in (files | {"config.json": json.dumps(tree).encode()}).items():
            changed.writestr(one, content)
    with pytest.raises(BadInput, match="Keras refuses to load it"):
        zoo.load(linear.run_id)
    assert not marker.exists()


def test_an_archive_with_files_that_lead_elsewhere_is_refused_or_kept_inside(linear, artifact, store):
    path = artifact("model.keras")
    with zipfile.ZipFile(path, "a") as changed:
        changed.writestr("../../../../attacked", "attacked")
        changed.writestr("/attacked", "attacked")
    zoo.load(linear.run_id)
    assert not list(store.parents[1].rglob("attacked"))
    assert not Path("/attacked").exists()


def pickled(marker, path):
    np.savez(path, keys=np.array([Attack(marker)], object), counts=np.ones(1), words=np.array(3), discount=np.array(1))


def test_pickled_arrays_of_a_run_are_refused_and_not_run(counted, artifact, marker):
    pickled(marker, artifact("trigram.npz", counted))
    with pytest.raises(BadInput, match="should be a trigram"):
        zoo.load(counted.run_id)
    assert not marker.exists()


def test_a_run_does_not_go_on_from_a_pickled_checkpoint(store, marker, caplog):
    short = trained("model=linear", "epochs=3", "checkpoint.keep=true", "seed=11")
    checkpoints = tracking.find(short.run_id).artifact_folder / "checkpoints"
    pickled(marker, store / "evil.npz")
    content = (store / "evil.npz").read_bytes()
    for file in [*checkpoints.glob("*.npz")]:
        file.unlink()
    (checkpoints / f"last-00000009-{hashlib.sha256(content).hexdigest()[:16]}.npz").write_bytes(content)
    longer = trained(f"resume={short.run_id}", "epochs=6")
    assert not marker.exists()
    assert longer.outcome == "completed"


YAML = {
    "apply": "!!python/object/apply:os.system ['touch attacked']\n",
    "new": "x: !!python/object/new:os.system ['touch attacked']\n",
    "name": "x: !!python/name:os.system\n",
    "module": "x: !!python/module:os\n",
    "resolver": "x: ${oc.env:HOME}\ny: ${oc.decode:'1'}\n",
    "billion laughs": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "nested": "[" * 20_000,
    "nested with a reference": "[" * 20_000 + "*a",
    "merged": "a: &a {x: 1}\nb:\n  <<: *a\n",
}


@pytest.mark.parametrize("file", ["config.yaml", "overrides.yaml"])
@pytest.mark.parametrize("kind", YAML)
def test_a_config_with_code_or_endless_references_is_refused_and_not_run(linear, artifact, marker, kind, file):
    artifact(file).write_text(YAML[kind])
    began = time.monotonic()
    with pytest.raises(BadInput):
        zoo.load(linear.run_id)
    assert time.monotonic() - began < 20
    assert not marker.exists()


@pytest.mark.parametrize("kind", YAML)
def test_a_run_that_is_made_again_or_goes_on_runs_no_code_of_its_config(linear, artifact, marker, kind):
    artifact("config.yaml").write_text(YAML[kind])
    found = tracking.find(linear.run_id)
    found._client.set_tag(found.id, "config_hash", "0" * 16)  # what it was is then read from the file
    try:
        with pytest.raises(BadInput, match="can't go on"):
            compose(f"resume={linear.run_id}", "epochs=5")
        assert compose(f"rerun={linear.run_id}").epochs == 2
    finally:
        found._client.set_tag(found.id, "config_hash", found.tags["config_hash"])
    assert not marker.exists()


@pytest.mark.parametrize("kind", YAML)
def test_words_with_code_of_a_run_are_refused_and_not_run(linear, artifact, marker, kind):
    artifact("overrides.yaml").write_text(YAML[kind])
    found = tracking.find(linear.run_id)
    found._client.set_tag(found.id, "overrides", "model=linear ... (cut, 9,000 characters in all)")
    try:
        for words in ([f"resume={linear.run_id}", "epochs=5"], [f"rerun={linear.run_id}"]):
            with pytest.raises(BadInput):
                compose(*words)
    finally:
        found._client.set_tag(found.id, "overrides", found.tags["overrides"])
    assert not marker.exists()
