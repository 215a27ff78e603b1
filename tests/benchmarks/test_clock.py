"""What counts as training and what as starting, by a clock that the test turns."""

import pytest

from benchmarks.peers import clock as module
from benchmarks.peers.clock import Clock


@pytest.fixture
def at(monkeypatch):
    """A function that says what time it is."""
    now = [0.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])

    def turn(seconds):
        now[0] = seconds

    return turn


def test_the_first_epoch_and_what_follows_the_steps_are_no_part_of_the_speed(at):
    clock = Clock(units=100)
    for began, trained, ended in ((1, 8, 9), (9, 11, 12), (12, 14, 15)):
        at(began)
        clock.epoch_begins()
        at(trained)
        clock.epoch_is_trained()
        at(ended)
        clock.epoch_is_trained()  # said again by the end of the epoch
        clock.epoch_ends()
    values = clock.values()
    assert values["units_per_second"] == 50
    assert values["train_seconds"] == 4
    assert values["compile_seconds"] == 8 - 2
    assert values["seconds_per_epoch"] == 3


def test_epochs_that_are_told_of_in_bursts_are_counted_from_the_end_of_a_burst(at):
    clock = Clock(units=4)
    computed = 0
    for burst in (1, 4, 5, 5, 5):  # each call computes for a second per epoch, then tells of all at once
        computed += burst
        for _ in range(burst):
            at(computed)
            clock.epoch_ends()
    values = clock.values()
    assert values["seconds_per_epoch"] == 1
    assert values["epochs_per_second"] == 1
    assert values["timed_epochs"] == 19
