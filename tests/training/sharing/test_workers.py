"""Who trains together: without TensorFlow."""

import json

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
