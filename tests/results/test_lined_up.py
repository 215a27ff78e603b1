"""Columns of text that fit a width."""

import pytest
from rich.cells import cell_len

from zoo.results.lined_up import Column, lines, shorten

COLUMNS = [
    Column("run", ["3fa2c1d0", "9b1e77aa"]),
    Column("name", ["mnist_fcn hidden=[32] seed=1", "lstm"], is_name=True),
    Column("value", ["0.9136", "4.5"], is_number=True),
    Column("when", ["10-02", "10-03"], yields=1),
    Column("took", ["1.1 min", "2 s"], yields=2, is_number=True),
]


def test_columns_stand_below_their_heads_numbers_flush_right():
    assert lines(COLUMNS, None) == [
        "run       name                           value  when      took",
        "3fa2c1d0  mnist_fcn hidden=[32] seed=1  0.9136  10-02  1.1 min",
        "9b1e77aa  lstm                             4.5  10-03      2 s",
    ]


def test_names_give_way_first_then_columns_in_their_order():
    assert lines(COLUMNS, 50)[1] == "3fa2c1d0  mnist_fc… seed=1  0.9136  10-02  1.1 min"
    assert lines(COLUMNS, 45)[1] == "3fa2c1d0  mnist_fcn …2] seed=1  0.9136  10-02"
    assert lines(COLUMNS, 32)[1] == "3fa2c1d0  mnist_f…seed=1  0.9136"


@pytest.mark.parametrize("width", range(30, 70))
def test_a_row_fits_with_every_number_whole(width):
    for line in lines(COLUMNS, width):
        assert len(line) <= width
    assert all("0.9136" in lines(COLUMNS, width)[1] for width in (5, width))


def test_a_name_is_one_line_without_what_a_terminal_obeys():
    (_, row) = lines([Column("name", ["two\nlines \x1b[31mred"], is_name=True)], None)
    assert row == "two lines  [31mred"


@pytest.mark.parametrize("limit", range(1, 14))
def test_a_shortened_name_has_room_whatever_its_letters(limit):
    for name in ("abcdefghijkl", "漢字漢字漢字", "aé字b"):
        assert cell_len(shorten(name, limit)) <= limit
        assert (shorten(name, limit) == name) == (cell_len(name) <= limit)
