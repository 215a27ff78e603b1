"""Mutated command lines: each is carried out or refused in one paragraph, and a refused one leaves nothing."""

import pytest
from hypothesis import HealthCheck, given, note, settings

from tests.command.fenced import ACCEPTED, Answer, Fenced
from tests.command.lines import LINES, VERBS, mutated
from zoo import compose
from zoo.command.main import BAD_INPUT
from zoo.run import run

pytestmark = pytest.mark.slow
FEW = settings(
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
MANY = settings(FEW, max_examples=500)


@pytest.fixture(scope="module")
def fenced(tmp_path_factory):
    """What answers lines, in folders with some files and a store that holds one finished run."""
    answer = Fenced(tmp_path_factory.mktemp("fenced"))
    (answer.folder / "folder").mkdir()
    (answer.folder / "empty.txt").write_bytes(b"")
    (answer.folder / "binary.dat").write_bytes(b"\x80\xff\x00")
    (answer.folder / "plain.txt").write_bytes(b"one two three four five\n" * 2000)
    (answer.folder / "loop").symlink_to("loop")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(answer.folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{answer.folder / 'runs.db'}")
        run(compose("model=trigram", "data=text", "data.train=plain.txt"))
    return answer


def check(answer: Answer) -> None:
    note(f"{answer}")
    assert answer.code in (0, BAD_INPUT, ACCEPTED)
    assert "Traceback (most recent call last)" not in answer.out + answer.err
    assert not answer.strayed
    if answer.code == BAD_INPUT:
        assert answer.err.startswith("zoo: ")
        assert answer.err.endswith("\n")
        assert answer.err[:-1].isprintable()  # one paragraph, and nothing that a terminal obeys
        assert all(name.startswith("data") for name in answer.left)  # locked while a source was looked for
        assert answer.runs == ["FINISHED"]


@FEW
@given(mutated(LINES))
def test_a_mutated_line_is_carried_out_or_refused_in_one_paragraph(fenced, words):
    check(fenced(words))


@pytest.mark.full
@MANY
@given(mutated(LINES))
def test_many_mutated_lines_are_carried_out_or_refused_in_one_paragraph(fenced, words):
    check(fenced(words))


@pytest.mark.full
@MANY
@given(mutated(VERBS))
def test_many_mutated_verbs_are_carried_out_or_refused_in_one_paragraph(fenced, words):
    check(fenced(words, "zoo"))
