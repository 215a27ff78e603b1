import numpy as np
import pytest

from zoo.tracking.thinning import Thinned, kept_epochs


@pytest.mark.parametrize("epochs", [1, 7, 200])
def test_a_short_training_is_recorded_whole(epochs):
    assert kept_epochs(epochs).tolist() == list(range(1, epochs + 1))


@pytest.mark.parametrize("epochs", [201, 5000, 10**6])
def test_a_long_training_keeps_first_and_last_and_equal_ratios_between(epochs):
    kept = kept_epochs(epochs)
    assert (kept[0], kept[-1]) == (1, epochs)
    assert len(kept) <= 200
    ratios = kept[1:] / kept[:-1]
    later = kept[1:] > 100
    assert np.ptp(ratios[later]) < 0.06


def test_every_nth_epoch_and_the_last_can_be_asked_for():
    assert kept_epochs(10, every=4).tolist() == [4, 8, 10]
    assert kept_epochs(1000, every=1).tolist() == list(range(1, 1001))


def test_the_last_epoch_is_recorded_also_where_training_ended_early():
    logged = []
    with Thinned(lambda metrics, step: logged.append((step, metrics)), 5000) as log:
        for epoch in range(1, 4000):
            log({"epoch": epoch}, 4 * epoch)
    steps = [step for step, _ in logged]
    assert steps == sorted(set(steps))
    assert steps[0] == 4
    assert steps[-1] == 4 * 3999
    assert len(steps) <= 200
