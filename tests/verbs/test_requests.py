"""Requests to a served model, as MLflow's server answers them: what is refused, in what words, and what is told."""

import json

import numpy as np
import pytest
from mlflow import pyfunc
from mlflow.exceptions import MlflowException
from mlflow.pyfunc import scoring_server

from zoo import kept, served
from zoo.tracking.checked import Checked

PICTURE = np.random.default_rng(5).integers(0, 17, 64)


@pytest.fixture(scope="module")
def models(runs, tmp_path_factory):
    """Return the loaded models of runs, and the folders that they are in."""
    made = {}

    def one(name):
        if name not in made:
            folder = tmp_path_factory.mktemp("models") / "it"
            served.save(kept.find(runs.ids[name], runs.uri), folder)
            made[name] = pyfunc.load_model(str(folder)), folder
        return made[name]

    return one


@pytest.fixture(params=["zoo serve", "mlflow models serve"])
def server(request):
    return request.param


@pytest.fixture
def ask(models):
    """Return the status and the answer to a request."""

    def one(name, body, server="zoo serve"):
        model, folder = models(name)
        if server == "zoo serve":
            model = Checked(model, served.shapes(folder))
        try:
            data = json.dumps(body).encode()
            found = scoring_server.invocations(data, "application/json", model, model.metadata.get_input_schema())
        except MlflowException as error:
            return error.get_http_status_code(), json.loads(error.serialize_as_json())["message"]
        return found.status, json.loads(found.response)["predictions"]

    return one


@pytest.mark.parametrize("text", [None, 3, 2.5, True, ["the"]])
def test_what_is_no_text_is_refused(text, server, ask):
    status, words = ask("trigram", {"dataframe_records": [{"text": "the"}, {"text": text}]}, server)
    assert status == 400
    assert words.startswith("Expected a text in each row of the column `text`. Received: ")
    assert ("null" if text is None else str(text)) in words


def test_the_unknown_words_of_a_text_are_told(server, ask, models):
    asked = {"inputs": {"text": ["In the xyzzy", "In the beginning"]}, "params": {"top": 2}}
    status, answers = ask("trigram", asked, server)
    assert (status, [answer["unknown"] for answer in answers]) == (200, [["xyzzy"], []])
    outputs = models("trigram")[0].metadata.get_output_schema()
    assert outputs.input_names() == list(answers[0])


def test_a_refusal_is_its_reason_and_not_the_data(server, ask):
    words = ask("digits", {"inputs": [[0.0] * 64] * (served.MOST_EXAMPLES + 1)}, server)[1]
    assert words.startswith("One request may hold 10,000 examples")
    words = ask("digits", {"inputs": [[None] * 64]}, server)[1]
    assert words.startswith("Expected values that are finite numbers.")


def test_values_of_another_shape_are_refused_in_a_sentence(ask):
    for wrong in ([[0.0] * 63], [[0.0] * 16] * 4, [[[0.0] * 16] * 4], [[0.0] * 65] * 200):
        status, words = ask("digits", {"inputs": wrong})
        assert status == 400
        assert words.startswith(f"Shape of input {np.shape(wrong)} does not match expected shape (-1, 64)")
        assert len(words) < 200


def test_pictures_may_be_rows_of_pixels_and_one_may_come_alone_as_for_predict(ask):
    expected = ask("digits", {"inputs": PICTURE.reshape(1, 64).tolist()})
    assert expected[0] == 200
    for shape in ((1, 8, 8), (8, 8), (64,)):
        assert ask("digits", {"inputs": PICTURE.reshape(shape).tolist()}) == expected


def test_params_that_are_not_known_are_refused(ask):
    assert ask("trigram", {"inputs": ["the"], "params": {"topp": 2}}) == (400, "params may have top. Received: topp.")
    status, words = ask("digits", {"inputs": [[0.0] * 64], "params": {"scaled": "yes"}})
    assert status == 400
    assert words.startswith("Invalid parameters found")
