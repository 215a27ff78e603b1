"""`zoo generate`: text of networks and of counts, drawn in every way, whatever it is asked to go on with."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import chisquare

import zoo
from zoo import kept, verbs, writing
from zoo.config import BadInput
from zoo.models import drawing

WRITERS = ("words", "tied", "characters", "trigram")


@pytest.fixture
def written(said, runs):
    """Return the text that a run writes."""

    def write(name, *words):
        return said("generate", runs.ids[name], *words).out

    return write


@pytest.mark.parametrize("name", WRITERS)
def test_a_text_begins_with_the_prompt_as_it_was_typed_and_has_the_length_asked_for(name, written):
    text = written(name, "prompt=In the beginning", "length=30")
    assert text.startswith("In the beginning")
    assert text.endswith("\n")
    if name == "characters":
        assert len(text) == len("In the beginning") + 30 + 1


@pytest.mark.parametrize("name", WRITERS)
def test_a_seed_writes_the_same_text_again_and_another_one_another(name, written):
    texts = [written(name, "prompt=the word", "length=40", "temperature=2", f"seed={seed}") for seed in (1, 1, 2)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("narrow", ["temperature=0", "top_k=1", "top_p=1e-9"])
def test_what_leaves_the_likeliest_alone_is_greedy(name, narrow, written):
    greedy = written(name, "prompt=the", "length=20", "temperature=0", "seed=3")
    assert written(name, "prompt=the", "length=20", narrow, "seed=8") == greedy


def test_a_greedy_text_is_what_the_loaded_model_finds_likeliest_word_by_word(runs, written):
    loaded = zoo.load(runs.ids["words"], runs.uri)
    ids = loaded.vocabulary.encode("in the beginning").tolist()
    for _ in range(8):
        logits = np.array(loaded.model(np.array([ids]), training=False))[0, -1]
        logits[loaded.vocabulary.unk] = -np.inf
        ids.append(int(logits.argmax()))
    text = written("words", "prompt=in the beginning", "length=8", "temperature=0")
    assert text == loaded.vocabulary.decode(ids) + "\n"


def test_a_text_is_the_same_whatever_is_written_at_a_time(runs, monkeypatch):
    found = kept.find(runs.ids["words"], runs.uri)
    prompt = writing.read("the", writing.check(found))
    how = writing.Drawing(top_k=5, top_p=0.9)
    monkeypatch.setattr(writing, "PIECE_SECONDS", 0.0)
    one_by_one = list(writing.write(found, prompt, 20, how))
    assert len(one_by_one) == 21
    monkeypatch.setattr(writing, "PIECE_SECONDS", 1e9)
    in_pieces = list(writing.write(found, prompt, 20, how))
    assert len(in_pieces) < 10
    assert "".join(in_pieces) == "".join(one_by_one)


@pytest.mark.parametrize("name", ["words", "trigram"])
def test_unknown_words_are_told_and_none_is_written(name, said, runs):
    shown = said("generate", runs.ids[name], "prompt=In the Xyzzy, the foo", "length=200", "temperature=5")
    assert "'xyzzy', 'foo'" in shown.err
    assert "<unk>" in shown.err
    assert shown.out.startswith("In the Xyzzy, the foo")
    assert "<unk>" not in shown.out


def test_unknown_characters_are_left_out_where_there_is_no_place_for_them(said, runs):
    shown = said("generate", runs.ids["characters"], "prompt=thé", "length=5")
    assert "left out: 'é'" in shown.err
    assert shown.out.startswith("thé")


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("prompt", [["prompt="], ["prompt=  "], []])
def test_an_empty_prompt_begins_a_line(name, prompt, written):
    assert len(written(name, *prompt, "length=40", "temperature=1")) > 10


def test_words_and_punctuation_are_joined_as_they_are_read(written):
    text = written("trigram", "prompt=he said", "length=60", "temperature=0")
    assert " : " not in text
    assert " ," not in text
    assert "( " not in text
    assert 'said: "let' in text


@pytest.mark.parametrize("name", ["digits", "xor", "adding"])
def test_a_run_that_is_no_language_model_is_refused_before_tensorflow(name, runs):
    code = (
        "import sys; from zoo import verbs, config\n"
        "try: verbs.run('generate', sys.argv[1])\n"
        "except config.BadInput as error: print(error)\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, runs.ids[name]],
        capture_output=True, text=True, timeout=120, env={**os.environ, "MLFLOW_TRACKING_URI": runs.uri},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "is no language model" in done.stdout


def test_a_trigram_writes_without_tensorflow(runs):
    code = (
        "import sys; from zoo import verbs; verbs.run('generate', sys.argv[1]); sys.exit('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, runs.ids["trigram"]],
        capture_output=True, text=True, timeout=120, env={**os.environ, "MLFLOW_TRACKING_URI": runs.uri},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["temperature=-1"], "temperature should be a number of at least 0"),
        (["temperature=warm"], "Received: temperature=warm"),
        (["top_k=0"], "top_k should be a whole number of at least 1"),
        (["top_p=0"], "top_p should be a number above 0 and at most 1"),
        (["top_p=1.5"], "top_p should be a number above 0 and at most 1"),
        (["length=0"], "length should be a whole number of at least 1"),
        (["seed=-1"], "seed should be a whole number"),
        (["promt=x"], "Did you mean 'prompt'?"),
    ],
)
def test_a_wrong_word_is_refused_with_what_is_right(words, says, runs):
    with pytest.raises(BadInput, match=says.replace("?", r"\?")):
        verbs.run("generate", runs.ids["words"], *words, f"tracking.uri={runs.uri}")


def test_a_run_is_named_by_a_filter_too(said):
    assert said("generate", "best:tags.model = 'trigram'", "length=5").out


@pytest.mark.parametrize(
    ("options", "left"), [({"top_k": 2}, [0, 1]), ({"top_p": 0.6}, [0, 1]), ({"top_k": 3, "top_p": 0.99}, [0, 1, 2])]
)
def test_tokens_are_drawn_among_those_that_are_left_as_often_as_the_softmax_says(options, left):
    chances = np.array([0.5, 0.3, 0.15, 0.05])
    random = np.random.default_rng(5)
    drawn = [drawing.draw(np.log(chances), random, temperature=1, **options) for _ in range(4000)]
    counts = np.bincount(drawn, minlength=4)
    assert counts.nonzero()[0].tolist() == left
    assert chisquare(counts[left], 4000 * chances[left] / chances[left].sum()).pvalue > 1e-3


@pytest.mark.parametrize("temperature", [1e-300, 1e-6, 1e6])
def test_no_temperature_overflows_and_what_is_impossible_is_never_drawn(temperature):
    random = np.random.default_rng(5)
    drawn = {drawing.draw(np.array([-900.0, -np.inf, 3.0]), random, temperature=temperature) for _ in range(50)}
    assert 1 not in drawn


@pytest.mark.parametrize("ending", ["Ctrl-C", "a closed pipe"])
def test_a_long_text_ends_when_nobody_wants_more(ending, runs):
    command = [sys.executable, "-m", "zoo", "generate", runs.ids["trigram"], "length=1000000"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "MLFLOW_TRACKING_URI": runs.uri}
    ) as process:
        process.stdout.read(50)  # it comes before the text has ended
        if ending == "Ctrl-C":
            process.send_signal(signal.SIGINT)
            process.stdout.read()
        else:
            process.stdout.close()
        assert process.wait(60) == (130 if ending == "Ctrl-C" else 0)
        assert process.stderr.read() == b""
