"""Tables for a terminal count columns as a terminal shows them (Unicode Annex 11: wide characters take two)."""

from __future__ import annotations

import unicodedata

from rich.console import Console

from yosegi.cli._sheet import Sheet, indented, padded

TITLE = "高温超伝導体の薄膜をレーザー蒸着で作製するときの最適な基板温度と酸素圧力を求める"


def columns(line: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in line)


def printed(sheet: Sheet, width: int) -> list[str]:
    console = Console(width=width, highlight=False, markup=False)
    with console.capture() as told:
        console.print(sheet)
    return told.get().splitlines()


def test_no_cell_of_wide_characters_is_cut_at_80_columns() -> None:
    sheet = Sheet("name", "state", "title", box=None, pad_edge=False)
    sheet.add("films", "running", TITLE)
    sheet.add("wide", "held", TITLE * 2)
    lines = printed(sheet, 80)
    assert all(columns(line) <= 80 for line in lines)
    assert "…" not in "".join(lines)
    assert "".join("".join(line[16:].split()) for line in lines[1:]) == TITLE * 3


def test_text_below_a_line_keeps_its_indent_and_every_character() -> None:
    lines = indented(TITLE, 40, "    ").splitlines()
    assert all(line.startswith("    ") and columns(line) <= 40 for line in lines)
    assert "".join(line.strip() for line in lines) == TITLE


def test_a_wide_text_is_padded_by_the_columns_that_it_takes() -> None:
    assert columns(padded("炉", 6)) == 6


def test_a_value_is_not_broken_where_all_columns_have_the_room_for_their_words() -> None:
    sheet = Sheet("trial", "source", "point", "hardness (GPa)", "state", "why", box=None, pad_edge=False)
    why = "the next point of a scrambled Sobol sequence, to cover the space evenly"
    sheet.add("1", "oven (simulated)", "minutes=217.986 temperature=720", "3.55", "completed", why)
    sheet.keep_words(80)
    lines = printed(sheet, 80)
    assert all(columns(line) <= 80 for line in lines)
    for word in ("minutes=217.986", "temperature=720", "(simulated)", "completed"):
        assert any(word in line for line in lines), (word, lines)


def test_a_table_that_has_room_for_its_words_is_no_wider_than_the_terminal() -> None:
    """Five columns of words and a last one of a sentence: it was cut at 80 columns, and words were lost."""
    sheet = Sheet("capability", "kind", "effect", "world", "cost", "title", box=None, pad_edge=False)
    title = "Press a tablet and break it in the old tester; read the scale"
    sheet.add("riken/tablet.break@1", "instrument", "idempotent", "simulated", "1 samples", title)
    sheet.keep_words(80)
    lines = printed(sheet, 80)
    assert all(columns(line) <= 80 for line in lines)
    assert set(title.split()) <= {word for line in lines for word in line.split()}
