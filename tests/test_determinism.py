"""`deterministic=true`: the same bits again, in one process and in others."""

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from zoo import compose
from zoo.outcome import Result
from zoo.run import run

ROOT = Path(__file__).resolve().parents[1]
TEXT = ["data=text", "data.sequence_length=8", "batch_size=8", "epochs=2", "model.dropout=0.2",
        "model.embedding=8", "model.units=8"]  # fmt: skip
RUNS = {
    "linear": ["epochs=20"],
    "xor_mlp": ["epochs=50", "schedule=plateau"],
    "feedback": ["epochs=50"],
    "mnist_fcn": ["data=digits", "epochs=3", "model.hidden=[32]", "model.dropout=0.3", "data.augment=[shift,rotate]"],
    "rnn": TEXT,
    "gru": TEXT,
    "lstm": TEXT,
    "trigram": TEXT[:2],
}
TIMED = ("_seconds", "_per_second")


def digest(result: Result) -> str:
    """Return a hash of all weights and of every number of the history that is not a time, bit by bit."""
    assert result.exit_code == 0, result.reason
    whole = hashlib.sha256()
    for array in result.best_weights or []:
        whole.update(array.tobytes())
    for name, values in sorted([*result.history.items(), *((key, [value]) for key, value in result.metrics.items())]):
        if not name.endswith(TIMED):
            whole.update(repr((name, values)).encode())
    return whole.hexdigest()


def train_all(folder: Path, models: list[str]) -> dict[str, str]:
    """Train models by both loops, and return what came of it as digests."""
    made = {}
    for model in models:
        words = RUNS[model]
        for loop in ("tape", "fit"):
            beside = [f"data.{name}={folder / name}.txt" for name in ("train", "valid", "test")] * (
                "data=text" in words
            )
            config = compose(f"model={model}", *words, *beside, f"loop={loop}", "deterministic=true", "tracking=off")
            made[f"{model} {loop}"] = digest(run(config, folder=folder / "files", console=Console(quiet=True)))
    return made


def in_a_new_process(models: list[str], folder: Path, data_dir: Path, hash_seed: int) -> dict[str, str]:
    command = [sys.executable, "-m", "tests.test_determinism", str(folder), *models]
    names = {"ZOO_DATA_DIR": str(data_dir), "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(hash_seed)}
    ended = subprocess.run(
        command, cwd=folder, env={**os.environ, **names}, capture_output=True, text=True, timeout=500
    )
    assert ended.returncode == 0, ended.stderr
    first, second = json.loads(ended.stdout.splitlines()[-1])
    assert first == second
    return first


@pytest.mark.parametrize(
    "models",
    [
        pytest.param(["mnist_fcn", "lstm"], marks=pytest.mark.slow),
        pytest.param(list(RUNS), marks=pytest.mark.full, id="every model"),
    ],
)
def test_deterministic_runs_of_both_loops_give_the_same_bits_in_one_process_and_in_another(models, tmp_path, data_dir):
    rng = random.Random(0)
    for name, count in (("train", 2000), ("valid", 300), ("test", 300)):
        words = rng.choices(["in", "the", "beginning", "was", "a", "word", "and", "more"], k=count)
        (tmp_path / f"{name}.txt").write_text(" ".join(words))
    made = in_a_new_process(models, tmp_path, data_dir, 1)
    assert made == in_a_new_process(models, tmp_path, data_dir, 2)
    assert len(made) == 2 * len(models)
    assert len(set(made.values())) >= len(models), "digests that do not tell models apart would show nothing"


if __name__ == "__main__":
    where, *named = sys.argv[1:]
    print(json.dumps([train_all(Path(where), named), train_all(Path(where), named)]))
