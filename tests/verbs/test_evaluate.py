"""`zoo evaluate`: the run's own test again to the bit, other data on the run's terms, and what the record gains."""

import json
import subprocess
import sys

import numpy as np
import pytest
from rich.console import Console

import zoo
from zoo import data, kept, tracking, verbs
from zoo.config import BadInput
from zoo.learners import evaluation
from zoo.models import ngram
from zoo.start import grid
from zoo.sweeps.execute import execute

KINDS = (
    "tape", "fit", "standardized", "two", "xor", "values", "adding",
    "poem", "windows", "after the last", "characters", "counted",
)  # fmt: skip


@pytest.fixture
def evaluate(runs, tmp_path, monkeypatch, capsys):
    """Return what an evaluation tells machines; its files are in `tmp_path / "seen"`."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", runs.uri)
    monkeypatch.chdir(tmp_path)

    def run(*words):
        assert verbs.run("evaluate", *words, "json=true", f"folder={tmp_path / 'seen'}") == 0
        return json.loads(capsys.readouterr().out)

    return run


@pytest.mark.parametrize("name", KINDS)
def test_a_run_is_tested_again_to_the_bit_and_its_record_has_both(name, runs, evaluate):
    before = runs.find(runs.ids[name])
    found = evaluate(before.id)["metrics"]
    after = runs.find(before.id)
    own = {key.removeprefix("test_"): value for key, value in before.metrics.items() if key.startswith("test_")}
    assert own
    assert {key: found[key] for key in own} == own
    assert {key: after.metrics[f"eval_test_{key}"] for key in found} == found
    assert {key: value for key, value in after.metrics.items() if not key.startswith("eval_")} == {
        key: value for key, value in before.metrics.items() if not key.startswith("eval_")
    }
    assert (after.status, after.tags["outcome"]) == ("FINISHED", "completed")
    assert after.artifacts("evaluation") == ["evaluation/test"]
    assert after.tags["eval_test"].endswith("of the run's own test split")


def test_said_twice_nothing_is_there_twice(runs, evaluate):
    run = runs.find(runs.ids["tape"])
    first = evaluate(run.id)
    files = runs.find(run.id).artifacts("evaluation/test")
    assert evaluate(run.id) == first
    again = runs.find(run.id)
    assert again.artifacts("evaluation/test") == files
    assert all(len(again.history(name)) == 1 for name in again.metrics if name.startswith("eval_test_"))


def test_another_value_becomes_the_next_step(runs, tmp_path):
    run = runs.find(runs.ids["values"])
    (tmp_path / "one.txt").write_text("1")
    for value in (0.5, 0.5, float("nan"), float("nan"), float("inf"), 0.25):
        tracking.add(runs.find(run.id), {"eval_again_loss": value}, {"eval_again": "x"}, tmp_path, "evaluation/again")
    steps, values = zip(*runs.find(run.id).history("eval_again_loss"), strict=True)
    assert steps == (0, 1, 2, 3)
    assert (values[0], values[3]) == (0.5, 0.25)


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("tape", ["calibration.csv", "calibration.png", "calibration.svg", "classification_report.txt",
                  "confusion_matrix.csv", "confusion_matrix.png", "evaluation.json", "mistakes.csv", "mistakes.png"]),
        ("xor", ["calibration.csv", "calibration.png", "calibration.svg", "classification_report.txt",
                 "confusion_matrix.csv", "confusion_matrix.png", "decision_boundary.png", "evaluation.json",
                 "mistakes.csv"]),
        ("adding", ["evaluation.json", "predictions.csv", "predictions.png"]),
        ("words", ["evaluation.json", "loss_by_position.csv", "loss_by_position.png", "loss_by_position.svg"]),
        ("counted", ["evaluation.json", "loss_by_position.csv", "loss_by_position.png", "loss_by_position.svg"]),
    ],
)  # fmt: skip
def test_each_task_has_its_reports(name, files, runs, evaluate, tmp_path):
    evaluate(runs.ids[name])
    assert sorted(path.name for path in (tmp_path / "seen").iterdir()) == files
    kept_files = runs.find(runs.ids[name]).artifacts("evaluation/test")
    assert [path.rpartition("/")[2] for path in kept_files] == files


def test_the_loss_by_position_adds_up_to_the_loss(runs, evaluate, tmp_path):
    found = evaluate(runs.ids["windows"])["metrics"]
    table = np.loadtxt(tmp_path / "seen" / "loss_by_position.csv", delimiter=",", skiprows=1)
    assert table[:, 0].tolist() == list(range(1, 13))
    assert table[:, 1].mean() == pytest.approx(found["loss"], rel=1e-5)


def test_a_carried_state_is_shown_beside_none(runs, evaluate, tmp_path):
    evaluate(runs.ids["poem"])
    header = (tmp_path / "seen" / "loss_by_position.csv").read_text().splitlines()[0]
    assert header == "position,state carried,from nothing"


def test_bits_per_character_of_words_are_those_of_the_whole_text(runs, evaluate):
    run = kept.find(runs.ids["counted"], runs.uri)
    found = evaluate(run.run.id)["metrics"]
    text = run.splits().test.x
    characters = len(run.vocabulary.decode(text[1:]))
    assert found["bits_per_character"] == pytest.approx(found["loss"] / np.log(2) * (len(text) - 1) / characters)


def test_a_text_that_stays_in_files_is_judged_as_one_in_memory(runs, evaluate, tmp_path, monkeypatch):
    pytest.importorskip("array_record", reason="array-record is published for Linux alone")
    monkeypatch.setattr(evaluation, "_TOKENS", 7)
    in_memory = evaluate(runs.ids["words"])
    table = (tmp_path / "seen" / "loss_by_position.csv").read_text()
    found = evaluate(runs.train(*runs.words["words"], "data.streaming=true"))
    expected = {name: value for name, value in in_memory["metrics"].items() if not name.startswith("trigram_")}
    assert found["metrics"] == expected
    assert {"bits_per_character", "unknown"} <= set(expected)
    assert (tmp_path / "seen" / "loss_by_position.csv").read_text() == table


def test_a_sweep_stands_for_its_best_run(runs, evaluate, tmp_path):
    words = ["model=xor_mlp", "seed=0,1", "epochs=200", "optimizer=rprop", "batch_size=full"]
    swept = execute(grid.read([*words, f"tracking.uri={runs.uri}"]), folder=tmp_path, console=Console(quiet=True))
    found = evaluate(swept.run_id)
    record = runs.find(found["run"])
    assert record.parent == swept.run_id
    assert found["metrics"]["loss"] == pytest.approx(record.metrics["test_loss"], rel=1e-5)
    assert found["metrics"]["accuracy"] == record.metrics["test_accuracy"]


def test_other_data_is_judged_under_its_own_name(runs, evaluate):
    id = runs.ids["tape"]
    found = evaluate(id, "data=digits", "data.classes=[3,8]")
    model, splits = zoo.load(id, runs.uri).model, kept.find(id, runs.uri).splits()
    chosen = np.isin(splits.test.y, [3, 8])
    right = np.asarray(model(splits.test.x[chosen])).argmax(axis=1) == splits.test.y[chosen]
    assert found["examples"] == chosen.sum()
    assert found["metrics"]["accuracy"] == pytest.approx(right.mean())
    run = runs.find(id)
    assert run.metrics["eval_digits_accuracy"] == found["metrics"]["accuracy"]
    assert run.tags["eval_digits"] == f"{chosen.sum()} examples of data=digits data.classes=[3,8]"
    assert "evaluation/digits" in run.artifacts("evaluation")
    evaluate(id, "data.classes=[8,3]", "name=pair")
    assert runs.find(id).metrics["eval_pair_accuracy"] == found["metrics"]["accuracy"]


def test_classes_of_other_names_are_taken_in_order_and_that_is_said(runs, evaluate):
    found = evaluate(runs.ids["low"], "data=digits", "data.classes=[5,6,7,8,9]")
    assert found["notes"] == [
        "The classes of data=digits are not those of the run. They are taken in order: 5 as 0, 6 as 1, 7 as 2, 8 as 3, "
        "9 as 4."
    ]
    assert found["metrics"]["accuracy"] < 0.6


def test_another_text_is_read_by_the_runs_vocabulary(runs, evaluate, tmp_path):
    (tmp_path / "other.txt").write_text("the sun is down .\nno kangaroo , no day !\n" * 20)
    id = runs.ids["counted"]
    found = evaluate(id, "data=text", f"data.test={tmp_path / 'other.txt'}")
    run = kept.find(id, runs.uri)
    ids = run.vocabulary.encode((tmp_path / "other.txt").read_text())
    assert found["examples"] == len(ids)
    assert found["metrics"]["unknown"] == pytest.approx(1 / 13)
    assert found["metrics"]["perplexity"] == pytest.approx(
        ngram.perplexity(run.splits().train.x, ids, len(run.vocabulary))
    )
    assert "eval_text_perplexity" in runs.find(id).metrics


def test_log_false_leaves_the_record_as_it_is(runs, evaluate, tmp_path):
    id = runs.train("model=linear", "epochs=2")
    before = runs.find(id)
    evaluate(id, "log=false")
    after = runs.find(id)
    assert (after.metrics, after.tags, after.artifacts()) == (before.metrics, before.tags, before.artifacts())
    assert (tmp_path / "seen" / "classification_report.txt").is_file()


def test_what_else_lies_in_the_folder_stays_there_alone(runs, evaluate, tmp_path):
    (tmp_path / "seen" / "mine").mkdir(parents=True)
    (tmp_path / "seen" / "secret.txt").write_text("mine")
    id = runs.ids["values"]
    evaluate(id)
    assert (tmp_path / "seen" / "secret.txt").read_text() == "mine"
    assert not [path for path in runs.find(id).artifacts("evaluation/test") if "secret" in path or "mine" in path]


def test_machines_are_told_the_numbers_of_each_class_and_the_confusion_matrix(runs, evaluate, tmp_path):
    found = evaluate(runs.ids["tape"])
    assert json.loads((tmp_path / "seen" / "evaluation.json").read_text()) == found
    header, *rows = (tmp_path / "seen" / "confusion_matrix.csv").read_text().splitlines()
    assert found["confusion_matrix"] == [[int(cell) for cell in row.split(",")] for row in rows]
    matrix = np.array(found["confusion_matrix"])
    assert [one["label"] for one in found["classes"]] == header.split(",")
    for index, one in enumerate(found["classes"]):
        assert one["support"] == matrix[index].sum()
        assert one["recall"] == pytest.approx(matrix[index, index] / matrix[index].sum())
        assert one["precision"] == pytest.approx(matrix[index, index] / matrix[:, index].sum())
        assert 2 / one["f1"] == pytest.approx(1 / one["recall"] + 1 / one["precision"])
    assert np.trace(matrix) / matrix.sum() == pytest.approx(found["metrics"]["accuracy"])
    assert "classes" not in evaluate(runs.ids["adding"])
    assert "confusion_matrix" not in evaluate(runs.ids["counted"])


def test_the_terminal_shows_the_confusion_matrix_of_the_classes_that_occur(runs, said):
    shown = said("evaluate", runs.ids["tape"], "data.classes=[3,8]", "log=false").out
    left_out = next(line for line in shown.splitlines() if line.startswith("left out:"))
    matrix = shown.partition("confusion matrix: a row for each label")[2].splitlines()
    head = matrix[2].split()
    assert {"3", "8"} <= set(head)
    assert [line.split()[0] for line in matrix[3 : 3 + len(head)]] == head
    assert left_out == f"left out: {10 - len(head)} classes that have neither examples nor predictions"


def test_the_terminal_shows_both_tests_side_by_side_and_the_report(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    id = runs.ids["tape"]
    assert verbs.run("evaluate", id[:9], f"tracking.uri={runs.uri}") == 0
    shown = capsys.readouterr().out
    accuracy = f"{runs.find(id).metrics['test_accuracy']:.4f}"
    assert any(line.split() == ["accuracy", accuracy, accuracy] for line in shown.splitlines())
    assert "precision    recall  f1-score   support" in shown
    assert f"outputs/evaluation-{id[:8]}-test" in shown
    assert "not what the run has recorded" not in shown


def test_data_that_has_changed_since_is_noticed(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.txt").write_text((runs.folder / "poem.txt").read_text())
    id = runs.train("model=trigram", "data=text", f"data.train={tmp_path / 'own.txt'}")
    words = (runs.folder / "poem.txt").read_text().split(" ")
    (tmp_path / "own.txt").write_text(" ".join([*words[:-60], *words[:-61:-1]]))  # its end, which is tested
    assert verbs.run("evaluate", id, f"tracking.uri={runs.uri}") == 0
    assert "This is not what the run has recorded, in loss and perplexity" in capsys.readouterr().out


@pytest.mark.parametrize("model", ["trigram", "lstm"])
def test_a_text_whose_words_have_changed_since_is_refused(model, runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own, text = tmp_path / "own.txt", (runs.folder / "poem.txt").read_text()
    own.write_text(text)
    more = (
        []
        if model == "trigram"
        else ["model.units=4", "model.embedding=4", "batch_size=4", "data.sequence_length=9", "epochs=1"]
    )
    id = runs.train(f"model={model}", "data=text", f"data.train={own}", *more)
    own.write_text(text.replace("moon", "star") + " kangaroo" * 50)
    with pytest.raises(BadInput, match="is not what the run was trained on: it has changed since"):
        verbs.run("evaluate", id, f"tracking.uri={runs.uri}")


@pytest.mark.parametrize(
    ("name", "words", "says"),
    [
        ("tape", ["data=xor"], "The run reads inputs of 64 numbers, as data=digits has them. Received: 2 of data=xor."),
        ("tape", ["data=kjv"], "model=mnist_fcn reads vectors, but data=kjv gives tokens"),
        ("tape", ["data=digit"], "Unknown data 'digit'. Did you mean 'digits'?"),
        ("tape", ["data.clases=[1,2]"], "Did you mean 'data.classes'?"),
        ("tape", ["data=null"], "Received: data=null. Available: adding"),
        ("tape", ["dat=digits"], "Did you mean 'data'?"),
        ("tape", ["data.classes=[3]"], "at least two different classes"),
        ("tape", ["data.classes=[3,8]", "name=test"], "Choose another name"),
        ("tape", ["name=../up"], "name should be a name of letters, digits, _ and -"),
        ("low", ["data=digits"], "The run tells 5 classes apart: 0, 1, 2, 3, 4. Received: 10 of data=digits"),
        ("low", ["data=digits", "data.classes=[3,4,5,6,7]"], "Choose those that it knows"),
        ("adding", ["data.length=20"], "The run reads inputs of 10 x 2 numbers"),
        ("words", ["data.level=char"], "The run reads text by word"),
        ("words", ["data=text", "data.test=nowhere.txt"], "data.test=nowhere.txt cannot be read"),
        ("nowhere", [], "No run 'nowhere'"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(name, words, says, runs, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", runs.uri)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput) as caught:
        verbs.run("evaluate", runs.ids[name] if name in runs.words else name, *words)
    assert says in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_character_that_the_run_does_not_know_is_named(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other.txt").write_text("the § sun " * 20)
    with pytest.raises(BadInput, match="The character '§' is not among"):
        verbs.run("evaluate", runs.ids["characters"], "data.test=other.txt", "data=text", f"tracking.uri={runs.uri}")


@pytest.mark.slow
def test_a_language_model_is_loaded_and_tested_by_a_process_that_has_trained_none(runs, tmp_path):
    id = runs.ids["poem"]
    command = [sys.executable, "-m", "zoo", "evaluate", id, "json=true", "log=false", f"tracking.uri={runs.uri}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["metrics"]["loss"] == pytest.approx(runs.find(id).metrics["test_loss"], rel=1e-6)


@pytest.mark.slow
def test_a_trigram_and_a_mistake_need_no_tensorflow(runs, tmp_path):
    code = (
        "import sys; from zoo import verbs; from zoo.config import BadInput\n"
        "verbs.run('evaluate', sys.argv[1], 'log=false', sys.argv[3])\n"
        "verbs.run('predict', sys.argv[1], 'input=the sun', sys.argv[3])\n"
        "for words in (['evaluate', sys.argv[2], 'data=xor'], ['predict', sys.argv[2], 'input=1,2']):\n"
        "    try: verbs.run(*words, sys.argv[3])\n"
        "    except BadInput: pass\n"
        "    else: sys.exit('accepted')\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    words = [runs.ids["counted"], runs.ids["tape"], f"tracking.uri={runs.uri}"]
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_the_data_of_a_run_is_found_where_data_is_kept_now(runs, tmp_path, monkeypatch):
    run = kept.find(runs.ids["tape"], runs.uri)
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    assert run.data_folder == data.location(str(tmp_path))
