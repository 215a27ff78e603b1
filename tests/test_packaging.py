"""The wheel holds the package and conf/, and trains from a folder that has nothing of the checkout."""

import os
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


def run(*command: str, cwd: Path, **environment: str) -> str:
    """Return what a command printed; fail with what it said if it failed."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout as it is."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT), cwd=folder)
    (found,) = folder.iterdir()
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the installed wheel alone; its dependencies are those of the tests."""
    target = tmp_path_factory.mktemp("installed")
    options = ["--quiet", "--no-index", "--no-deps", "--no-compile", "--disable-pip-version-check"]
    run(sys.executable, "-m", "pip", "install", *options, "--target", str(target), str(wheel), cwd=target)
    return target


def names(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as opened:
        return set(opened.namelist())


@pytest.mark.slow
def test_the_wheel_holds_every_module_and_every_option_file(wheel: Path) -> None:
    package = {path.relative_to(ROOT).as_posix() for path in (ROOT / "zoo").rglob("*") if path.suffix == ".py"}
    conf = {f"zoo/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "conf").rglob("*.yaml")}
    held = {name for name in names(wheel) if ".dist-info/" not in name}
    assert "zoo/conf/config.yaml" in held
    assert held - {"zoo/py.typed"} == package | conf


@pytest.mark.slow
def test_the_wheel_declares_the_command_and_what_it_needs(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    with zipfile.ZipFile(wheel) as opened:
        (metadata_name,) = [name for name in opened.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(opened.read(metadata_name).decode())
        scripts = opened.read(metadata_name.replace("METADATA", "entry_points.txt")).decode()
    assert "zoo = zoo.__main__:main" in scripts
    assert metadata["Requires-Python"] == "<3.14,>=3.11"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert {"cuda", "dev", "bench"} <= set(metadata.get_all("Provides-Extra"))
    assert metadata.get_payload().startswith("# Keras model zoo")
    unconditional = [one for one in metadata.get_all("Requires-Dist") if "extra ==" not in one]
    assert len(unconditional) == len(project["dependencies"])


@pytest.mark.slow
def test_the_installed_package_trains_with_its_own_conf(installed: Path, tmp_path: Path) -> None:
    # -P keeps the current folder off the path; PYTHONPATH comes before an editable install.
    python = [sys.executable, "-P"]
    code = "from zoo.start import options; print(options.conf_dir())"
    where = run(*python, "-c", code, cwd=tmp_path, PYTHONPATH=str(installed))
    assert Path(where.strip()) == installed / "zoo" / "conf"
    words = ["model=linear", "epochs=2", "tracking=off"]
    shown = run(*python, "-m", "zoo", "train", *words, cwd=tmp_path, PYTHONPATH=str(installed))
    assert "linear epochs=2: completed" in shown
    assert len(list((tmp_path / "outputs").rglob("model.keras"))) == 1


@pytest.mark.slow
def test_the_installed_command_lists_every_option(installed: Path, tmp_path: Path) -> None:
    script = installed / "bin" / "zoo"
    shown = run(sys.executable, str(script), "train", "--help", cwd=tmp_path, PYTHONPATH=str(installed))
    options = {line.split()[0] for line in shown.splitlines() if line.startswith("  ") and line.strip()}
    assert {path.stem for path in (ROOT / "conf").glob("*/*.yaml")} <= options


def test_the_pinned_requirements_name_no_registry_and_satisfy_the_project() -> None:
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if line.startswith("-") or "://" in line] == []
    pins = [Requirement(line) for line in lines if line.strip()]
    assert [str(pin) for pin in pins if not str(pin.specifier).startswith("==")] == []
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for wanted in map(Requirement, [*project["dependencies"], *project["optional-dependencies"]["dev"]]):
        found = [pin for pin in pins if canonicalize_name(pin.name) == canonicalize_name(wanted.name)]
        assert found, f"requirements.txt lacks {wanted.name}"
        for pin in found:
            assert wanted.specifier.contains(str(pin.specifier).removeprefix("==")), f"{pin} is not {wanted}"
