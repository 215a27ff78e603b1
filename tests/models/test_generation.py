import keras
import numpy as np
import pytest
import tensorflow as tf

from zoo import compose
from zoo.data.spec import Spec
from zoo.models import building
from zoo.models.generation import Writer, next_logits

VOCABULARY = 6


def bigrams():
    """A language model with state: the logits depend on the last token and on how many it has seen."""
    table = tf.constant(np.random.default_rng(7).normal(size=(VOCABULARY, VOCABULARY)) * 2, tf.float32)
    seen = tf.Variable(0)

    def after(ids):
        seen.assign_add(tf.shape(ids)[1])
        return tf.roll(table[ids[0, -1]], seen % VOCABULARY, 0)

    return after


def constant(logits):
    return lambda ids: tf.constant(logits, tf.float32)


def written(after, prompt, count, size=VOCABULARY, **options):
    writer = Writer(after, size, **options)
    writer.read(prompt)
    return writer.write(count)


def test_a_text_does_not_depend_on_how_many_tokens_are_written_at_a_time():
    at_once = written(bigrams(), [3, 1, 4], 12)
    writer = Writer(bigrams(), VOCABULARY)
    writer.read([3])
    writer.read([1, 4])
    assert [*writer.write(1), *writer.write(0), *writer.write(4), *writer.write(7)] == at_once


def test_a_seed_gives_the_same_text_again_and_another_seed_another():
    texts = [written(bigrams(), [0], 50, seed=seed) for seed in (1, 1, 2)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_temperature_zero_takes_the_likeliest_token_whatever_the_seed():
    after, expected, newest = bigrams(), [], [2]
    for _ in range(20):
        newest = [int(np.argmax(after(tf.constant([newest]))))]
        expected += newest
    for seed in (0, 1):
        assert written(bigrams(), [2], 20, temperature=0, seed=seed) == expected


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_are_drawn_as_often_as_the_softmax_says(temperature):
    logits = np.array([2.0, 1.0, 0.0, -1.0, 0.5])
    count = 20_000
    drawn = np.bincount(written(constant(logits), [0], count, 5, temperature=temperature), minlength=5)
    expected = np.exp(logits / temperature) / np.exp(logits / temperature).sum() * count
    chi_squared = ((drawn - expected) ** 2 / expected).sum()
    assert chi_squared < 18.5  # 0.1 % of correct samplers would exceed it, with four degrees of freedom


@pytest.mark.parametrize(
    ("options", "left"),
    [({"top_k": 2}, [0, 1]), ({"top_p": 0.75}, [0, 1]), ({"top_k": 3, "top_p": 0.99}, [0, 1, 4]), ({"top_k": 9}, None)],
)
def test_tokens_are_drawn_among_the_likeliest_or_from_the_nucleus(options, left):
    logits = np.array([2.0, 1.0, 0.0, -1.0, 0.5])
    count = 20_000
    drawn = np.bincount(written(constant(logits), [0], count, 5, temperature=1, **options), minlength=5)
    left = list(range(5)) if left is None else left
    assert drawn.nonzero()[0].tolist() == left
    expected = np.exp(logits[left]) / np.exp(logits[left]).sum() * count
    assert ((drawn[left] - expected) ** 2 / expected).sum() < 18.5


def test_all_tokens_left_are_all_tokens():
    plain = written(bigrams(), [0], 50, temperature=1)
    assert written(bigrams(), [0], 50, temperature=1, top_k=VOCABULARY, top_p=1.0) == plain


def test_a_model_without_state_is_shown_the_end_of_the_text():
    seen = []

    class Model:
        def __call__(self, ids, training):
            tf.py_function(lambda one: seen.append(one.numpy().tolist()), [ids], [])
            return tf.one_hot((ids + 1) % VOCABULARY, VOCABULARY)

    writer = Writer(next_logits(Model(), window=3), VOCABULARY, temperature=0)
    writer.read([1, 2])
    assert writer.write(1) + writer.write(3) == [3, 4, 5, 0]
    assert seen == [[[1, 2]], [[1, 2, 3]], [[2, 3, 4]], [[3, 4, 5]]]


@pytest.mark.parametrize("temperature", [0, 0.8])
def test_banned_tokens_never_appear(temperature):
    tokens = written(constant([9.0, 1.0, 8.0, 1.0]), [0, 2], 500, 4, temperature=temperature, banned={0, 2})
    assert not {0, 2} & set(tokens)


@pytest.mark.parametrize("temperature", [1e-300, 1e-6, 1.0, 1e6])
def test_no_temperature_and_no_size_of_logits_overflows(temperature):
    tokens = written(constant([1e4, -1e4, -np.inf, 9e3]), [0], 200, 4, temperature=temperature)
    assert 2 not in tokens
    if temperature <= 1:
        assert set(tokens) == {0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1.0}, "temperature of 0 or more. Received: -1.0"),
        ({"temperature": float("nan")}, "temperature of 0 or more"),
        ({"top_k": 0}, "top_k of 1 or more. Received: 0"),
        ({"top_p": 0.0}, "top_p above 0 and at most 1. Received: 0.0"),
        ({"top_p": 1.1}, "top_p above 0"),
        ({"banned": range(VOCABULARY)}, "No token is left"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Writer(bigrams(), VOCABULARY, **options)


def test_an_empty_prompt_is_refused():
    with pytest.raises(ValueError, match="at least one token"):
        Writer(bigrams(), VOCABULARY).write(1)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_of_a_diverged_model_are_refused(bad):
    with pytest.raises(ValueError, match="diverged"):
        written(constant([0.0, bad]), [0], 3, 2)


@pytest.mark.parametrize("options", [[], ["model.predict=last"], ["model.output=probabilities"]])
@pytest.mark.parametrize("model", ["rnn", "gru", "lstm"])
def test_a_model_carries_its_state_from_token_to_token(model, options):
    config = compose(f"model={model}", "model.units=8", "model.embedding=8", *options).model
    keras.utils.set_random_seed(3)
    carrying = building.build(config, Spec("tokens", (5,), "tokens", 40, batch_size=1), "float32")
    whole = building.build(config, Spec("tokens", (5,), "tokens", 40), "float32")
    whole.set_weights([10 * weight for weight in carrying.get_weights()])
    carrying.set_weights(whole.get_weights())
    after = next_logits(carrying, gives_probabilities=config.output == "probabilities")
    ids = [3, 1, 4]
    tokens = written(after, ids, 6, 40, temperature=0)
    for token in tokens:
        output = np.asarray(whole(np.array([ids])))[0]
        assert token == int((output if output.ndim == 1 else output[-1]).argmax())
        ids.append(token)
