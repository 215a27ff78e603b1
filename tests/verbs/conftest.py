"""Finished runs of every kind, for what can be done with them; each is made once; tests may log models with them."""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from zoo import compose, tracking, verbs
from zoo.run import run

TEXT = 'In the beginning was the word, and the word was good (very good). He said: "Let there be light!"\n' * 60
SMALL = ["model.embedding=8", "model.units=12", "model.layers=1", "data.sequence_length=6", "batch_size=8", "epochs=2"]
POEM = "the sun is up , the day is long .\nthe moon is down , the night is cold !\nno sun , no moon , no day .\n"
SHORT = ["model.units=8", "model.embedding=8", "model.layers=1", "data.sequence_length=12", "batch_size=4", "epochs=1"]
DIGITS = ["model=mnist_fcn", "data=digits", "model.hidden=[32]", "epochs=6"]


class _Ids(dict[str, str]):
    def __init__(self, made: Mapping[str, str], train: Callable[[str], str]):
        super().__init__(made)
        self._train = train

    def __missing__(self, name: str) -> str:
        self[name] = self._train(name)
        return self[name]


class Runs:
    """A store of small runs, each of which is trained when its id is first asked for.

    Args:
        folder: That it lies in.
        ids: Of the runs that are there already.

    Attributes:
        uri: Of the store.
        folder: That it lies in.
        words: What each run is asked to do, by what it is called.
        ids: Of the runs, by what they are called.
    """

    def __init__(self, folder: Path, ids: Mapping[str, str] | None = None):
        self.folder, self.uri = folder, f"sqlite:///{folder}/mlflow.db"
        text, poem = folder / "text.txt", folder / "poem.txt"
        text.write_text(TEXT, encoding="utf-8")
        poem.write_text(" ".join(np.random.default_rng(0).permutation((POEM * 60).split(" "))))
        of_text, of_poem = (["data=text", f"data.train={file}"] for file in (text, poem))
        self.words = {
            "digits": ["data=digits", "model.hidden=[16]", "epochs=2"],
            "worse digits": ["data=digits", "model.hidden=[2]", "epochs=1"],
            "diverged": ["data=digits", "optimizer=sgd", "optimizer.learning_rate=1e30", "epochs=1"],
            "tape": DIGITS,
            "fit": [*DIGITS, "loop=fit"],
            "standardized": [*DIGITS, "data.scale=standardize"],
            "low": [*DIGITS, "data.classes=[0,1,2,3,4]"],
            "two": [*DIGITS, "data.classes=[3,8]"],
            "xor": ["model=xor_mlp", "epochs=300", "optimizer=rprop", "batch_size=full", "seed=3"],
            "values": ["model=linear", "epochs=20"],
            "adding": ["model=gru", "data=adding", "data.samples=200", "data.validation=20", "data.length=10",
                       "model.units=6", "model.layers=1", "epochs=1"],
            "words": ["model=lstm", *of_text, *SMALL],
            "tied": ["model=rnn", "model.tied_weights=true", "model.predict=every", *of_text, *SMALL],
            "characters": ["model=gru", "data.level=char", *of_text, *SMALL],
            "trigram": ["model=trigram", *of_text],
            "poem": ["model=lstm", *of_poem, *SHORT],
            "windows": ["model=rnn", *of_poem, *SHORT, "model.carry_state=false"],
            "after the last": ["model=gru", *of_poem, *SHORT, "model.predict=last"],
            "counted": ["model=trigram", *of_poem],
        }  # fmt: skip
        self.ids = _Ids(ids or {}, lambda name: self.train(*self.words[name]))

    def train(self, *words: str) -> str:
        """Make one more run and return its id."""
        outputs = self.folder / "outputs"
        outputs.mkdir(exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=outputs))
        result = run(compose(*words, f"tracking.uri={self.uri}"), folder=folder, console=Console(quiet=True))
        assert result.outcome in ("completed", "diverged"), result.reason
        assert result.run_id is not None
        return result.run_id

    def find(self, run_id: str) -> tracking.StoredRun:
        """Return the record of a run."""
        return tracking.find(run_id, self.uri)


def make(folder: Path, *names: str) -> Runs:
    """Return a store with runs of some names."""
    found = Runs(folder)
    for name in names:
        found.ids[name]
    return found


@pytest.fixture(scope="session")
def runs(tmp_path_factory, data_dir):
    """A run of each kind."""
    return Runs(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def said(runs, capsys, monkeypatch, tmp_path):
    """Return what a verb prints, on standard output and beside it; it is called in an empty folder."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", runs.uri)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)

    def ask(*words):
        capsys.readouterr()
        assert verbs.run(*words) == 0
        return capsys.readouterr()

    return ask
