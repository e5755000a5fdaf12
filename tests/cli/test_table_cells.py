from __future__ import annotations

import pytest

from yosegi.cli._table_cells import Cells, cells_of
from yosegi.core.errors import Invalid


def cells(text: str) -> Cells:
    return cells_of(text, "t.csv")


def test_a_comment_above_the_header_is_left_out_and_said() -> None:
    found = cells("# my lab, 2024-05-01\ntemp,yield\n60,12\n80,\n")
    assert (found.header, found.lines) == (["temp", "yield"], [3, 4])
    assert found.notes == ["lines that begin with # left out: 1"]


def test_a_header_behind_a_mark_is_the_header() -> None:
    """NumPy's `savetxt` writes the header as a comment."""
    assert cells("# temp,yield\n60,12\n80,\n").header == ["temp", "yield"]


def test_a_recipe_behind_a_mark_is_left_out_and_said() -> None:
    found = cells("x,y\n1,2\n#2,3\n3,\n")
    assert found.lines == [2, 4]
    assert found.notes == ["lines that begin with # left out: 3"]


def test_ids_that_begin_with_a_mark_are_no_comments() -> None:
    assert len(cells("id,x,y\n#1,1,2\n#2,2,\n").rows) == 2


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;"])
def test_the_separator_that_excel_writes_is_obeyed(first: str) -> None:
    found = cells(f"{first}\r\ntemp;yield\r\n60;12\r\n80;\r\n")
    assert (found.header, found.delimiter, found.lines) == (["temp", "yield"], ";", [3, 4])


def test_commas_in_a_header_of_semicolons_part_nothing() -> None:
    assert cells("temp, C;yield\n60;12\n80;\n").header == ["temp, C", "yield"]


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [("T, C;y\n1,5;2\n2,5;\n", ";"), ("a;b,c;y\n1;2,5;3\n2;3,5;\n", ";"), ("a;b,y\nx;1,2\nz;2,3\n", ",")],
)
def test_of_two_separators_that_fit_the_one_that_gives_numbers_parts(text: str, delimiter: str) -> None:
    assert cells(text).delimiter == delimiter


def test_bars_part_cells() -> None:
    assert cells("T|y\n1|2\n").header == ["T", "y"]


def test_lines_may_end_as_on_an_old_mac() -> None:
    assert cells("x,y\r1,2\r2,\r").rows == [["1", "2"], ["2", ""]]


def test_columns_that_a_spreadsheet_left_behind_are_dropped() -> None:
    assert cells("a,b,,\n1,2,,\n3,,,\n").header == ["a", "b"]
    assert cells("a,b\n1,2,\n3,,\n").rows == [["1", "2"], ["3", ""]]


def test_the_index_that_pandas_writes_gets_a_name() -> None:
    assert cells(",x,y\n0,1,2\n1,2,\n").header == ["index", "x", "y"]


@pytest.mark.parametrize(
    "text",
    [
        "60,0.5,12.1\n60,0.7,33.4\n80,0.7,\n",
        "60,0.5,\n60,0.7,33.4\n",
        "60,0.5,failed\n60,0.7,33.4\n",
        "60,0.5,n.d.\n60,0.7,33.4\n80,0.7,12\n90,0.5,n.d.\n",
        "5,5,1\n6,5,2\n",
        "water,60,12\nethanol,60,30\nethanol,80,\n",
    ],
)
def test_a_table_without_a_header_is_refused_and_says_what_to_write(text: str) -> None:
    with pytest.raises(Invalid, match=r"line 1: .* looks like a recipe.*Write a line of column names .*measured"):
        cells(text)


@pytest.mark.parametrize("header", ["temp,ratio,2024", "temp,300,400", "solvent,ratio,2024", ",0,1"])
def test_a_header_with_numbers_in_it_is_one_where_a_name_stands_over_numbers(header: str) -> None:
    found = cells(f"{header}\n0,0.5,12.1\n1,0.7,33.4\n")
    assert len(found.rows) == 2


def test_a_line_of_units_is_no_recipe_and_said() -> None:
    found = cells("temp,y\n°C,%\n60,12\n70,\n")
    assert found.lines == [3, 4]
    assert found.notes == ["line 2 taken as units: °C, %"]


def test_a_header_of_two_lines_in_quotes_is_one_name() -> None:
    found = cells('"temp\n(C)",y\n60,1\n')
    assert (found.header, found.lines) == (["temp (C)", "y"], [3])


def test_an_inch_mark_is_no_quote() -> None:
    assert cells('size,y\n5",2\n6",\n').rows == [['5"', "2"], ['6"', ""]]


def test_invisible_characters_at_the_ends_of_cells_are_no_part_of_them() -> None:
    assert cells("x\u200b,\u00a0y\n1\u3000,2\n").header == ["x", "y"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('a,b\n1,2\n"1,2\n3,4\n', "line 3: a quote opens here and never closes"),
        ('a,b\n1,"2\n3,4\n5,"6\n7,8\n', "line 2: a cell has text after its closing quote"),
        ('a,b\n"A" grade,5\n', "line 2: a cell has text after its closing quote"),
        ('a,b\n"' + "x" * 200_000, "line 2: a quote opens here and never closes"),
        ("", "it has no rows below a header"),
        ("x y\n1 2\n2 3\n", "Part the cells by commas, tabs, semicolons or bars"),
        ("x,y\n1,2\n2,3,4\n", "line 3: it has 3 cells, and the header has 2"),
    ],
)
def test_what_is_no_table_is_refused_by_line(text: str, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        cells(text)
