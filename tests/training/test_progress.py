"""What is shown while a model trains: a live bar an epoch on a terminal, plain lines elsewhere."""

import io
import logging

import numpy as np
import pytest
from rich.console import Console

from zoo.training.batches import Batches
from zoo.training.progress import MANY_EPOCHS, ProgressBar, describe

BATCHES = Batches(np.zeros((40, 2), np.float32), np.zeros(40, np.int32), None, 16, 0)
LOGS = {"loss": 0.5, "accuracy": 0.75, "val_loss": 0.625, "learning_rate": 0.1, "examples_per_second": 41000.0}


def train(epochs, console):
    bar = ProgressBar(BATCHES, epochs, console)
    bar.on_train_begin()
    for epoch in range(epochs):
        bar.on_epoch_begin(epoch)
        for batch in range(3):
            bar.on_train_batch_end(batch, {"loss": 1.0})
        bar.on_epoch_end(epoch, LOGS)
    bar.on_train_end()


@pytest.fixture(autouse=True)
def a_terminal_that_can_draw(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def lines(caplog):
    caplog.set_level(logging.INFO, logger="zoo")
    logging.getLogger("zoo").propagate = True
    return lambda: [record.message for record in caplog.records if record.levelno == logging.INFO]


def test_an_epoch_reads_as_one_line_with_metrics_first_and_speed_last():
    assert describe(LOGS) == "loss 0.5  accuracy 0.75  val_loss 0.625  41,000 examples/s"


def test_without_a_terminal_each_epoch_is_a_plain_line(lines):
    shown = io.StringIO()
    train(3, Console(file=shown))
    assert lines() == [f"epoch {n}/3  {describe(LOGS)}" for n in (1, 2, 3)]
    assert shown.getvalue() == ""


def test_a_thousand_epochs_are_thinned_to_a_few_lines(lines):
    train(1000, Console(file=io.StringIO()))
    assert MANY_EPOCHS <= len(lines()) <= MANY_EPOCHS + 2
    assert lines()[0].startswith("epoch 1/1000")


def test_a_terminal_shows_a_bar_for_each_epoch_and_no_lines(lines):
    shown = io.StringIO()
    train(2, Console(file=shown, force_terminal=True, width=120))
    for words in ("epoch 1/2", "epoch 2/2", "3/3", "val_loss 0.625", "41,000 examples/s"):
        assert words in shown.getvalue()
    assert lines() == []


def test_many_short_epochs_share_one_bar():
    shown = io.StringIO()
    train(100, Console(file=shown, force_terminal=True, width=120))
    assert "100/100" in shown.getvalue()
    assert "epoch 1/100" not in shown.getvalue()
