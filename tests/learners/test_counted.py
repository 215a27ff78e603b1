"""`model=trigram`: a run like any other, whose model is counted rather than trained."""

import os
import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console

import zoo
from zoo import compose, data, tracking
from zoo.config import BadInput
from zoo.models import ngram
from zoo.run import run

LINES = "the sun is up , the day is long .\nthe moon is down , the night is cold !\nno sun , no moon , no day .\n"


@pytest.fixture
def words(tmp_path, data_dir, monkeypatch):
    """The words for a run on a text of the user's, in an empty folder with a tracking database of its own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    words = np.random.default_rng(0).permutation((LINES * 40).split(" "))
    (tmp_path / "poem.txt").write_text(" ".join(words))
    return ["model=trigram", "data=text", f"data.train={tmp_path / 'poem.txt'}"]


def tracked(*words, folder=None):
    return run(compose(*words), folder=folder, console=Console(quiet=True))


@pytest.mark.parametrize("level", ["word", "char"])
def test_a_run_records_what_counting_by_hand_gives(level, words, data_dir):
    words = [*words, f"data.level={level}", "model.discount=0.6", "seed=3"]
    result = tracked(*words)
    record = tracking.find(result.run_id)
    assert (result.outcome, result.exit_code, record.status) == ("completed", 0, "FINISHED")
    config = compose(*words)
    splits = data.load(config.data, folder=data_dir, vocab_size=config.model.vocab_size)
    model = ngram.count(splits.train.x, splits.spec.classes, discount=0.6)
    loss, val_loss, test_loss = (
        model.negative_log_likelihood(split.x) for split in (splits.train, splits.valid, splits.test)
    )
    expected = {
        "loss": loss, "perplexity": np.exp(loss), "val_loss": val_loss, "val_perplexity": np.exp(val_loss),
        "best_val_loss": val_loss, "best_epoch": 1, "test_loss": test_loss, "test_perplexity": np.exp(test_loss),
    }  # fmt: skip
    if level == "char":
        expected |= {
            "bits_per_character": loss / np.log(2), "val_bits_per_character": val_loss / np.log(2),
            "test_bits_per_character": test_loss / np.log(2),
        }  # fmt: skip
    else:
        assert not any("bits" in name for name in record.metrics)
    assert {name: record.metrics[name] for name in expected} == pytest.approx(expected)
    assert loss < val_loss
    assert record.history("val_loss") == [(1, pytest.approx(val_loss))]
    assert result.target == pytest.approx(val_loss)
    assert record.params["model.discount"] == "0.6"
    assert "parameters" not in record.params
    assert {record.tags[tag] for tag in ("model", "data", "seed")} == {"trigram", "text", "3"}
    assert f"All {len(splits.train):,} tokens were counted" in record.tags["reason"]


def test_a_run_keeps_config_log_sample_and_counts_that_load_again(words, data_dir):
    result = tracked(*words, "model.discount=0.9")
    kept = set(tracking.find(result.run_id).artifacts())
    assert {"config.yaml", "overrides.yaml", "environment.json", "run.log", "sample.txt", "trigram.npz"} <= kept
    assert "vocabulary.json" in kept
    assert "model.keras" not in kept
    loaded = zoo.load(result.run_id)
    config = loaded.config
    splits = data.load(config.data, folder=data_dir, vocab_size=config.model.vocab_size)
    assert loaded.model.discount == 0.9
    assert loaded.vocabulary.tokens == splits.vocabulary.tokens
    assert loaded.model.negative_log_likelihood(splits.test.x) == pytest.approx(result.metrics["test_loss"])
    log = tracking.find(result.run_id).download("run.log").read_text()
    assert "model=trigram is counted, not trained: optimizer" in log


def test_the_sample_begins_with_the_validation_text_and_depends_on_the_seed_alone(words, data_dir):
    samples = [tracked(*words, f"seed={seed}").folder.joinpath("sample.txt").read_text() for seed in (1, 1, 2)]
    config = compose(*words)
    splits = data.load(config.data, folder=data_dir, vocab_size=config.model.vocab_size)
    opening = splits.vocabulary.decode(splits.valid.x[:8])
    assert all(sample.startswith(opening) for sample in samples)
    assert len(splits.vocabulary.encode(samples[0])) > 100
    assert samples[0] == samples[1] != samples[2]


def test_both_loops_are_accepted_and_make_no_difference(words):
    losses = {tracked(*words, f"loop={loop}", "tracking=off").metrics["test_loss"] for loop in ("fit", "tape")}
    assert len(losses) == 1


def test_a_dry_run_says_what_would_be_counted_and_leaves_nothing(words, tmp_path, capsys):
    before = set(tmp_path.iterdir())
    result = run(compose(*words, "dry_run=true"), console=Console(width=120, soft_wrap=True))
    shown = capsys.readouterr().out
    for said in ("discount: 0.75", "train     ", "is counted, not trained", "Estimated time", "Estimated memory"):
        assert said in shown
    assert shown.endswith("Dry run: nothing was trained, nothing was recorded.\n")
    assert result.run_id is None
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("def count(tokens, words):\n    return 3\n", "should return a zoo.models.ngram.Trigram"),
        ("def count(tokens, words, *, order):\n    return 3\n", "count refused its arguments"),
    ],
)
def test_a_function_of_the_users_has_to_return_what_was_counted(body, said, words, tmp_path, monkeypatch):
    name = f"counting_{len(body)}"
    (tmp_path / f"{name}.py").write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    own = ["model=custom", *words[1:], f"model.build={name}.count", "model.reads=tokens", "+model.learns=counting"]
    with pytest.raises(BadInput, match=said):
        tracked(*own)


def test_a_signal_while_it_counts_ends_the_run_truthfully(words, tmp_path, monkeypatch):
    (tmp_path / "interrupted.py").write_text(
        "import os, signal\nfrom zoo.models import ngram\n\ndef count(tokens, words):\n"
        "    if len(tokens) > 100:\n        os.kill(os.getpid(), signal.SIGTERM)\n"
        "    return ngram.count(tokens, words)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    own = ["model=custom", *words[1:], "model.build=interrupted.count", "model.reads=tokens"]
    result = tracked(*own, "+model.learns=counting")
    record = tracking.find(result.run_id)
    assert (result.outcome, result.exit_code, record.status) == ("interrupted", 143, "KILLED")
    assert "SIGTERM" in record.tags["reason"]
    assert "test_loss" not in record.metrics


@pytest.mark.slow
@pytest.mark.parametrize("sweep", [[], ["-m", "model.discount=0.5,0.9"]], ids=["run", "sweep"])
def test_the_command_needs_no_tensorflow(sweep, words, tmp_path):
    code = (
        "import sys; from zoo.command.main import main; code = main(); "
        "print(sorted({'tensorflow', 'keras'} & set(sys.modules))); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words, *sweep],
        cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
    assert "perplexity" in done.stdout or "val_loss" in done.stdout
    assert tracking.find("last").status == "FINISHED"
