"""Numbers as people write them. Expected values are what the writing means by its own rule, stated in each case."""

from __future__ import annotations

import pytest

from yosegi.cli._table_numbers import Decimal, Numbers, Reader, Unreadable, is_numberlike, shape


def column(cells: list[str], delimiter: str = ",", decimal: Decimal | None = None, certain: str = "") -> Numbers:
    found = Reader(decimal, delimiter, frozenset(certain)).column(cells)
    assert isinstance(found, Numbers), found
    return found


def fault(cells: list[str], delimiter: str = ",", decimal: Decimal | None = None, certain: str = "") -> Unreadable:
    found = Reader(decimal, delimiter, frozenset(certain)).column(cells)
    assert isinstance(found, Unreadable), found
    return found


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("60", 60.0),
        ("-0.5", -0.5),
        ("+3", 3.0),
        ("1E-3", 0.001),
        ("1.2×10^-3", 0.0012),
        ("−5", -5.0),
        ("１２．５", 12.5),
        ("٣", 3.0),
        ("1 000", 1000.0),
        ("1\u202f000", 1000.0),
        ("1'000.5", 1000.5),
        ("1,234,567", 1234567.0),
        ("1,000.5", 1000.5),
        ("80 C", 80.0),
        ("80C", 80.0),
        ("99%", 99.0),
        ("$5", 5.0),
        (".5", 0.5),
        ("5.", 5.0),
    ],
)
def test_a_number_is_read_however_it_is_written(cell: str, value: float) -> None:
    assert column([cell]).values == [value]


@pytest.mark.parametrize(
    "cell", ["", "-", "nan", "inf", "1_000", "007", "3a", "2-MeTHF", "1,4-dioxane", "18-crown-6", "1½", "10²", "L1"]
)
def test_a_name_is_no_number(cell: str) -> None:
    assert shape(cell) is None


@pytest.mark.parametrize("cell", ["5-10", "<0.1", "1:2", "10:30", "80±2", "1,00,000", "12.3.4", "10^3"])
def test_what_looks_like_a_number_is_told_from_a_name(cell: str) -> None:
    assert shape(cell) is None
    assert is_numberlike(cell)


@pytest.mark.parametrize("cell", ["2-MeTHF", "1,4-dioxane", "18-crown-6", "3a", "L1", "007"])
def test_a_name_with_digits_does_not_look_like_a_number(cell: str) -> None:
    assert not is_numberlike(cell)


def test_a_decimal_comma_is_read_and_said() -> None:
    found = column(["60,5", "0,75"], ";")
    assert found.values == [60.5, 0.75]
    assert found.notes == ("decimal comma",)


def test_a_certain_cell_decides_for_its_column() -> None:
    assert column(["12.5", "1,500"]).values == [12.5, 1500.0]
    assert column(["12,5", "1.500"], ";").values == [12.5, 1500.0]


def test_a_certain_cell_decides_for_its_file() -> None:
    assert column(["1,500"], ";", certain=".").values == [1500.0]
    assert column(["1,500"], ";", certain=",").values == [1.5]


def test_a_comma_in_quotes_between_commas_parts_thousands() -> None:
    """A program that writes a decimal comma parts cells otherwise."""
    found = column(["1,000", "1,500", "900"])
    assert found.values == [1000.0, 1500.0, 900.0]
    assert found.notes == ("thousands parted by a comma",)


@pytest.mark.parametrize("cells", [["2", "1,000"], ["2", "1.000"]])
def test_what_nothing_decides_is_refused_with_its_place(cells: list[str]) -> None:
    found = fault(cells, ";")
    assert found.place == 1
    assert "may be 1 or 1000" in found.why
    assert "--decimal" in found.todo


def test_a_point_is_unclear_in_a_file_of_decimal_commas() -> None:
    assert "may be 1.5 or 1500" in fault(["1.500", "2"], ";", certain=",").why


def test_the_callers_word_decides() -> None:
    assert column(["1.000", "2"], ";", ",").values == [1000.0, 2.0]
    assert column(["1.000", "2"], ";", ".").values == [1.0, 2.0]


def test_two_decimal_marks_in_one_column_are_refused() -> None:
    assert fault(["0.5", "0,5"], ";").place == 1


def test_a_unit_is_taken_off_where_every_cell_has_it() -> None:
    assert column(["80 C", "90 C"]).unit == "C"
    assert column(["80 C", "90 C"]).values == [80.0, 90.0]


@pytest.mark.parametrize(
    ("cells", "says"),
    [(["80 C", "75 C", "90"], "'90' has no unit"), (["10 min", "20 min", "1 h"], "'1 h' is in h")],
)
def test_mixed_units_are_refused_with_their_place(cells: list[str], says: str) -> None:
    found = fault(cells)
    assert found.place == 2
    assert says in found.why


@pytest.mark.parametrize("cell", ["1e400", "1e101", "-1e300"])
def test_numbers_that_no_instrument_gives_are_refused(cell: str) -> None:
    assert fault(["1", cell]).place == 1
