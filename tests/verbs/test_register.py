"""`zoo register`: a run's model in MLflow's registry, once, loaded from there without any code of its own."""

import os
import subprocess
import sys

import mlflow
import numpy as np
import pandas as pd
import pytest
import yaml
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

import zoo
from tests.verbs.conftest import make
from zoo import served, verbs
from zoo.config import BadInput

KINDS = ("digits", "xor", "adding", "words", "characters", "trigram")


@pytest.fixture(scope="module")
def store(tmp_path_factory, data_dir):
    """Runs of every kind, all of them registered under their own names."""
    found = make(tmp_path_factory.mktemp("registered"), *KINDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", found.uri)
        for name in KINDS:
            verbs.run("register", found.ids[name], f"name={name}", "alias=champion")
        yield found


def loaded(name):
    return mlflow.pyfunc.load_model(f"models:/{name}@champion")


def test_a_registered_model_names_its_run(store):
    for name in KINDS:
        assert zoo.load(f"models:/{name}@champion").run.id == store.ids[name]


def test_a_run_is_logged_and_registered_once(store, capsys):
    client = MlflowClient(store.uri, store.uri)
    before = client.get_model_version_by_alias("digits", "champion")
    verbs.run("register", store.ids["digits"], "name=digits", "alias=champion")
    verbs.run("register", store.ids["digits"], "name=digits", "alias=tried")
    assert "was already version 1 of digits" in capsys.readouterr().out
    assert client.get_model_version_by_alias("digits", "tried").version == before.version
    verbs.run("register", store.ids["digits"], "name=other")
    assert len(client.search_model_versions("name = 'digits'")) == 1
    run = client.get_run(store.ids["digits"])
    assert len(client.search_logged_models([run.info.experiment_id])) == 1
    assert [one.model_id for one in run.outputs.model_outputs] == [before.source.removeprefix("models:/")]
    assert run.info.status == "FINISHED"


@pytest.mark.parametrize("name", KINDS)
def test_a_registered_model_has_a_signature_an_example_and_no_code(name, store):
    model = loaded(name)
    answer = model.predict(model.input_example)
    assert isinstance(answer, pd.DataFrame)
    assert list(answer.columns) == model.metadata.get_output_schema().input_names()
    assert model.metadata.run_id == store.ids[name]
    client = MlflowClient(store.uri, store.uri)
    folder = client.get_logged_model(model.model_id).artifact_location.removeprefix("file://")
    found = {path for _, _, files in os.walk(folder) for path in files}
    assert not [path for path in found if path.endswith((".py", ".pkl", ".pickle"))]
    with open(f"{folder}/MLmodel") as file:
        flavor = yaml.safe_load(file)["flavors"]["python_function"]
    assert flavor["loader_module"] == "zoo.served"
    assert flavor["code"] is None


@pytest.mark.parametrize("scaled", [False, True])
def test_classes_get_probabilities_of_values_as_the_data_set_has_them(scaled, store):
    x = np.random.default_rng(0).integers(0, 17, (4, 64)).astype(np.float32)
    logits = np.asarray(zoo.load(store.ids["digits"]).model(x / 16, training=False), np.float64)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    answer = loaded("digits").predict(x / 16 if scaled else x, params={"scaled": scaled})
    np.testing.assert_allclose(answer[[f"probability_{label}" for label in range(10)]], expected, atol=1e-6)
    assert answer["label"].tolist() == [str(one) for one in expected.argmax(axis=1)]
    np.testing.assert_allclose(answer["probability"], expected.max(axis=1), atol=1e-6)


def test_two_classes_have_a_probability_each_and_values_are_values(store):
    x = np.array([[0, 1], [1, 1]], np.float32)
    outputs = np.asarray(zoo.load(store.ids["xor"]).model(x, training=False))[:, 0]
    answer = loaded("xor").predict(x)
    config = zoo.load(store.ids["xor"]).config
    expected = outputs if config.model.output == "probabilities" else 1 / (1 + np.exp(-outputs))
    np.testing.assert_allclose(answer["probability_1"], expected, atol=1e-6)
    np.testing.assert_allclose(answer["probability_0"], 1 - expected, atol=1e-6)
    x = np.random.default_rng(0).uniform(size=(3, 8, 2)).astype(np.float32)
    outputs = np.asarray(zoo.load(store.ids["adding"]).model(x, training=False))
    np.testing.assert_allclose(loaded("adding").predict(x)[["value"]], outputs, atol=1e-6)


def test_texts_get_the_words_that_may_come_next(store):
    texts = pd.DataFrame({"text": ["in the beginning was the", "", "foo bar"]})
    found = zoo.load(store.ids["words"])
    answer = loaded("words").predict(texts, params={"top": 3})
    ids = found.vocabulary.encode(texts["text"][0])
    logits = np.asarray(found.model(ids[None], training=False), np.float64)[0, -1]
    chances = np.exp(logits) / np.exp(logits).sum()
    best = np.argsort(-chances)[:3]
    assert list(answer["words"][0]) == [found.vocabulary.tokens[one].replace("<eos>", "\n") for one in best]
    np.testing.assert_allclose(answer["probabilities"][0], chances[best], atol=1e-6)
    assert answer["next"][0] == answer["words"][0][0]
    every = loaded("trigram").predict(texts[:1], params={"top": len(zoo.load(store.ids["trigram"]).vocabulary)})
    assert sum(every["probabilities"][0]) == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "asked", "params", "says"),
    [
        ("digits", np.zeros((2, 63), np.float32), {}, "does not match expected shape"),
        ("digits", np.zeros((served.MOST_EXAMPLES + 1, 64), np.float32), {}, "One request may hold 10,000 examples"),
        ("digits", np.full((1, 64), np.nan, np.float32), {}, "finite numbers"),
        ("digits", np.full((1, 64), 3e38, np.float32), {"scaled": True}, "puts out NaN or infinity for these values"),
        ("digits", np.zeros((0, 64), np.float32), {}, "Expected values of shape"),
        ("words", pd.DataFrame({"text": ["word " * (served.MOST_TOKENS + 1)]}), {}, "A text may have 1,000 words"),
        ("words", pd.DataFrame({"text": ["a"] * (served.MOST_TEXTS + 1)}), {}, "One request may hold 100 texts"),
        ("words", pd.DataFrame({"text": ["a"]}), {"top": 0}, "top should be from 1 to"),
        ("words", pd.DataFrame({"words": ["a"]}), {}, "text"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words_as_the_request_s_fault(name, asked, params, says, store):
    with pytest.raises(MlflowException, match=says) as caught:
        loaded(name).predict(asked, params=params)
    assert 400 <= caught.value.get_http_status_code() < 500


def test_a_registered_model_is_loaded_in_a_fresh_process(store):
    code = (
        "import mlflow, numpy as np;"
        "print(len(mlflow.pyfunc.load_model('models:/xor@champion').predict(np.zeros((3, 2), np.float32))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=200)
    assert done.stdout.split()[-1:] == ["3"], done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["alias=champion"], "name is missing"),
        (["name=a/b"], "name should be a name without / : %"),
        (["name=a", "alias=latest"], "alias should be a word"),
        (["name=a", "alias=v2"], "alias should be a word"),
        (["nam=a"], "Did you mean 'name'?"),
    ],
)
def test_a_wrong_word_is_refused_and_nothing_is_registered(words, says, store):
    with pytest.raises(BadInput) as caught:
        verbs.run("register", store.ids["xor"], *words)
    assert says in str(caught.value)
    assert not MlflowClient(store.uri, store.uri).search_registered_models("name = 'a'")


def test_a_name_that_is_not_registered_is_told(store):
    with pytest.raises(BadInput, match=r"There is no model models:/nothing@champion in the registry: \w"):
        verbs.run("register", "models:/nothing@champion", "name=other")
