"""CSV that cannot be read is refused in words, and however wide it is, in one pass."""

from __future__ import annotations

import pytest

from yosegi.campaign.tables import read_table
from yosegi.core.csv_text import csv_rows, first_twice, json_or_text
from yosegi.core.errors import Invalid
from yosegi.execution.engines.person.candidates import proposed_rows
from yosegi.execution.engines.person.tables import read_results

LONG = "9" * 200_000
"""More than the 131,072 characters that a field of Python's csv may have."""


def test_a_field_that_is_too_long_names_the_line_wherever_a_table_is_read() -> None:
    with pytest.raises(Invalid, match=r"line 2 cannot be read as CSV"):
        read_table(f"x,y\n1,{LONG}\n", "the table")
    with pytest.raises(Invalid, match=r"line 2 cannot be read as CSV"):
        read_results(f"key,y\nk,{LONG}\n", {}, whole=True)
    with pytest.raises(Invalid, match=r"line 2 cannot be read as CSV"):
        proposed_rows(f"actions\n{LONG}\n")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_any_program_ends_them(end: str) -> None:
    table = read_table(end.join(("x,y", "1,2", "3,4", "")), "the table")
    assert table.columns["y"].cells == (2, 4)
    assert [row.line for row in read_results(end.join(("key,y", "k,2", "l,4", "")), {}, whole=False)] == [2, 3]


def test_a_table_whose_first_line_is_numbers_has_no_header() -> None:
    with pytest.raises(Invalid, match=r"line 1 holds numbers only.*Write a line of column names"):
        read_table("60,0.5,12.1\n60,0.7,33.4\n", "the table")


def test_names_are_looked_through_once_however_many_columns_there_are() -> None:
    class Counted(str):
        asked = 0
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            Counted.asked += 1
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    names = [Counted(f"column {number}") for number in range(5000)]
    assert first_twice(names) is None
    assert first_twice([*names, Counted("column 7")]) == "column 7"
    assert Counted.asked < 5000


def test_a_table_with_a_hundred_thousand_columns_is_answered() -> None:
    heads = [f"c{number}" for number in range(100_000)]
    with pytest.raises(Invalid, match="line 1: column 'c7' stands twice"):
        read_table(",".join([*heads, "c7"]) + "\n", "the table")


@pytest.mark.parametrize("cell", ["[" * 100_000, "9" * 6000, "2026-11-30", ""])
def test_a_cell_that_is_no_json_is_text(cell: str) -> None:
    assert json_or_text(cell) == cell


def test_a_mark_before_the_text_belongs_to_no_name() -> None:
    assert [row for _, row in csv_rows("\ufeffx,y\n", "the table")] == [["x", "y"]]
