"""Medians, bootstrap intervals and the check of losses, on numbers whose answers are known."""

import itertools

import numpy as np
import pytest

from benchmarks import judge
from benchmarks.contest import Contest, Goal, Peer

PEERS = (Peer("zoo", "zoo_run"), Peer("Keras", "keras_fit"), Peer("loose", "keras_fit", tolerance=0.02))


def contest(**options):
    return Contest("one", "a contest", (), PEERS, **options)


def losses(*values):
    return [{"losses": list(values)}]


def test_the_ratio_of_what_is_always_the_same_multiple_has_no_spread():
    against = [1.0, 5.0, 2.0, 8.0, 3.0]
    found = judge.ratio([2 * value for value in against], against)
    assert (found.value, found.low, found.high) == (2.0, 2.0, 2.0)


def test_the_interval_is_that_of_all_resamples_of_the_rounds():
    over, against = np.array([3.0, 5.0, 7.0]), np.array([1.0, 2.0, 4.0])
    draws = [list(draw) for draw in itertools.product(range(3), repeat=3)]
    ratios = sorted(np.median(over[draw]) / np.median(against[draw]) for draw in draws)
    found = judge.ratio(over, against)
    assert found.value == 2.5
    assert (found.low, found.high) == (ratios[0], ratios[-1])  # each end has 7 of 27 draws, more than 2.5 %


def test_a_difference_is_divided_by_what_it_is_spread_over():
    samples = {
        "on": [{"seconds_per_epoch": 0.012, "metrics_per_epoch": 8.0}] * 3,
        "off": [{"seconds_per_epoch": 0.010}] * 3,
    }
    goal = Goal("on", "off", "seconds_per_epoch", at_most=1, per="metrics_per_epoch", scale=1e3, unit="ms a metric")
    found = judge.goal(goal, samples)
    assert found is not None
    assert found.value == pytest.approx(0.25)
    assert goal.is_met(found.value)
    assert goal.text == "≤ 1 ms a metric"


def test_rounds_that_one_peer_lacks_are_left_out():
    samples = {"zoo": [{"peak_mb": 2.0}, {"peak_mb": 90.0}], "Keras": [{"peak_mb": 1.0}]}
    found = judge.goal(Goal("zoo", "Keras", "peak_mb", at_most=1.15), samples)
    assert found is not None
    assert found.value == 2.0


def test_a_goal_without_its_peer_has_no_value():
    assert (
        judge.goal(Goal("zoo", "PyTorch", "units_per_second", at_least=1), {"zoo": [{"units_per_second": 1}]}) is None
    )


def test_quartiles_are_those_of_the_samples():
    found = judge.summary([4.0, 1.0, 3.0, 2.0, 5.0])
    assert (found["q1"], found["median"], found["q3"]) == (2.0, 3.0, 4.0)


def test_equal_losses_agree_and_others_are_told_with_both_values():
    same = {"zoo": losses(0.5, 0.4), "Keras": losses(0.5004, 0.41)}
    assert judge.disagreement(contest(), same) == []
    other = {"zoo": losses(0.5, 0.4), "Keras": losses(0.51, 0.4)}
    assert judge.disagreement(contest(), other) == ["Keras: loss 0.51 in epoch 1, expected 0.5 to 0.10%."]


def test_every_round_is_checked_and_a_loss_that_is_no_number_never_agrees():
    rounds = {"zoo": losses(0.5, 0.4) * 2, "Keras": [*losses(0.5, 0.4), *losses(0.5, float("nan"))]}
    (fault,) = judge.disagreement(contest(), rounds)
    assert fault.startswith("Keras: loss nan in epoch 2")


def test_perplexities_are_compared_where_the_contest_says_so_with_a_tolerance_of_the_peers_own():
    samples = {"zoo": losses(6.0), "Keras": losses(6.015), "loose": losses(6.015)}
    assert judge.disagreement(contest(tolerance=0.01), samples) == []
    faults = judge.disagreement(contest(tolerance=0.01, perplexity=True), samples)
    assert [fault.partition(":")[0] for fault in faults] == ["Keras"]  # exp(0.015) is 1.5 % more
    assert judge.worst(contest(perplexity=True), samples) == pytest.approx(np.expm1(0.015))


def test_texts_agree_as_far_as_both_go():
    writes = contest(agree="ids")
    assert judge.disagreement(writes, {"zoo": [{"ids": [1, 2, 3]}], "Keras": [{"ids": [1, 2]}]}) == []
    (fault,) = judge.disagreement(writes, {"zoo": [{"ids": [1, 2, 3]}], "Keras": [{"ids": [1, 3]}]})
    assert fault == "Keras: other words among the first 2."
