"""How processes that train together meet: without TensorFlow, in threads where that is enough."""

import multiprocessing
import socket
import threading
import time
from contextlib import closing

import pytest

from zoo.config import BadInput
from zoo.training.sharing.meeting import Meeting
from zoo.training.sharing.workers import Workers


@pytest.fixture
def addresses():
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return tuple(f"127.0.0.1:{each.getsockname()[1]}" for each in (one, other))


def meet(addresses, facts, seconds=20, begin=(0, 1), before=lambda: None, joined=None):
    """Have processes meet, and return what each was told; their meetings come into `joined`."""
    told, joined = {}, {} if joined is None else joined

    def one(index):
        try:
            joined[index] = Meeting.begin(Workers(addresses, index), facts[index], seconds)
            told[index] = "go"
        except BadInput as error:
            told[index] = str(error)

    threads = [threading.Thread(target=one, args=[index]) for index in begin]
    for thread in threads:
        thread.start()
        before()
    for thread in threads:
        thread.join()
    return told


@pytest.mark.parametrize("begin", [(0, 1), (1, 0)])
def test_they_meet_in_any_order(addresses, begin):
    assert meet(addresses, [{"a": "1"}] * 2, begin=begin, before=lambda: time.sleep(0.3)) == {0: "go", 1: "go"}


def test_all_are_told_what_differs(addresses):
    told = meet(addresses, [{"tensorflow": "2.21", "seed": "0"}, {"tensorflow": "2.20", "seed": "0"}])
    assert told[0] == told[1]
    assert f"worker 1 ({addresses[1]}) has tensorflow=2.20 where the chief has 2.21" in told[0]


def test_whoever_is_missing_is_named(addresses):
    assert f"worker 1 ({addresses[1]}) did not come within 0.2 s" in meet(addresses, [{}, {}], 0.2, begin=[0])[0]
    assert f"The chief ({addresses[0]}) did not answer within 0.2 s" in meet(addresses, [{}, {}], 0.2, begin=[1])[1]


def test_an_address_that_is_taken_is_said(addresses):
    host, port = addresses[0].split(":")
    with socket.create_server((host, int(port))):
        assert "where it cannot listen: Address already in use" in meet(addresses, [{}, {}], begin=[0])[0]


def test_strangers_and_workers_that_went_away_are_left_out(addresses):
    host, port = addresses[0].split(":")

    def disturb():
        for words in (
            b"GET / HTTP/1.1\r\n\r\n",
            b'{"index": 7, "facts": {}}\n',
            b'{"index": 1, "facts": {"a": "1"}}\n',
        ):
            for _ in range(100):
                try:
                    stranger = socket.create_connection((host, int(port)))
                except OSError:
                    time.sleep(0.02)
                else:
                    break
            with closing(stranger):
                stranger.sendall(words)
        time.sleep(0.2)

    facts = [{"a": "1"}] * 2
    rest = [disturb, lambda: None]
    assert meet(addresses, facts, before=lambda: rest.pop(0)()) == {0: "go", 1: "go"}


@pytest.mark.parametrize("host", ["no host", "no..host"])
def test_a_host_that_nobody_knows_is_said_at_once(addresses, host):
    with pytest.raises(BadInput, match=rf"{host}:2222, whose host nobody knows"):
        Meeting.begin(Workers((f"{host}:2222", addresses[1]), 1), {}, 600)


def test_why_the_chief_cannot_be_called_is_said(addresses):
    assert "within 0.2 s (Connection refused)" in meet(addresses, [{}, {}], 0.2, begin=[1])[1]


def test_an_address_of_another_machine_is_listened_to_on_all_of_this_one(addresses):
    """As behind a router, where the chief's own machine does not have the address by which it is called."""
    port = addresses[0].split(":")[1]
    told, elsewhere = {}, Workers((f"203.0.113.5:{port}", addresses[1]), 0)

    def chief():
        told[0] = Meeting.begin(elsewhere, {}, 20)

    thread = threading.Thread(target=chief)
    thread.start()
    Meeting.begin(Workers(addresses, 1), {}, 20)
    thread.join()
    assert 0 in told


def joined(addresses):
    found = {}
    assert meet(addresses, [{}, {}], joined=found) == {0: "go", 1: "go"}
    return found[0], found[1]


def in_threads(*calls):
    """Return what each of some calls ends with."""
    ends = [None] * len(calls)

    def one(index):
        try:
            ends[index] = calls[index]()
        except BadInput as error:
            ends[index] = str(error)

    threads = [threading.Thread(target=one, args=[index]) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def test_they_agree_however_long_one_of_them_takes(addresses):
    chief, worker = joined(addresses)

    def later():
        time.sleep(0.5)
        worker.agree({"data": "1"})

    for _ in range(2):
        assert in_threads(lambda: chief.agree({"data": "1"}), later) == [None, None]
    ends = in_threads(lambda: chief.agree({"data": "1"}), lambda: worker.agree({"data": "2"}))
    assert all("has data=2 where the chief has 1" in said for said in ends)


def test_whoever_cannot_go_on_says_why_to_the_others(addresses):
    chief, worker = joined(addresses)
    ends = in_threads(lambda: chief.agree({}), lambda: worker.leave("the disk is full."))
    assert ends == [f"Worker 1 ({addresses[1]}) cannot go on: the disk is full.", None]
    chief, worker = joined(addresses)
    ends = in_threads(lambda: worker.agree({}), lambda: chief.leave("the disk is full."))
    assert ends == [f"The chief ({addresses[0]}) cannot go on: the disk is full.", None]


def test_the_others_wait_for_the_chiefs_end(addresses):
    chief, worker = joined(addresses)
    order = []

    def end():
        time.sleep(0.3)
        order.append("chief")
        chief.part()

    in_threads(end, lambda: (worker.part(), order.append("worker")))
    assert order == ["chief", "worker"]


def _watch(addresses, ready):
    meeting = Meeting.begin(Workers(addresses, 0), {}, 60)
    with meeting.watched():
        ready.set()
        time.sleep(600)  # as TensorFlow does, which hears of nothing


def test_a_process_that_is_gone_ends_one_that_waits_for_it_inside_tensorflow(addresses, capfd):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    chief = context.Process(target=_watch, args=[addresses, ready])
    chief.start()
    worker = Meeting.begin(Workers(addresses, 1), {}, 60)
    assert ready.wait(60)
    for line in worker._lines.values():
        line.close()
    chief.join(60)
    assert chief.exitcode == 1
    assert f"Worker 1 ({addresses[1]}) is gone" in capfd.readouterr().err
