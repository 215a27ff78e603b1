import pytest

from zoo.config import BadInput, named


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("no_such_package.module.build", "no module named 'no_such_package'"),
        ("zoo.models.no_such_module.build", "no module named 'zoo.models.no_such_module'"),
        ("zoo.models.mlp.buidl", "Did you mean 'build'"),
    ],
)
def test_a_path_that_leads_nowhere_is_an_error_in_words(path, words):
    with pytest.raises(BadInput, match=words):
        named.import_path(path, "model.build")


def test_a_module_that_imports_what_is_not_installed_says_what_it_is(tmp_path, monkeypatch):
    (tmp_path / "needy_module.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BadInput, match="cannot be imported: No module named 'not_installed_anywhere'"):
        named.import_path("needy_module.build", "model.build")


def test_a_function_is_called_with_the_arguments_it_takes_and_no_others():
    def scale(value, *, factor):
        return value * factor

    assert named.call(scale, {"factor": 3}, "schedule", 2) == 6
    with pytest.raises(BadInput, match=r"schedule\.facto is not an argument of scale\. Did you mean 'factor'"):
        named.call(scale, {"facto": 3}, "schedule", 2)
    with pytest.raises(BadInput, match="scale refused its arguments"):
        named.call(scale, {}, "schedule", 2)
