"""Medians, ranks and their intervals against plain computations, and what a reader gets to see of them."""

import csv
import io
import math

import numpy as np
import pytest
from rich.console import Console
from scipy import stats
from scipy.stats import binomtest

from zoo.results import numbers, paired, sentence, table
from zoo.results.leaderboard import leaderboard
from zoo.results.trials import Trial, Trials


def trials(values, metric="val_loss", keys=("optimizer",), **more):
    """Return trials of {choice: values by seed}; None is for no run, NaN for a diverged one, "error" for a failed."""
    made = []
    for choice, own in values.items():
        for seed, value in enumerate(own):
            if value is None:
                continue
            outcome = "error" if value == "error" else "diverged" if math.isnan(value) else "completed"
            best = value if outcome == "completed" else math.nan
            choice_of = choice if isinstance(choice, tuple) else (choice,)
            made.append(
                Trial(f"{choice}{seed}", choice_of, f"seed {seed}", outcome, f"It {outcome}.", best, best, **more)
            )
    return Trials(metric, keys, made)


def rows(board):
    return {row.label: row for row in board.rows}


@pytest.fixture
def random_values():
    generator = np.random.default_rng(1)
    return {f"choice{place}": list(generator.lognormal(place / 3, 0.5, 15)) for place in range(6)}


def test_median_quartiles_mean_and_sd_are_numpys(random_values):
    found = rows(leaderboard(trials(random_values)))
    for name, values in random_values.items():
        row = found[name]
        np.testing.assert_allclose((row.low, row.median, row.high), np.quantile(values, [0.25, 0.5, 0.75]), rtol=1e-12)
        np.testing.assert_allclose((row.mean, row.sd), (np.mean(values), np.std(values, ddof=1)), rtol=1e-12)
        assert (row.runs, row.averaged, row.diverged, row.failed) == (15, 15, 0, 0)


def test_choices_are_ranked_by_median_and_by_the_highest_where_more_is_better(random_values):
    order = sorted(random_values, key=lambda name: np.median(random_values[name]))
    assert [row.label for row in leaderboard(trials(random_values)).rows] == order
    assert [row.label for row in leaderboard(trials(random_values, "val_accuracy")).rows] == order[::-1]


def test_lost_runs_count_as_the_worst_there_is_and_are_counted():
    board = leaderboard(
        trials({"a": [1.0, math.nan, "error", 2.0, 3.0], "b": [4.0] * 5, "c": [0.1, math.nan, math.nan, "error", 0.1]})
    )
    found = rows(board)
    assert [row.label for row in board.rows] == ["a", "b", "c"]
    assert (found["a"].median, found["a"].diverged, found["a"].failed, found["a"].lost) == (3.0, 1, 1, 2)
    assert found["a"].high == math.inf
    assert (found["a"].mean, found["a"].averaged) == (2.0, 3)
    assert found["c"].median == math.inf
    assert rows(leaderboard(trials({"a": [0.9, math.nan, math.nan]}, "val_accuracy")))["a"].median == -math.inf


def test_an_average_of_a_finite_and_a_lost_run_is_lost():
    assert rows(leaderboard(trials({"a": [1.0, math.nan]})))["a"].median == math.inf


@pytest.mark.parametrize("share", [0, 0.1, 0.25, 0.5, 0.9, 1])
def test_quantiles_are_numpys_and_know_infinities_and_gaps(share):
    generator = np.random.default_rng(2)
    values = generator.normal(size=(7, 11))
    np.testing.assert_allclose(paired.quantile(values, share), np.quantile(values, share, axis=1), rtol=1e-12)
    values[:, ::3] = np.nan
    np.testing.assert_allclose(paired.quantile(values, share), np.nanquantile(values, share, axis=1), rtol=1e-12)
    assert paired.quantile(np.full(4, np.inf), share) == np.inf
    assert np.isnan(paired.quantile(np.full(4, np.nan), share))


def test_ranks_are_scipys_with_ties_at_the_lowest():
    scores = np.random.default_rng(3).integers(4, size=(9, 50)).astype(float)
    scores[scores == 3] = np.inf
    np.testing.assert_array_equal(paired.ranks(scores), stats.rankdata(scores, method="min", axis=0))


def test_rank_intervals_are_those_of_a_bootstrap_that_draws_the_same_seeds_for_all_choices(random_values):
    scores = np.array(list(random_values.values()))
    draws = np.random.default_rng(0).integers(15, size=(2000, 15))
    drawn = np.array([np.median(scores[:, own], axis=1) for own in draws]).T
    ranked = stats.rankdata(drawn, method="min", axis=0)
    found = rows(leaderboard(trials(random_values)))
    for place, name in enumerate(random_values):
        row = found[name]
        low, high = np.sort(ranked[place])[[50, 1949]]
        assert (row.rank_low, row.rank_high) == (low, high)
        np.testing.assert_allclose((row.median_low, row.median_high), np.sort(drawn[place])[[50, 1949]], rtol=1e-12)


def test_what_is_common_to_all_runs_of_a_seed_cancels_out():
    generator = np.random.default_rng(4)
    luck = generator.normal(scale=10, size=20)
    values = {name: list(luck + shift) for name, shift in (("a", 0.0), ("b", 0.1), ("c", 0.2))}
    assert [(row.rank_low, row.rank_high) for row in leaderboard(trials(values)).rows] == [(1, 1), (2, 2), (3, 3)]


def test_a_clear_winner_stands_alone_and_equals_share_their_rank():
    board = leaderboard(trials({"a": [1.0, 1.1, 0.9, 1.0], "b": [5.0, 5.1, 5.2, 5.0], "c": [5.0, 5.1, 5.2, 5.0]}))
    assert [(row.label, row.rank, row.tied) for row in board.rows] == [("a", 1, True), ("b", 2, False), ("c", 2, False)]
    assert board.ties == []
    same = leaderboard(trials({"a": [1.0, 1.0, 3.0], "b": [1.0, 1.0, 2.0], "c": [1.0, 1.0, 2.0]}))
    assert [(row.label, row.rank, row.tied) for row in same.rows] == [("b", 1, True), ("c", 1, True), ("a", 1, True)]


def test_with_one_seed_nothing_can_be_told_apart():
    board = leaderboard(trials({"a": [1.0], "b": [2.0], "c": [3.0]}))
    assert [(row.rank_low, row.rank_high, row.tied) for row in board.rows] == [(1, 3, True)] * 3
    assert math.isnan(board.rows[0].median_low)
    assert "With one seed each, the order may be luck" in sentence.answer(board)
    assert not any("bootstrap" in said for said in sentence.method(board))


def test_of_choices_with_one_run_each_a_reader_sees_no_ties_and_of_others_all(random_values):
    single = leaderboard(trials({"a": [1.0], "b": [2.0], "c": [None, 3.0]})).shown
    assert [(row.rank, table.rank(row)) for row in single.rows] == [(1, "1"), (2, "2"), (3, "3")]
    assert single.ties == []
    several = leaderboard(trials(random_values))
    assert several.shown == several


def test_choices_that_lack_a_seed_are_compared_by_those_they_have():
    board = leaderboard(trials({"a": [1.0, 2.0, None, 1.5], "b": [3.0, 3.0, 3.0, 3.0]}))
    assert rows(board)["a"].runs == 3
    assert rows(board)["a"].median == 1.5
    assert (board.paired, len(board.trials.replicates)) == (3, 4)


def test_the_test_metric_is_that_of_the_selected_choice_alone():
    made = [
        Trial(f"{choice}{seed}", (choice,), f"seed {seed}", "completed", value=value, test=test)
        for choice, own in {"a": [(1.0, 7.0), (2.0, 6.0), (3.0, 8.0)], "b": [(4.0, 0.1)] * 3}.items()
        for seed, (value, test) in enumerate(own)
    ]
    board = leaderboard(Trials("val_loss", ("optimizer",), made))
    assert (board.test_median, board.test_of_best, board.test_metric) == (7.0, 7.0, "test_loss")


def test_epochs_and_seconds_to_the_target_are_infinite_where_most_missed_it():
    def made(choice, epochs):
        return [
            Trial(f"{choice}{seed}", (choice,), f"seed {seed}", "completed", value=1.0, target_epoch=epoch,
                  target_seconds=epoch / 10)
            for seed, epoch in enumerate(epochs)
        ]  # fmt: skip

    values = [*made("a", [10, 30, math.inf]), *made("b", [5, math.inf, math.inf])]
    found = rows(leaderboard(Trials("val_loss", ("optimizer",), values)))
    assert (found["a"].target_epochs, found["a"].target_seconds, found["a"].reached) == (30, 3.0, 2)
    assert (found["b"].target_epochs, found["b"].reached) == (math.inf, 1)
    assert rows(leaderboard(trials({"a": [1.0]})))["a"].reached is None


def test_solved_runs_are_counted_and_a_diverged_one_is_not_among_them():
    made = [
        Trial(str(seed), ("a",), f"seed {seed}", outcome, value=1.0, solved=solved)
        for seed, (outcome, solved) in enumerate([("completed", True), ("completed", False), ("diverged", True)])
    ]
    assert leaderboard(Trials("val_loss", ("optimizer",), made)).rows[0].solved == 1


@pytest.mark.parametrize(("successes", "count"), [(0, 5), (5, 5), (17, 50), (1, 1), (0, 1)])
def test_wilsons_interval_is_scipys(successes, count):
    expected = binomtest(successes, count).proportion_ci(0.95, method="wilson")
    low, high = paired.wilson(np.array([successes]), count)
    np.testing.assert_allclose((low[0], high[0]), (expected.low, expected.high), atol=1e-6)


def test_the_csv_holds_every_choice_with_all_digits(random_values, tmp_path):
    values = {**random_values, "lost": [math.nan] * 15}
    board = leaderboard(trials(values))
    with table.csv_file(board, tmp_path / "a" / "leaderboard.csv").open() as file:
        read = list(csv.DictReader(file))
    assert [line["optimizer"] for line in read] == [row.label for row in board.rows]
    assert [float(line["median"]) for line in read] == [row.median for row in board.rows]
    assert (read[-1]["median"], read[-1]["mean"], read[-1]["diverged"]) == ("inf", "", "15")
    assert read[0]["test_loss_median"] != ""
    assert {line["test_loss_median"] for line in read[1:]} == {""}


def shown(board, width):
    console = Console(width=width, file=io.StringIO())
    console.print(table.terminal(board, width))
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("long", [False, True])
def test_the_terminal_shows_the_best_twenty_of_sixty_within_its_width(width, long):
    name = "an_optimizer_with_a_long_name_{}_v2" if long else "adam_{}"
    values = {name.format(place): list(place + np.arange(5) / 10) for place in range(60)}
    text = shown(leaderboard(trials(values)), width)
    lines = [line for line in text.splitlines() if line.strip()]
    assert max(map(len, lines)) <= width
    assert len(lines) == 22
    assert lines[2].split()[0] == "1"
    assert all(f"{place}_v2" in text or f"adam_{place} " in text for place in range(20))


def test_a_wide_terminal_shows_more_than_a_narrow_one(random_values):
    board = leaderboard(trials(random_values))
    assert "mean ± sd" not in shown(board, 60)
    assert "mean ± sd" in shown(board, 120)


def test_ties_are_marked_in_the_terminal():
    board = leaderboard(trials({"a": [1.0, 2.0, 3.0], "b": [1.1, 1.9, 3.0], "c": [9.0, 9.1, 9.2]}))
    text = shown(board, 80)
    assert "= b" in text.replace("= a", "= b")
    assert "= c" not in text


def test_the_answer_in_words_names_the_best_its_counts_and_its_ties():
    made = [
        Trial(f"{choice}{seed}", choice, f"seed {seed}", "completed", "", value + seed / 100, 0.5, solved=value < 5)
        for choice, value in ((("adam", "he_normal"), 1.0), (("sgd", "he_normal"), 1.001), (("sgd", "zeros"), 9.0))
        for seed in range(5)
    ]  # fmt: skip
    # The first two take turns at being the better one.
    made[6] = Trial("x", ("sgd", "he_normal"), "seed 1", "completed", value=0.5, test=0.5, solved=True)
    said = sentence.answer(leaderboard(Trials("val_loss", ("optimizer", "init"), made)))
    assert said.startswith("adam + he_normal is best: 5 of 5 solved, median val_loss 1.02 over 5 seeds (middle half")
    assert "It cannot be told apart from sgd + he_normal." in said
    assert "On the test split: median test_loss 0.500, and 0.500 of the run that validates best." in said


def test_the_answer_says_so_where_nothing_is_best():
    assert sentence.answer(leaderboard(trials({"a": [math.nan] * 3, "b": ["error"] * 3}))) == (
        "There is no best choice: all 6 runs diverged or failed."
    )


def test_folds_are_told_with_mean_and_standard_deviation():
    board = leaderboard(trials({(): [0.9, 0.92, 0.94]}, "val_accuracy", keys=()))
    assert "val_accuracy 0.9200 ± 0.0200 (mean ± standard deviation) over 3 folds" in sentence.answer(board, "fold")


def test_choices_are_called_by_names_and_by_keys_where_a_value_alone_says_nothing():
    keys = ("optimizer", "optimizer.learning_rate", "batch_size", "schedule.final", "stop.final", "loop")
    choice = ("adam", "0.01", "32", "0", "1", "fit")
    made = Trials("val_loss", keys, [Trial("1", choice, "seed 0", "completed", value=1.0)])
    assert made.label(choice) == "adam + learning_rate=0.01 + batch_size=32 + schedule.final=0 + stop.final=1 + fit"


def test_trials_of_one_choice_and_seed_are_refused():
    with pytest.raises(ValueError, match="one trial of each choice and replicate"):
        Trials("val_loss", ("a",), [Trial(str(i), ("x",), "seed 0", "completed", value=1.0) for i in range(2)])
    with pytest.raises(ValueError, match="at least one trial"):
        leaderboard(Trials("val_loss", ("a",), []))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.98765, "0.988"), (1.2345e-5, "1.23e−5"), (-2.5, "−2.5"), (1234.5, "1,234"), (2.5e7, "2.50e7"), (0.0, "0")],
)
def test_numbers_are_brief(value, text):
    assert numbers.brief(value) == text


def test_lists_are_cut_with_a_count():
    assert numbers.listed(["a"]) == "a"
    assert numbers.listed(list("abc")) == "a, b and c"
    assert numbers.listed(list("abcdefg"), 3) == "a, b and 5 more"


def test_the_order_in_which_runs_are_read_changes_nothing(random_values):
    plain = trials(random_values)
    shuffled = [plain.all[place] for place in np.random.default_rng(5).permutation(len(plain.all))]
    assert leaderboard(Trials(plain.metric, plain.keys, shuffled)).rows == leaderboard(plain).rows
    assert plain.replicates == [f"seed {seed}" for seed in range(15)]


def test_of_choices_that_lost_most_runs_the_one_that_lost_fewer_comes_first():
    lost = math.nan
    board = leaderboard(trials({"one": [0.010, *[lost] * 9], "four": [*[0.012] * 4, *[lost] * 6]}))
    assert [row.label for row in board.rows] == ["four", "one"]
