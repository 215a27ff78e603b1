"""A table between two marks of a page is renewed row by row; the rest of the page stays."""

import pytest

from zoo.results import markdown

TABLE = "| recipe | result |\n|---|---|\n| a | 1 \\| 2 |\n| gone | 3 |\n"
PAGE = f"# Title\n\n<!-- results -->\n{TABLE}<!-- /results -->\n\nEnd.\n"


def test_rows_are_renewed_kept_added_and_dropped():
    made = markdown.put(PAGE, "results", ["recipe", "result"], {"a": None, "b": ["new\nline"], "c": None})
    table = "| recipe | result |\n|---|---|\n| a | 1 \\| 2 |\n| b | new line |\n| c | – |\n"
    assert made == f"# Title\n\n<!-- results -->\n{table}<!-- /results -->\n\nEnd.\n"
    assert markdown.put(made, "results", ["recipe", "result"], {"a": None, "b": None, "c": None}) == made


def test_a_bar_in_a_cell_is_no_border():
    made = markdown.put(PAGE, "results", ["recipe", "result"], {"a": ["x | y"]})
    assert "| a | x \\| y |" in made


def test_a_page_without_a_place_for_the_table_is_refused():
    with pytest.raises(ValueError, match="<!-- results -->"):
        markdown.put("# Title\n", "results", ["recipe"], {})
