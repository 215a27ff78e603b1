"""The page of one run: complete, safe, readable without anything else, and there for every run of its own."""

import math
import os

import pytest
from rich.console import Console

import zoo
from tests.results.test_page import Read
from zoo import compose, tracking
from zoo.results import run_page, style
from zoo.results.run_page import Drawn, RunPage, Written
from zoo.run import run

HOSTILE = "</pre><script>alert('x')</script>&\""


@pytest.fixture
def store(tmp_path, data_dir, monkeypatch):
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.chdir(tmp_path)
    return uri


def page_of(*words, folder):
    result = run(compose(*words), folder=folder, console=Console(quiet=True))
    record = tracking.find(result.run_id)
    text = record.download("run.html").read_text(encoding="utf-8")
    assert text == (folder / "run.html").read_text(encoding="utf-8")
    return result, text, Read(text)


def picture(folder):
    path = folder / "curves.png"
    with style.picture(path, width=2, height=2) as figure:
        figure.subplots().plot([1, 2])
    return path


def test_a_fine_tuned_run_says_at_the_head_which_run_it_starts_from(store, tmp_path):
    source, text, _ = page_of("data=digits", "model.hidden=[8]", "epochs=1", folder=tmp_path / "source")
    assert "starts from" not in text
    _, text, _ = page_of(f"init_from={source.run_id[:8]}", "epochs=1", folder=tmp_path / "tuned")
    head = text.partition("<h2>")[0]
    assert f"<dt>starts from</dt><dd>run {source.run_id}</dd>" in head


def test_a_run_of_a_classifier_shows_result_curves_norms_confusion_and_config(store, tmp_path):
    result, _, read = page_of("data=digits", "epochs=3", "seed=7", folder=tmp_path / "files")
    shown = " ".join(read.text)
    best = f"{result.metrics['best_val_accuracy']:.4f}"
    assert f"Validation accuracy {best} in epoch {result.metrics['best_epoch']:.0f}" in shown
    assert f"on the test split {result.metrics['test_accuracy']:.4f}." in shown
    for part in ("Learning curves", "Gradient norms", "Confusion matrix", "By class", "Configuration", result.run_id):
        assert part in shown
    assert len(read.of("img")) == 3
    assert [
        "accuracy",
        f"{result.metrics['best_accuracy']:.4f}",
        best,
        f"{result.metrics['test_accuracy']:.4f}",
    ] in read.rows
    assert sum(row[:1] in (["1"], ["2"], ["3"]) for row in read.rows) == 3  # epochs
    assert "learning_rate" in shown
    assert "digits: 1,294 to train, 144 to validate, 359 to test" in shown


def test_a_run_of_a_language_model_shows_what_it_writes(store, tmp_path):
    (tmp_path / "text.txt").write_text("in the beginning was <b>the word</b> & the word was good .\n" * 99)
    words = ["model=trigram", "data=text", f"data.train={tmp_path}/text.txt"]
    _, text, read = page_of(*words, folder=tmp_path / "files")
    shown = " ".join(read.text)
    assert "What it writes" in shown
    assert "(perplexity " in shown
    assert "<b>" not in text
    assert "was" in shown


def test_a_small_network_shows_weights_predictions_and_whether_it_is_right(store, tmp_path):
    _, _, read = page_of("model=xor_mlp", "epochs=20", folder=tmp_path / "files")
    shown = " ".join(read.text)
    for part in ("Decision boundary", "Weights", "hidden_1/kernel", "Predictions", "right at the end."):
        assert part in shown


def test_a_run_that_diverged_says_so_first(store, tmp_path):
    words = ["data=digits", "optimizer=sgd", "optimizer.learning_rate=1e30", "epochs=2"]
    result, _, read = page_of(*words, folder=tmp_path / "files")
    assert result.outcome == "diverged"
    assert f"Diverged. {result.reason}" in " ".join(read.text)
    assert not read.of("img")


def test_a_run_that_is_not_tracked_has_its_page_too(tmp_path, data_dir):
    run(compose("data=digits", "epochs=1", "tracking=off"), folder=tmp_path, console=Console(quiet=True))
    assert "not tracked" in (tmp_path / "run.html").read_text(encoding="utf-8")


def test_runs_that_train_together_have_none(store):
    swept = zoo.sweep("model=xor_mlp", "epochs=5", "seed=0,1")
    for result in swept.results:
        assert "run.html" not in tracking.find(result.run_id).artifacts()


def test_no_password_is_on_the_page(tmp_path, data_dir, monkeypatch):
    (tmp_path / "data").mkdir()
    config = compose("data=digits", "epochs=1", "tracking=off", "tracking.uri=http://me:secret@127.0.0.1:9")
    run(config, folder=tmp_path, console=Console(quiet=True))
    text = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "secret" not in text
    assert "127.0.0.1:9" in text


def test_all_that_comes_from_outside_is_escaped(tmp_path):
    path = picture(tmp_path)
    page = RunPage(
        HOSTILE,
        HOSTILE,
        [HOSTILE],
        {HOSTILE: HOSTILE},
        {HOSTILE: [0.5, math.nan]},
        [HOSTILE, "test"],
        [Drawn(path, HOSTILE, HOSTILE)],
        [Written(HOSTILE, HOSTILE), Written(HOSTILE, HOSTILE, True)],
        {HOSTILE: [0.1, 0.2]},
        {HOSTILE: {HOSTILE: HOSTILE}},
        {HOSTILE: HOSTILE},
        {HOSTILE: HOSTILE},
    )
    text = run_page.write(page, tmp_path).read_text(encoding="utf-8")
    read = Read(text)
    assert len(read.of("script")) == 1
    assert "alert('x')" not in text
    assert HOSTILE in read.text


def test_the_page_loads_nothing(store, tmp_path):
    _, text, read = page_of("data=digits", "epochs=1", folder=tmp_path / "files")
    for tag in ("link", "iframe", "object", "embed", "form"):
        assert not read.of(tag)
    assert all(image["src"].startswith("data:image/png;base64,") for image in read.of("img"))
    assert all("src" not in script for script in read.of("script"))
    assert any("default-src 'none'" in meta.get("content", "") for meta in read.of("meta"))
    assert "prefers-color-scheme: dark" in text
    assert all(image["alt"] for image in read.of("img"))


@pytest.mark.parametrize(("epochs", "rows"), [(1, 1), (7, 7), (5000, run_page.MOST_EPOCHS)])
def test_of_many_epochs_as_many_are_listed_as_can_be_read(epochs, rows):
    history = {"loss": [1 / (1 + place) for place in range(epochs)], "val_loss": [0.5] * (epochs // 2 or 1)}
    read = Read(run_page.html(RunPage("a", "b", history=history)))
    listed = [row[0] for row in read.rows if row[0].replace(",", "").isdigit()]
    assert len(listed) == rows
    assert (listed[0], listed[-1]) == ("1", f"{epochs:,}")


def test_show_names_the_page(store, tmp_path, capsys):
    from zoo import verbs

    page_of("data=digits", "epochs=1", folder=tmp_path / "files")
    capsys.readouterr()
    verbs.run("show", "last")
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  page")]
    assert os.path.isfile(line.split()[1])
