"""Import paths, looked at without importing."""

import importlib
import sys

import pytest

from zoo.start.importing import fault

NETS = """\
raise RuntimeError('imported')
import os as system
if system:
    def wide(spec): pass
try:
    narrow, (deep, *rest) = 1, (2, 3)
except ValueError:
    late: int = 3
class Net:
    def build(self): pass
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    folder = tmp_path / "own_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (folder / "nets.py").write_text(NETS)
    (folder / "open.py").write_text("def __getattr__(name): return 1\n")
    (folder / "broken.py").write_text("def (\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    return folder


@pytest.mark.parametrize(
    "path",
    ["own_package.nets.wide", "own_package.nets.deep", "own_package.nets.late", "own_package.nets.Net",
     "own_package.nets.system", "own_package.nets.Net.build", "own_package.open.anything", "own_package.broken.any"],
)  # fmt: skip
def test_what_is_there_or_cannot_be_told_is_taken_and_nothing_is_imported(package, path):
    assert fault(path) is None
    assert "own_package" not in sys.modules


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("own_package.nets.wdie", "own_package.nets has no 'wdie', but it has 'wide'"),
        ("own_package.nts.wide", "own_package has no 'nts'"),
        ("own_package.nets", "own_package.nets is a module, and a name in it is expected"),
        ("own_pakcage.nets.wide", "there is no module 'own_pakcage' in the current folder"),
        ("keras.optimizers.Adm", "keras.optimizers has no 'Adm', but it has 'Adam'"),
        ("json.lods", "json has no 'lods', but it has 'loads'"),
    ],
)
def test_what_is_not_there_is_told_with_the_nearest_name(package, path, words):
    assert fault(path) is not None
    assert fault(path).startswith(words)


@pytest.mark.parametrize(
    "path",
    ["keras.optimizers.Adam", "keras.initializers.HeNormal", "tensorflow.keras.layers.Dense", "os.path.join",
     "numpy.random.rand", "math.sqrt", "zoo.models.recurrent.build", "zoo.optim.rprop.Rprop"],
)  # fmt: skip
def test_names_of_installed_packages_are_found(path):
    assert fault(path) is None


def test_a_notebooks_own_functions_are_found(monkeypatch):
    monkeypatch.setattr(sys.modules["__main__"], "my_net", lambda spec: None, raising=False)
    assert fault("__main__.my_net") is None
    assert fault("__main__.my_nett") == "__main__ has no 'my_nett', but it has 'my_net'"
