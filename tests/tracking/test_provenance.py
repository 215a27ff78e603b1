import subprocess
from pathlib import Path

import pytest

from zoo.tracking import provenance


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "model.py").write_text("units = 2\n")
    git(tmp_path, "add", "model.py")
    git(tmp_path, "commit", "--quiet", "--message", "start")
    return tmp_path


def test_a_clean_repository_has_a_commit_and_no_difference(repository):
    assert provenance.commit(repository) == git(repository, "rev-parse", "HEAD")
    assert provenance.diff(repository) is None


def test_a_dirty_repository_gives_a_difference_that_git_applies_and_the_names_of_untracked_files(repository):
    git(repository, "config", "diff.noprefix", "true")
    git(repository, "config", "color.ui", "always")
    (repository / "model.py").write_text("units = 3\n")
    (repository / "größe.txt").write_text("secret content")
    difference = provenance.diff(repository)
    assert "-units = 2\n+units = 3\n" in difference
    assert "# Untracked: 'größe.txt'" in difference
    assert "secret content" not in difference

    git(repository, "checkout", "--quiet", "--", "model.py")
    (repository / "changes.diff").write_text(difference)
    git(repository, "apply", "changes.diff")
    assert (repository / "model.py").read_text() == "units = 3\n"


def test_staged_changes_are_part_of_the_difference(repository):
    (repository / "model.py").write_text("units = 3\n")
    git(repository, "add", "model.py")
    assert "+units = 3\n" in provenance.diff(repository)


def test_a_huge_difference_is_cut_and_says_so(repository, monkeypatch):
    monkeypatch.setattr(provenance, "_DIFF_LENGTH", 100)
    (repository / "model.py").write_text("x" * 1000)
    assert "# Cut: the whole has 1," in provenance.diff(repository)


def test_a_repository_without_a_commit_has_untracked_files_only(tmp_path):
    git(tmp_path, "init", "--quiet")
    (tmp_path / "a.py").touch()
    assert provenance.commit(tmp_path) is None
    assert provenance.diff(tmp_path) == "# Untracked: 'a.py'\n"


def test_outside_a_repository_and_without_git_there_is_neither(tmp_path, monkeypatch):
    assert provenance.commit(tmp_path) is None
    assert provenance.diff(tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert provenance.commit(Path(__file__).parent) is None
    assert provenance.diff(Path(__file__).parent) is None


def test_a_git_hooks_environment_does_not_lead_to_another_repository(repository, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(tmp_path_factory.mktemp("elsewhere")))
    assert provenance.commit(repository) is not None


def test_versions_name_what_a_result_depends_on():
    versions = provenance.versions()
    assert {"python", "platform", "tensorflow", "keras", "mlflow", "hydra-core", "numpy"} <= set(versions)
    assert all(versions.values())


def test_the_machine_is_described_without_secrets(monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.setenv("MY_PASSWORD", "secret")
    machine = provenance.machine()
    assert machine["TF_ENABLE_ONEDNN_OPTS"] == "0"
    assert int(machine["cpu_count"]) >= int(machine["cpus_usable"]) >= 1
    assert "MY_PASSWORD" not in machine
