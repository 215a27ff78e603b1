"""Who trains together, and how they meet: without TensorFlow."""

import json
import socket
import threading
import time
from contextlib import closing

import pytest

from zoo.config import BadInput
from zoo.training.sharing.workers import Workers


def config(kind="worker", index=0, **cluster):
    return json.dumps({"cluster": cluster or {"worker": ["a:1", "b:2"]}, "task": {"type": kind, "index": index}})


def test_the_chief_is_the_first():
    assert Workers.parse(config()) == Workers(("a:1", "b:2"), 0)
    assert Workers.parse(config()).is_chief
    third = Workers.parse(config("worker", 1, chief=["c:1"], worker=["a:1", "b:2"]))
    assert (third.addresses, third.index, third.is_chief) == (("c:1", "a:1", "b:2"), 2, False)
    assert (third.index_of("chief", 0), third.index_of("worker", 1), third.named(2)) == (0, 2, "worker 2 (b:2)")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "it is not set"),
        ("", "it is not set"),
        ("{", "does not hold a cluster and a task"),
        ("[]", "does not hold"),
        ('{"cluster": {"worker": ["a:1", "b:2"]}}', "KeyError: 'task'"),
        (config(worker=["a", "b:2"]), "a is not host:port"),
        (config(worker=["a:99999", "b:2"]), "a:99999 is not host:port"),
        (config(worker=["a:1"]), "at least two processes"),
        (config(worker=["a:1", "a:1"]), "at least two processes"),
        (config(chief=["a:1", "b:1"], worker=["c:1"]), "one chief"),
        (config(worker=["a:1", "b:2"], ps=["c:3"]), "its cluster has ps"),
        (config("worker", 2), "worker 2, is not in its cluster"),
        (config("evaluator", 0), "evaluator 0, is not in its cluster"),
    ],
)
def test_what_does_not_say_who_they_are_is_refused(text, said):
    with pytest.raises(BadInput, match="TF_CONFIG") as refused:
        Workers.parse(text)
    assert said in str(refused.value)
    assert '"task": {"type": "worker", "index": 0}' in str(refused.value)


@pytest.fixture
def addresses():
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return tuple(f"127.0.0.1:{each.getsockname()[1]}" for each in (one, other))


def meet(addresses, facts, seconds=20, begin=(0, 1), before=lambda: None):
    """Have processes meet, and return what each was told."""
    told = {}

    def one(index):
        try:
            Workers(addresses, index).meet(facts[index], seconds)
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
