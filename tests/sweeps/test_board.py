"""What the terminal shows of a sweep as it goes on."""

import io

from rich.console import Console

from zoo.outcome import Result
from zoo.sweeps.board import Board


def ended(name, target, outcome="completed"):
    result = Result("id", name, outcome, "", 0 if outcome == "completed" else 3)
    result.target = target
    return result


def test_without_a_terminal_lines_tell_of_failures_and_the_best_so_far():
    shown = io.StringIO()
    board = Board(2, Console(file=shown, width=120))
    board.take([(ended("sgd", 0.5), "val_loss")])
    board.take([(ended("adam", 0.25, "diverged"), "val_loss")])
    first, second = shown.getvalue().splitlines()
    assert first.startswith("1/2  best val_loss 0.5 (sgd)")
    assert second == "2/2  1 diverged  best val_loss 0.5 (sgd)"
    assert board.summary() == "2 of 2 runs: 1 completed, 1 diverged."


def test_metrics_of_different_models_are_not_compared():
    shown = io.StringIO()
    board = Board(2, Console(file=shown, width=120))
    board.take([(ended("lstm", 5.0), "val_loss"), (ended("mnist_fcn", 0.9), "val_accuracy")])
    assert shown.getvalue() == "2/2  best val_loss 5 (lstm)  best val_accuracy 0.9 (mnist_fcn)\n"


def test_a_sweep_that_goes_on_counts_the_runs_that_have_ended_before():
    shown = io.StringIO()
    board = Board(2, Console(file=shown, width=120), {"completed": 2, "pruned": 1})
    board.take([(ended("sgd", 0.5), "val_loss"), (ended("adam", 0.25), "val_loss")])
    assert shown.getvalue() == "5/5  best val_loss 0.25 (adam)\n"
    assert board.summary() == "5 of 5 runs: 4 completed, 1 pruned."
    assert Board(0, Console(file=shown), {"completed": 2}).summary() == "All runs have ended before."
