import socket
import sys
import threading

import pytest

from zoo.config import BadInput
from zoo.data import sources
from zoo.data.sources import Unavailable, first_available, manual_file, reachable, run, tfds_files


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def stalled():
    """The address of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/file.gz"


def test_a_server_that_answers_is_reachable(server):
    address, folder, _ = server
    (folder / "file.gz").touch()
    assert reachable(f"{address}/file.gz")


def test_a_server_without_the_file_is_no_source(server):
    assert not reachable(f"{server[0]}/file.gz")


def test_a_server_that_never_answers_is_given_up_and_not_asked_again(stalled, monkeypatch):
    assert not reachable(stalled)
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("asked again"))
    assert not reachable(stalled)


def test_a_server_that_answers_by_and_by_is_given_up_in_the_same_time(monkeypatch):
    # One byte a time keeps each socket operation short of its own limit.
    monkeypatch.setattr(sources, "PROBE_SECONDS", 0.5)
    said, sent, enough = b"HTTP/1.1 200 OK\r\n" * 100, [], threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip():
            connection, _ = listening.accept()
            with connection:
                for byte in said:
                    try:
                        connection.send(bytes([byte]))
                    except OSError:
                        return
                    sent.append(byte)
                    if enough.wait(0.1):
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        assert not reachable(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        before = len(sent)
        enough.set()
        thread.join()
    assert before < len(said)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "http://nowhere.invalid/", "no address"])
def test_whatever_fails_is_out_of_reach(address):
    assert not reachable(address)


def test_the_proxy_of_the_environment_is_asked(server, monkeypatch):
    address, folder, asked = server
    (folder / "file.gz").touch()
    monkeypatch.setenv("http_proxy", address)
    assert reachable("http://nowhere.invalid/data/file.gz")
    assert asked == ["http://nowhere.invalid/data/file.gz"]


def test_tensorflow_datasets_is_not_started_without_its_server(stalled, monkeypatch):
    monkeypatch.setattr(sources, "PROBE_SECONDS", 0.1)
    monkeypatch.setattr(sources, "run", lambda *_: pytest.fail("started"))
    with pytest.raises(Unavailable, match=f"mnist.*{stalled}.*out of reach"):
        tfds_files("mnist", stalled)


def test_the_first_source_within_reach_is_used(caplog):
    def out_of_reach():
        raise Unavailable("The first is down.")

    def never():
        raise AssertionError

    with caplog.at_level("INFO"):
        assert first_available("data", [out_of_reach, lambda: 2, never], "Put it there.") == 2
    assert "The first is down." in caplog.text


def test_where_no_source_is_left_the_error_gives_all_reasons_and_the_way_out():
    def source(reason):
        def out_of_reach():
            raise Unavailable(reason)

        return out_of_reach

    with pytest.raises(BadInput, match=r"No source of data is within reach\. One\. Two\. Put it there\."):
        first_available("data", [source("One."), source("Two.")], "Put it there.")


def test_a_file_of_the_users_is_read_or_missing_or_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"content")
    assert manual_file(tmp_path / "file") == b"content"
    for missing in ("none", "file/below"):
        with pytest.raises(Unavailable, match="There is no file"):
            manual_file(tmp_path / missing)
    with pytest.raises(BadInput, match="but is a folder"):
        manual_file(tmp_path)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ([sys.executable, "-c", "raise SystemExit('first\\nERROR: the last line')"], r"\(the last line\)"),
        ([sys.executable, "-c", "raise SystemExit(3)"], "no message"),
        (["/no/such/program"], "could not be started"),
    ],
)
def test_a_program_that_fails_is_a_source_out_of_reach(command, words):
    with pytest.raises(Unavailable, match=f"pip.*{words}"):
        run("pip", command)


def test_a_program_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(sources, "DOWNLOAD_SECONDS", 0.5)
    with pytest.raises(Unavailable, match=r"did not finish in 0\.5 s"):
        run("pip", [sys.executable, "-c", "import time; time.sleep(60)"])
