"""`zoo serve` and `mlflow models serve`: real servers, asked over HTTP, rightly and wrongly, and ended."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import numpy as np
import psutil
import pytest
from mlflow import MlflowClient

import zoo
from zoo import served, verbs
from zoo.config import BadInput
from zoo.tracking import serving

JSON = {"Content-Type": "application/json"}


class Server:
    """A server's process with its children, and what answers there."""

    def __init__(self, command, port, environment, log):
        self.url = f"http://127.0.0.1:{port}"
        self.log = log
        with open(log, "wb") as file:
            self.process = psutil.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + 120
        while not self._answers():
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.kill()
                raise RuntimeError(f"The server did not start:\n{log.read_text()}")
            time.sleep(0.2)

    def _answers(self):
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"{self.url}/ping", timeout=5).status == 200
        return False

    def post(self, body, headers=JSON):
        """Return the status and the answer, as JSON where it is."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/invocations", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def family(self):
        with contextlib.suppress(psutil.NoSuchProcess):
            return [self.process, *self.process.children(recursive=True)]
        return []

    def kill(self):
        for one in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        self.process.wait(10)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def start(runs, tmp_path_factory):
    """Start servers, and end all of them with their children."""
    started = []

    def one(*words, program=("zoo", "serve")):
        port = free_port()
        said = [f"port={port}"] if program[0] == "zoo" else ["--port", str(port)]
        # `mlflow models serve` looks for uvicorn on the search path.
        path = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
        environment = {**os.environ, "MLFLOW_TRACKING_URI": runs.uri, "PYTHONUNBUFFERED": "1", "PATH": path}
        log = tmp_path_factory.mktemp("server") / "log.txt"
        started.append(Server([sys.executable, "-m", *program, *words, *said], port, environment, log))
        return started[-1]

    yield one
    for server in started:
        server.kill()


@pytest.fixture(scope="module")
def digits(start, runs):
    return start(runs.ids["digits"])


@pytest.mark.slow
def test_examples_get_labels_and_probabilities(digits, runs):
    x = np.random.default_rng(1).integers(0, 17, (3, 64))
    status, answer = digits.post({"inputs": x.tolist()})
    assert status == 200
    logits = np.asarray(zoo.load(runs.ids["digits"], runs.uri).model(x / np.float32(16)), np.float64)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    for row, chances in zip(answer["predictions"], expected, strict=True):
        assert row["label"] == str(chances.argmax())
        np.testing.assert_allclose([row[f"probability_{label}"] for label in range(10)], chances, atol=1e-6)
    assert digits.post({"inputs": (x / 16).tolist(), "params": {"scaled": True}}) == (200, answer)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{nonsense", JSON, 400),
        (b"\xff\xfe", JSON, 400),
        (b"[" * 200_000, JSON, 400),
        ({"questions": []}, JSON, 400),
        ({"inputs": [[1.0, 2.0]]}, JSON, 400),
        ({"inputs": [["a"] * 64]}, JSON, 400),
        ({"inputs": []}, JSON, 400),
        ({"inputs": [[0.0] * 64], "params": {"scaled": "perhaps"}}, JSON, 400),
        (b'{"inputs": [[' + b"NaN," * 63 + b"NaN]]}", JSON, 400),
        (b"0,1\n", {"Content-Type": "image/png"}, 415),
        ({"inputs": [[0.0] * 64] * (served.MOST_EXAMPLES + 1)}, JSON, 400),
        (b'{"inputs": [' + b" " * serving.LARGEST_REQUEST + b"]}", JSON, 413),
    ],
)
def test_what_is_malformed_or_too_large_is_refused_and_the_server_lives(body, headers, status, digits):
    found, words = digits.post(body, headers)
    assert found == status, words
    assert len(words) > 10
    assert digits.post({"inputs": [[0.0] * 64]})[0] == 200


@pytest.mark.slow
def test_a_request_in_pieces_of_unknown_number_is_bounded_too(digits):
    with socket.create_connection(("127.0.0.1", int(digits.url.rpartition(":")[2])), timeout=60) as line:
        line.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        piece = b" " * 2**20
        for _ in range(serving.LARGEST_REQUEST // len(piece) + 1):
            line.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        line.sendall(b"0\r\n\r\n")
        assert b" 413 " in line.recv(100)


@pytest.mark.slow
def test_only_this_machine_is_answered(digits):
    listening = [one.laddr.ip for one in digits.process.net_connections() if one.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]


@pytest.mark.slow
def test_a_language_model_tells_the_next_words_and_ctrl_c_ends_its_server(start, runs):
    server = start(runs.ids["trigram"])
    status, answer = server.post({"dataframe_records": [{"text": "In the beginning was the"}], "params": {"top": 3}})
    assert status == 200
    assert len(answer["predictions"][0]["words"]) == 3
    assert answer["predictions"][0]["next"] == answer["predictions"][0]["words"][0]
    assert server.post({"dataframe_records": [{"text": "word " * 2000}]})[0] == 400
    family = server.family()
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(30) == 0
    assert not psutil.wait_procs(family, timeout=10)[1]
    shown = server.log.read_text()
    assert "Ctrl-C ends it" in shown
    assert "The server has ended." in shown
    assert "Traceback" not in shown


@pytest.mark.slow
def test_mlflow_serves_the_same_model(start, runs, digits):
    client = MlflowClient(runs.uri, runs.uri)
    run = client.get_run(runs.ids["digits"])
    (output,) = run.outputs.model_outputs
    local = ["--env-manager", "local", "--host", "127.0.0.1"]
    program = ("mlflow", "models", "serve", "-m", f"models:/{output.model_id}", *local)
    server = start(program=program)
    asked = {"inputs": [[float(value % 17) for value in range(64)]]}
    assert server.post(asked) == digits.post(asked)
    status, words = server.post({"inputs": [[0.0] * 64] * (served.MOST_EXAMPLES + 1)})
    assert status == 400
    assert "One request may hold 10,000 examples" in words
    assert server.post(b"{nonsense")[0] == 400
    assert server.post(asked)[0] == 200


def test_a_port_in_use_is_refused_before_anything_is_loaded(runs):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(BadInput, match=rf"port={port} can't be used: address already in use"):
            verbs.run("serve", runs.ids["xor"], f"port={port}", f"tracking.uri={runs.uri}")


def test_the_first_free_port_is_taken_where_none_is_said():
    with serving.open_port(None) as first, serving.open_port(None) as second:
        assert first.getsockname()[0] == "127.0.0.1"
        assert second.getsockname()[1] > first.getsockname()[1] >= serving.FIRST_PORT


@pytest.mark.parametrize("words", [["port=0"], ["port=70000"], ["prot=1"]])
def test_a_wrong_word_is_refused(words, runs):
    with pytest.raises(BadInput, match="port"):
        verbs.run("serve", runs.ids["xor"], *words, f"tracking.uri={runs.uri}")


def test_a_logged_model_that_names_other_code_is_not_served(runs, tmp_path):
    from zoo import kept
    from zoo.tracking import registry

    found = kept.find(runs.ids["worse digits"], runs.uri)
    model = registry.log(found.run, lambda folder, model_id: served.save(found, folder, model_id))
    file = runs.folder / "mlruns" / found.run.experiment_id / "models" / model.model_id / "artifacts" / "MLmodel"
    file.write_text(file.read_text().replace("loader_module: zoo.served", "loader_module: this"))
    with pytest.raises(BadInput, match="is not as the zoo has logged it"):
        verbs.run("serve", found.run.id, f"tracking.uri={runs.uri}")
