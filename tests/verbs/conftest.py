"""Finished runs of every kind, for what can be done with them; made once; tests may log models with them."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

import zoo

TEXT = 'In the beginning was the word, and the word was good (very good). He said: "Let there be light!"\n' * 60
SMALL = ["model.embedding=8", "model.units=12", "model.layers=1", "data.sequence_length=6", "batch_size=8", "epochs=2"]
POEM = "the sun is up , the day is long .\nthe moon is down , the night is cold !\nno sun , no moon , no day .\n"
DIGITS = ["model=mnist_fcn", "data=digits", "model.hidden=[32]", "epochs=6"]
SHORT = ["model.units=8", "model.embedding=8", "model.layers=1", "data.sequence_length=12", "batch_size=4", "epochs=1"]


@dataclass(frozen=True)
class Runs:
    """A store with runs, by what they are.

    Attributes:
        uri: Of the store.
        folder: That it lies in.
        ids: Of the runs.
    """

    uri: str
    folder: Path
    ids: dict[str, str]


def make(folder: Path, *names: str) -> Runs:
    """Train small runs in a store of their own."""
    text = folder / "text.txt"
    text.write_text(TEXT, encoding="utf-8")
    of_text = ["data=text", f"data.train={text}"]
    words = {
        "digits": ["data=digits", "model.hidden=[16]", "epochs=2"],
        "worse digits": ["data=digits", "model.hidden=[2]", "epochs=1"],
        "xor": ["model=xor_mlp", "epochs=20"],
        "adding": ["model=gru", "data=adding", "data.samples=200", "data.validation=20", "data.length=10",
                   "model.units=6", "model.layers=1", "epochs=1"],
        "words": ["model=lstm", *of_text, *SMALL],
        "tied": ["model=rnn", "model.tied_weights=true", "model.predict=every", *of_text, *SMALL],
        "characters": ["model=gru", "data.level=char", *of_text, *SMALL],
        "trigram": ["model=trigram", *of_text],
        "diverged": ["data=digits", "optimizer=sgd", "optimizer.learning_rate=1e30", "epochs=1"],
    }  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        uri = f"sqlite:///{folder}/mlflow.db"
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        ids = {}
        for name in names or words:
            ids[name] = zoo.train(*words[name]).run_id
        return Runs(uri, folder, ids)


@pytest.fixture(scope="session")
def runs(tmp_path_factory, data_dir):
    """One run of each kind."""
    return make(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def said(runs, capsys, monkeypatch, tmp_path):
    """Return what a verb prints, on standard output and beside it; it is called in an empty folder."""
    from zoo import verbs

    monkeypatch.setenv("MLFLOW_TRACKING_URI", runs.uri)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def run(*words):
        capsys.readouterr()
        assert verbs.run(*words) == 0
        return capsys.readouterr()

    return run


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> SimpleNamespace:
    """A store, and `shelf.run(name)` with the id of a run in it; `shelf.train(...)` adds another one."""
    from zoo import compose, tracking
    from zoo.run import run

    folder = tmp_path_factory.mktemp("shelf")
    uri = f"sqlite:///{folder}/mlflow.db"
    words = np.random.default_rng(0).permutation((POEM * 60).split(" "))
    (folder / "poem.txt").write_text(" ".join(words))
    poem = ["data=text", f"data.train={folder / 'poem.txt'}"]
    asked = {
        "tape": DIGITS,
        "fit": [*DIGITS, "loop=fit"],
        "standardized": [*DIGITS, "data.scale=standardize"],
        "low": [*DIGITS, "data.classes=[0,1,2,3,4]"],
        "two": [*DIGITS, "data.classes=[3,8]"],
        "xor": ["model=xor_mlp", "epochs=300", "optimizer=rprop", "batch_size=full", "seed=3"],
        "values": ["model=linear", "epochs=20"],
        "adding": ["model=gru", "data=adding", "data.length=10", "data.samples=400", "model.units=8", "epochs=1"],
        "words": ["model=lstm", *poem, *SHORT],
        "windows": ["model=rnn", *poem, *SHORT, "model.carry_state=false"],
        "last": ["model=gru", *poem, *SHORT, "model.predict=last"],
        "characters": ["model=gru", *poem, *SHORT, "data.level=char"],
        "counted": ["model=trigram", *poem],
    }

    def train(*words: str) -> str:
        result = run(compose(*words, f"tracking.uri={uri}"), folder=new(), console=Console(quiet=True))
        assert result.exit_code == 0, result.reason
        return result.run_id

    def new() -> Path:
        return tmp_path_factory.mktemp("run")

    found: Callable[[str], str] = functools.cache(lambda name: train(*asked[name]))
    return SimpleNamespace(
        run=found,
        train=train,
        uri=uri,
        folder=folder,
        poem=poem,
        names=list(asked),
        find=lambda id: tracking.find(id, uri),
    )
