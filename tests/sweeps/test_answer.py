"""From tracked runs to the answer: what was swept, what counts, and what the sweep's own run carries."""

import csv
import json
import math
import shutil
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from zoo import tracking
from zoo.config import BadInput, Tracking
from zoo.sweeps import answer, records
from zoo.sweeps.answer import Answer

EPOCHS = 6


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """An empty store, made once: MLflow's migrations take seconds."""
    file = tmp_path_factory.mktemp("store") / "mlflow.db"
    tracking.connect(Tracking(name="mlflow", uri=f"sqlite:///{file}"), "xor_mlp")
    return file


@pytest.fixture
def store(empty, tmp_path, monkeypatch):
    shutil.copy(empty, tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.chdir(tmp_path)
    return tracking.connect(Tracking(name="mlflow", uri=uri), "xor_mlp")


def parent(store, name="xor_mlp: optimizer × seed", **tags):
    run = store.start(name)
    run.set_tags({"sweep": "true", "model": "xor_mlp", **tags})
    run.finish("FINISHED")
    return run.id


def child(store, parent_id, choice, seed, value, outcome="completed", *, params=None, tags=None, **metrics):
    """Record a run through MLflow's client, as any run is."""
    run = store.start(f"{choice} {seed}", parent_id)
    groups = {f"{key}.name" if "." not in key else key: one for key, one in (choice or {}).items()}
    run.log_params(
        {"model.name": "xor_mlp", "monitor": "auto", "epochs": EPOCHS, "seed": seed, **groups, **(params or {})}
    )
    own = {"model": "xor_mlp", "seed": str(seed), "monitored": "val_loss"}
    if choice is not None:
        own["choice"] = json.dumps(choice)
    if outcome:
        own |= {"outcome": outcome, "reason": f"It {outcome}."}
    run.set_tags({**own, **(tags or {})})
    for epoch in range(1, EPOCHS + 1):
        solves = epoch >= 4 and metrics.get("solved", 0)
        points = {"val_loss": value + 1 / epoch, "epoch": epoch, "val_accuracy": 1.0 if solves else 0.5}
        run.log_metrics(points, epoch * 4)
    summary = {"best_val_loss": value, "test_loss": value * 2, "train_seconds": 1.5, **metrics}
    run.log_metrics({key: one for key, one in summary.items() if one is not None}, EPOCHS * 4)
    run.finish({"diverged": "FAILED", "error": "FAILED", "interrupted": "KILLED"}.get(outcome, "FINISHED"))
    return run.id


def asked(which, folder, width=120):
    text = StringIO()
    console = Console(file=text, width=width)
    return answer.answer(which, None, folder, console), text.getvalue()


def two_choices(store, **more):
    """Record a sweep in which adam is better than sgd, whatever the seed."""
    found = parent(store, **more)
    for seed in range(3):
        child(store, found, {"optimizer": "sgd"}, seed, 0.5 + seed / 100, solved=0.0)
        child(store, found, {"optimizer": "adam"}, seed, 0.1 + seed / 100, solved=float(seed > 0))
    return found


def lines(found: Answer):
    with found.table.open() as file:
        return list(csv.DictReader(file))


def test_a_sweep_is_answered_from_its_tracked_runs_alone(store, tmp_path):
    skipped = json.dumps(["rprop: needs full batches."])
    found, text = asked([two_choices(store, **{"sweep.skipped": skipped})], tmp_path / "report")
    assert found.sentence.startswith("adam is best: 2 of 3 solved, median val_loss 0.110 over 3 seeds")
    assert "No other choice ties with it." in found.sentence
    assert "median test_loss 0.220, and 0.200 of the run that validates best" in found.sentence
    best, other = lines(found)
    assert (best["optimizer"], best["rank"], best["solved"], best["median"]) == ("adam", "1", "2", "0.11")
    assert (other["optimizer"], other["rank"], other["tied_with_best"]) == ("sgd", "2", "0")
    assert {path.name for path in found.folder.iterdir()} == {
        "leaderboard.csv", "report.html", "spread.png", "spread.svg", "learning_curves.png", "learning_curves.svg",
        "success_rate.png", "success_rate.svg",
    }  # fmt: skip
    page = found.page.read_text()
    assert "rprop: needs full batches." in page
    for words in (found.sentence, "xor_mlp: optimizer × seed"):
        assert words in page
        assert words.partition(":")[0] in text or words in page
    assert found.sentence in text
    assert str(found.page) in text.replace("\n", "")


def test_one_run_of_each_choice_is_ranked_without_marks_and_once_it_is_said_why(store, tmp_path):
    sweep = parent(store)
    for place, name in enumerate(("sgd", "adam", "lion")):
        child(store, sweep, {"optimizer": name}, 0, 0.1 + place / 100)
    found, text = asked([sweep], tmp_path / "report")
    answer.record(found, sweep)
    page, note = found.page.read_text(), tracking.find(sweep).tags["mlflow.note.content"]
    assert "told apart" not in text
    assert "= adam" not in text
    assert text.count("With one seed each, the order may be luck") == 1
    for shown in (text, page, note):
        assert "(1–3)" not in shown
    assert "tie" not in page.partition("<tbody")[2].partition("</tbody>")[0]
    assert "| 2 | adam |" in note


def test_ties_of_choices_with_several_runs_are_marked(store, tmp_path):
    sweep = parent(store)
    for seed in range(3):
        child(store, sweep, {"optimizer": "sgd"}, seed, 0.1 + seed / 10)
        child(store, sweep, {"optimizer": "adam"}, seed, 0.3 - seed / 10)
    text = asked([sweep], tmp_path / "report")[1]
    assert "= cannot be told apart from the best" in text
    assert "(1–2)" in text


def test_the_parent_carries_the_answer_as_metrics_tags_and_files(store, tmp_path):
    sweep = two_choices(store)
    child(store, sweep, {"optimizer": "sgd"}, 3, 0.1, "diverged")
    found, _ = asked([sweep], tmp_path / "report")
    answer.record(found, sweep)
    run = tracking.find(sweep)
    row = found.board.rows[0]
    assert run.status == "FINISHED"
    assert (run.tags["best_choice"], run.tags["answer"]) == ("adam", found.sentence)
    assert run.tags["best_interval"].startswith("95 % bootstrap interval of the median")
    assert "| 1 | adam |" in run.tags["mlflow.note.content"]
    assert tracking.find(run.tags["sweep.best"]).params["optimizer.name"] == "adam"
    own = {
        "best_run": 0.1,
        "best_run_test": 0.2,
        "best_value": 0.11,
        "best_value_low": row.median_low,
        "best_value_high": row.median_high,
        "best_test": 0.22,
    }
    own |= {"runs": 7, "choices": 2, "solved": 2, "diverged": 1, "failed": 0, "unfinished": 0}
    for name, value in own.items():
        assert run.metrics[name] == pytest.approx(value), name
    assert run.artifacts() == ["report", "report.html"]
    assert "report/leaderboard.csv" in run.artifacts("report")
    assert run.download("report.html").read_bytes() == found.page.read_bytes()


def test_an_answer_that_is_recorded_again_is_the_last_one(store, tmp_path):
    sweep = two_choices(store)
    answer.record(asked([sweep], tmp_path / "first")[0], sweep)
    for seed in range(3):
        child(store, sweep, {"optimizer": "lion"}, seed, 0.01)
    answer.record(asked([sweep], tmp_path / "second")[0], sweep)
    run = tracking.find(sweep)
    assert (run.tags["best_choice"], run.metrics["best_value"], run.metrics["choices"]) == ("lion", 0.01, 3)


def test_lost_runs_count_as_the_worst_whatever_they_had_reached_before(store, tmp_path):
    sweep = parent(store)
    for seed, outcome in enumerate(["completed", "diverged", "error"]):
        child(store, sweep, {"optimizer": "sgd"}, seed, 0.001, outcome)
        child(store, sweep, {"optimizer": "adam"}, seed, 0.5)
    found, _ = asked([sweep], tmp_path)
    best, other = lines(found)
    assert best["optimizer"] == "adam"
    assert (other["median"], other["diverged"], other["failed"]) == ("inf", "1", "1")
    assert "It error." in found.page.read_text()


def test_unfinished_runs_are_left_out_and_said_to_be(store, tmp_path):
    sweep = two_choices(store)
    child(store, sweep, {"optimizer": "sgd"}, 3, 0.0, "interrupted")
    running = store.start("running", sweep)
    running.set_tags({"choice": '{"optimizer": "sgd"}'})
    found, text = asked([sweep], tmp_path)
    assert [line["runs"] for line in lines(found)] == ["3", "3"]
    assert found.unfinished == 2
    assert "2 of 8 runs were interrupted or have not ended: they are left out." in " ".join(text.split())
    assert "2 of 8 runs were interrupted" in found.page.read_text()


def test_a_run_that_was_made_again_counts_once_and_its_failure_is_forgotten(store, tmp_path):
    sweep = parent(store)
    same = {"config_hash": "abc"}
    child(store, sweep, {"optimizer": "sgd"}, 0, 9.0, "interrupted", tags=same)
    child(store, sweep, {"optimizer": "sgd"}, 0, 9.0, "error", tags=same)
    child(store, sweep, {"optimizer": "sgd"}, 0, 0.25, tags=same)
    found, _ = asked([sweep], tmp_path)
    (line,) = lines(found)
    assert (line["runs"], line["median"], line["failed"]) == ("1", "0.25", "0")
    assert found.unfinished == 0


def test_what_nobody_wrote_an_outcome_of_failed_if_mlflow_says_so(store, tmp_path):
    sweep = two_choices(store)
    crashed = store.start("crashed", sweep)
    crashed.log_params({"seed": 3, "optimizer.name": "sgd"})
    crashed.set_tags({"choice": '{"optimizer": "sgd"}', "monitored": "val_loss"})
    crashed.finish("FAILED")
    assert [line["failed"] for line in lines(asked([sweep], tmp_path)[0])] == ["0", "1"]


def test_folds_repeat_a_choice_and_are_told_with_mean_and_standard_deviation(store, tmp_path):
    sweep = parent(store)
    values = [0.2, 0.4, 0.6]
    for fold, value in enumerate(values):
        child(store, sweep, {}, 0, value, params={"data.fold": fold, "data.folds": 3})
    found, _ = asked([sweep], tmp_path)
    assert "0.400 ± 0.200 (mean ± standard deviation) over 3 folds" in found.sentence
    answer.record(found, sweep)
    metrics = tracking.find(sweep).metrics
    assert (metrics["best_mean"], metrics["best_sd"]) == pytest.approx((np.mean(values), np.std(values, ddof=1)))


def test_runs_of_a_filter_are_compared_by_what_differs_among_them_but_for_the_seed(store, tmp_path):
    for optimizer, rates in {"sgd": (0.1,), "adam": (0.001, 0.01)}.items():
        for rate in rates:
            for seed in range(2):
                params = {
                    "optimizer.name": optimizer,
                    "optimizer.learning_rate": rate,
                    "optimizer.class_name": optimizer,
                }
                child(store, None, None, seed, rate, params={**params, "parameters": 9, "init.name": "zeros"})
    found, _ = asked("tags.model = 'xor_mlp'", tmp_path)
    assert found.board.trials.keys == ("optimizer", "optimizer.learning_rate")
    assert [row.label for row in found.board.rows] == [
        "adam + learning_rate=0.001",
        "adam + learning_rate=0.01",
        "sgd + learning_rate=0.1",
    ]
    assert (tmp_path / "learning_rates.png").is_file()


def test_what_follows_from_an_option_is_no_choice_of_its_own(store, tmp_path):
    for optimizer, rate in {"sgd": 0.1, "adam": 0.001}.items():
        child(store, None, None, 0, rate, params={"optimizer.name": optimizer, "optimizer.learning_rate": rate})
    assert asked("", tmp_path)[0].board.trials.keys == ("optimizer",)


def test_several_sweeps_are_compared_by_the_keys_of_all_and_by_what_else_differs(store, tmp_path):
    first, second = parent(store, "first"), parent(store, "second")
    for seed in range(2):
        child(store, first, {"optimizer": "adam"}, seed, 0.5, params={"init.name": "zeros"})
        child(store, second, {"optimizer": "adam"}, seed, 0.1, params={"init.name": "zeros", "epochs": 99})
        child(store, second, {"optimizer": "adam", "init": "ones"}, seed, 0.3, params={"epochs": 99})
    found, _ = asked([first, second], tmp_path)
    assert found.board.trials.keys == ("optimizer", "init", "epochs")
    assert [row.choice for row in found.board.rows] == [
        ("adam", "zeros", "99"), ("adam", "ones", "99"), ("adam", "zeros", str(EPOCHS)),
    ]  # fmt: skip
    assert "first and second" in found.page.read_text()


def test_a_swept_multiplier_that_another_sweep_left_alone_is_one(store, tmp_path):
    first, second = parent(store, "first"), parent(store, "second")
    child(store, first, {"optimizer": "adam"}, 0, 0.5)
    child(store, second, {"optimizer": "adam", "sweep.lr_scale": "10"}, 0, 0.1)
    assert [row.choice for row in asked([first, second], tmp_path)[0].board.rows] == [("adam", "10"), ("adam", "1")]


def test_more_is_better_where_an_accuracy_was_monitored(store, tmp_path):
    sweep = parent(store)
    for seed in range(2):
        for optimizer, value in {"sgd": 0.8, "adam": 0.9}.items():
            own = {"best_val_accuracy": value, "test_accuracy": value - 0.1}
            child(store, sweep, {"optimizer": optimizer}, seed, 1.0, tags={"monitored": "val_accuracy"}, **own)
    found, _ = asked([sweep], tmp_path)
    assert found.sentence.startswith("adam is best: median val_accuracy 0.9000")
    assert (found.board.test_metric, found.board.test_median) == ("test_accuracy", pytest.approx(0.8))


def test_runs_that_monitor_different_metrics_are_compared_by_the_validation_loss_and_told_so(store, tmp_path):
    sweep = parent(store)
    child(store, sweep, {"model": "a"}, 0, 0.5, tags={"monitored": "val_accuracy"}, best_val_accuracy=0.9)
    child(store, sweep, {"model": "b"}, 0, 0.1)
    found, _ = asked([sweep], tmp_path)
    assert found.board.trials.metric == "val_loss"
    assert "monitor different metrics" in found.notes[0]


def test_a_target_is_timed_and_missing_it_is_infinite(store, tmp_path):
    sweep = parent(store)
    stop = {"stop.metric": "val_loss", "stop.value": 0.1}
    for seed in range(3):
        child(store, sweep, {"optimizer": "adam"}, seed, 0.1, "target_reached", params=stop, target_epoch=2.0 + seed)
        child(store, sweep, {"optimizer": "sgd"}, seed, 0.5, params=stop)
    best, other = lines(asked([sweep], tmp_path)[0])
    assert (best["target_epochs"], best["target_seconds"], best["reached"]) == ("3.0", "1.5", "3")
    assert (other["target_epochs"], other["target_seconds"], other["reached"]) == ("inf", "inf", "0")
    assert (tmp_path / "success_rate.png").is_file()


def test_success_begins_where_every_pattern_is_right_and_ends_with_the_last_weights(store, tmp_path):
    sweep = parent(store)
    ids = [child(store, sweep, {"optimizer": "adam"}, seed, 0.1, solved=float(seed)) for seed in range(2)]
    found = records.sweep(tracking.children([sweep]))
    curves = tracking.curves(ids, found.curve_metrics())
    (courses, what) = records.successes(found, curves)
    assert what == "have solved the task"
    assert [list(course.values) for course in courses[("adam",)]] == [[0] * 6, [0, 0, 0, 1, 1, 1]]
    np.testing.assert_array_equal(courses[("adam",)][1].epochs, range(1, 7))


def test_curves_are_drawn_over_epochs_whatever_the_steps(store):
    sweep = parent(store)
    run = child(store, sweep, {"optimizer": "adam"}, 0, 0.1)
    found = records.sweep(tracking.children([sweep]))
    (course,) = records.courses(found, tracking.curves([run], found.curve_metrics()))[("adam",)]
    np.testing.assert_array_equal(course.epochs, range(1, 7))
    np.testing.assert_allclose(course.values, 0.1 + 1 / np.arange(1, 7))


def test_more_than_twenty_choices_are_cut_in_the_terminal_with_a_word_on_where_the_rest_is(store, tmp_path):
    sweep = parent(store)
    for place in range(22):
        child(store, sweep, {"batch_size": str(place)}, 0, place / 10)
    found, text = asked([sweep], tmp_path, width=80)
    assert "The best 20 of 22 choices; all are in" in text
    assert "batch_size=19" in text
    assert "batch_size=20" not in text
    assert len(lines(found)) == 22


@pytest.mark.parametrize("unfinished", [False, True])
def test_what_cannot_be_answered_is_refused_in_words(unfinished, store, tmp_path):
    sweep = parent(store)
    if unfinished:
        child(store, sweep, {"optimizer": "adam"}, 0, 0.1, "interrupted")
    with pytest.raises(BadInput, match="has ended yet" if unfinished else "has no runs of its own"):
        asked([sweep], tmp_path / "report")
    with pytest.raises(BadInput, match="No run 'deadbeef'"):
        asked(["deadbeef"], tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_a_sweep_that_was_lost_altogether_is_answered_too(store, tmp_path):
    sweep = parent(store)
    for seed in range(2):
        child(store, sweep, {"optimizer": "sgd"}, seed, math.nan, "diverged")
    found, _ = asked([sweep], tmp_path)
    assert found.sentence == "There is no best choice: all 2 runs diverged or failed."
    answer.record(found, sweep)
    run = tracking.find(sweep)
    assert "best_choice" not in run.tags
    assert (run.metrics["diverged"], "best_value" in run.metrics) == (2, False)
