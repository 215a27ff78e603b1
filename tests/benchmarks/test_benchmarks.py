"""The smoke size of every contest, from the peers' processes to the report; nothing here looks at how fast it is."""

import importlib.util
import json
import platform
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock

from benchmarks import scaling
from benchmarks.__main__ import main, run
from benchmarks.contest import MEASURES
from benchmarks.contests import FULL, KERAS, SMOKE, TORCH, contests
from benchmarks.measure import ROOT, Failed, Job
from benchmarks.measure import run as run_jobs

HAS_TORCH = importlib.util.find_spec("torch") is not None
NAMES = [contest.name for contest in contests(SMOKE)]


def too_fast(contest):
    """The same contest, but with a learning rate in Keras that is not the one that all others have."""
    peers = [replace(peer, spec={"learning_rate": 0.01}) if peer.name == KERAS else peer for peer in contest.peers]
    return replace(contest, name="doctored", peers=tuple(peers[:1] + [peer for peer in peers if peer.name == KERAS]))


@pytest.fixture(scope="module")
def held(tmp_path_factory, worker_id, data_dir):
    """The exit code and folder of a run of all contests, and of one in which a peer trains otherwise than it says.

    Workers share it: whichever comes first runs it, and the others wait.
    """
    alone = worker_id == "master"
    folder = tmp_path_factory.mktemp("shared") if alone else tmp_path_factory.getbasetemp().parent / "benchmarks"
    folder.mkdir(exist_ok=True)
    code = folder / "exit_code"
    with FileLock(folder / "lock"):
        if not code.exists():
            table = contests(SMOKE)
            doctored = too_fast(next(contest for contest in table if contest.name == "mnist_fcn"))
            lines = scaling.lines(smoke=True)
            code.write_text(str(run([*table, doctored], lines, folder, repeats=1, smoke=True)))
    return int(code.read_text()), folder


@pytest.fixture(scope="module")
def results(held):
    return json.loads((held[1] / "latest.json").read_text())


@pytest.fixture(scope="module")
def by_name(results):
    return {found["name"]: found for found in results["contests"]}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_contest_ends_with_samples_of_each_peer_and_equal_losses(by_name, name):
    found = by_name[name]
    assert found["faults"] == []
    contest = next(contest for contest in contests(SMOKE) if contest.name == name)
    for peer in contest.peers:
        measured = found["peers"][peer.name]
        assert (measured["absent"] is None) == bool(measured["measures"])
        if measured["measures"] and contest.shown:
            assert measured["measures"][contest.shown]["median"] > 0
    for goal in found["goals"]:
        if not any(found["peers"][peer]["absent"] for peer in (goal["over"], goal["against"]) if peer):
            assert goal["value"] is not None
            assert (goal["low"], goal["high"]) == (None, None)  # one round tells nothing of the next


@pytest.mark.slow
def test_a_peer_that_trains_otherwise_fails_its_contest_and_the_command(held, by_name):
    code, folder = held
    assert code == 1
    (fault,) = by_name["doctored"]["faults"]
    assert fault.startswith("Keras: loss ")
    assert not by_name["doctored"]["ok"]
    assert "doctored **failed**" in (folder / "latest.md").read_text()


@pytest.mark.slow
def test_the_report_says_on_what_it_was_measured_and_names_no_host_or_folder(held, results):
    text = (held[1] / "latest.json").read_text() + (held[1] / "latest.md").read_text()
    assert {"cpu", "cores", "memory_gb", "system"} == set(results["machine"])
    assert {"python", "tensorflow", "keras", "torch", "numpy", "mlflow"} <= set(results["versions"])
    assert results["commit"]
    assert isinstance(results["changed_since"], bool)
    assert str(ROOT) not in text
    assert str(Path.home()) + "/" not in text
    assert f'"{platform.node()}"' not in text


@pytest.mark.slow
def test_the_table_has_a_row_for_each_contest_with_all_its_columns(held):
    lines = (held[1] / "latest.md").read_text().splitlines()
    table = [line for line in lines if line.startswith("|")]
    assert {line.count("|") for line in table} == {10}
    for name in NAMES:
        assert any(line.startswith(f"| {name}") for line in table), name


@pytest.mark.slow
def test_pytorch_is_measured_or_said_to_be_absent(held, by_name):
    if not HAS_TORCH:
        assert f"{TORCH} took no part: PyTorch is not installed" in (held[1] / "latest.md").read_text()
        pytest.skip("PyTorch is not installed; the extra `bench` brings it")
    for name in ("mnist_fcn", "lstm.adam", "xor_mlp"):
        assert by_name[name]["peers"][TORCH]["losses"]


@pytest.mark.slow
def test_the_chart_is_drawn_from_points_that_the_json_holds(held, results):
    points = results["scaling"]["points"]
    assert results["scaling"]["faults"] == []
    assert results["scaling"]["gflops"] > 0
    sizes = {(point["model"], point["axis"], point["value"]) for point in points}
    assert sizes == {("mnist_fcn", "width", 8), ("mnist_fcn", "width", 16), ("lstm", "length", 2)}
    assert all(seconds["median"] > 0 for point in points for seconds in point["seconds"].values())
    assert (held[1] / "scaling.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("size", [FULL, SMOKE], ids=["full", "smoke"])
def test_names_are_unique_and_goals_name_peers_and_measures_that_there_are(size):
    table = contests(size)
    assert len({contest.name for contest in table}) == len(table)
    for contest in table:
        peers = {peer.name for peer in contest.peers}
        assert len(peers) == len(contest.peers)
        for goal in contest.goals:
            assert {goal.over, goal.against or goal.over} <= peers
            assert goal.measure in MEASURES
            assert (goal.at_least is None) != (goal.at_most is None)


def test_the_arithmetic_of_a_step_is_three_products_for_each_weight_but_two_for_the_pixels():
    assert scaling.flops_per_unit("mnist_fcn", 256) == 2 * 2 * 784 * 256 + 3 * 2 * 256 * 10
    kernels = 4 * 256 * (128 + 256) + 4 * 256 * (256 + 256)
    assert scaling.flops_per_unit("lstm", 256) == 3 * 2 * (kernels + 256 * 10_000)


def test_an_unknown_contest_is_refused_with_those_that_there_are(capsys):
    assert main(["lstn"]) == 2
    assert "Unknown contest 'lstn'. Available: checkpoints, command, " in capsys.readouterr().err


@pytest.mark.parametrize("peer", ["no_such_peer", "command"])
def test_a_peer_that_breaks_is_told_from_one_that_is_slow(peer, tmp_path, capfd):
    with pytest.raises(Failed, match="broken ended with exit code"):
        run_jobs([Job(("contest", "broken"), peer, {"words": ["-c", "raise SystemExit(3)"]})], tmp_path)
