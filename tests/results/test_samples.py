import numpy as np
import pytest

from zoo.results import samples

VOCABULARY = 6


class Bigrams:
    """A language model with state: the logits depend on the last token and on how many it has seen."""

    def __init__(self) -> None:
        self.table = np.random.default_rng(7).normal(size=(VOCABULARY, VOCABULARY)) * 2
        self.calls: list[list[int]] = []

    def __call__(self, ids: np.ndarray) -> np.ndarray:
        assert ids.dtype == np.int32
        assert ids.shape[0] == 1
        self.calls.append(ids[0].tolist())
        return np.roll(self.table[ids[0, -1]], sum(map(len, self.calls)) % VOCABULARY)


def test_the_prompt_is_fed_at_once_and_each_new_token_by_itself():
    model = Bigrams()
    new = samples.generate(model, [3, 1, 4], length=5)
    assert len(new) == 5
    assert model.calls == [[3, 1, 4], *([token] for token in new[:-1])]


def test_a_seed_gives_the_same_text_again_and_another_seed_another():
    texts = [samples.generate(Bigrams(), [0], length=50, seed=seed) for seed in (1, 1, 2)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_temperature_zero_takes_the_likeliest_token_whatever_the_seed():
    expected, model, new = [], Bigrams(), [2]
    for _ in range(20):
        new = [int(model(np.array([new], dtype=np.int32)).argmax())]
        expected += new
    for seed in (0, 1):
        assert samples.generate(Bigrams(), [2], length=20, temperature=0, seed=seed) == expected


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_tokens_are_drawn_as_often_as_the_softmax_says(temperature):
    logits = np.array([2.0, 1.0, 0.0, -1.0, 0.5])
    count = 20_000
    drawn = np.bincount(
        samples.generate(lambda ids: logits, [0], length=count, temperature=temperature), minlength=len(logits)
    )
    expected = np.exp(logits / temperature) / np.exp(logits / temperature).sum() * count
    chi_squared = ((drawn - expected) ** 2 / expected).sum()
    assert chi_squared < 18.5  # 0.1 % of correct samplers would exceed it, with four degrees of freedom


@pytest.mark.parametrize("temperature", [0, 0.8])
def test_banned_tokens_never_appear(temperature):
    logits = np.array([9.0, 1.0, 8.0, 1.0])
    new = samples.generate(lambda ids: logits, [0, 2], length=500, temperature=temperature, banned={0, 2})
    assert not {0, 2} & set(new)


def test_the_models_own_logits_are_left_as_they_were():
    logits = np.zeros(4)
    samples.probabilities(logits, banned=[1])
    assert not logits.any()


@pytest.mark.parametrize("temperature", [1e-300, 1e-6, 1.0, 1e6])
def test_no_temperature_and_no_size_of_logits_overflows(temperature):
    with np.errstate(all="raise", under="ignore"):
        result = samples.probabilities(np.array([1e4, -1e4, -np.inf, 9e3], dtype=np.float32), temperature)
    assert result.sum() == pytest.approx(1)
    assert result[2] == 0
    assert result.argmax() == 0


def test_length_zero_asks_nothing():
    model = Bigrams()
    assert samples.generate(model, [1], length=0) == []
    assert model.calls == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"prompt_ids": []}, "at least one token"),
        ({"temperature": -1.0}, "temperature of 0 or more. Received: -1.0"),
        ({"temperature": float("nan")}, "temperature of 0 or more"),
        ({"banned": range(VOCABULARY)}, "No token is left"),
    ],
)
def test_what_cannot_be_generated_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        samples.generate(**({"next_logits": Bigrams(), "prompt_ids": [1], "length": 3} | arguments))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_logits_of_a_diverged_model_are_refused(bad):
    with pytest.raises(ValueError, match="diverged"):
        samples.probabilities(np.array([0.0, bad]))


def test_a_sample_is_saved_as_utf_8_with_a_final_newline(tmp_path):
    path = samples.save("Wherefore art thou — Romeo?", tmp_path / "run")
    assert path == tmp_path / "run" / "sample.txt"
    assert path.read_bytes().decode("utf-8") == "Wherefore art thou — Romeo?\n"
