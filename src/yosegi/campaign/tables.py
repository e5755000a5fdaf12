"""Tables that people bring to a campaign: candidates to choose from, and measurements that nobody proposed.

Read strictly: UTF-8 CSV with one header line. A column is `name`, `name (unit)` or `name [unit]`, in UCUM.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yosegi.core.csv_text import csv_rows, first_twice
from yosegi.core.errors import Invalid

MOST_ROWS = 20_000
MOST_CELLS = 400_000
_COLUMN = re.compile(r"([^\[\(]+)(?:[\[\(]([^\]\)]*)[\]\)])?")
"""Of a cell without blanks around it. No two parts take the same character, so that matching is linear."""

Cell = str | int | float | bool


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column: its name, its unit (empty where the header names none) and a cell a row; an empty cell is ''."""

    name: str
    unit: str
    cells: tuple[Cell, ...]

    @property
    def numeric(self) -> bool:
        """Whether every cell that is not empty is a number."""
        return all(isinstance(cell, int | float) and not isinstance(cell, bool) for cell in self.cells if cell != "")


@dataclass(frozen=True, slots=True)
class BroughtTable:
    """Columns by name, all of `rows` cells; `first_line` is that of the first row in its file."""

    what: str
    columns: Mapping[str, TableColumn]
    rows: int
    first_line: int = 2

    def row(self, index: int) -> dict[str, Cell]:
        """The cells of a row by column."""
        return {name: column.cells[index] for name, column in self.columns.items()}

    def line(self, index: int) -> int:
        """The line of a row in its file; records that span lines are counted as one."""
        return self.first_line + index


def read_table(text: str, what: str) -> BroughtTable:
    """A table from CSV.

    Raises:
        Invalid: no CSV, no header, a name that stands twice, a row of another length, or more than is taken.
    """
    if len(text) > 16 * 1024 * 1024:
        raise Invalid(what, "larger than 16 MB")
    rows = [row for _, row in csv_rows(text, what) if any(cell.strip() for cell in row)]
    if not rows:
        raise Invalid(what, "is empty", "the first line names the columns")
    if not any(isinstance(cell_of(cell), str) and cell.strip() for cell in rows[0]):
        raise Invalid(what, "line 1 holds numbers only, so it names no column", "Write a line of column names above it")
    heads = [_head(what, cell) for cell in rows[0]]
    names = [name for name, _ in heads]
    if (twice := first_twice(names)) is not None:
        raise Invalid(what, f"line 1: column {twice!r} stands twice")
    body = rows[1:]
    if len(body) > MOST_ROWS or len(body) * len(heads) > MOST_CELLS:
        raise Invalid(what, f"has {len(body)} rows; at most {MOST_ROWS}, of {MOST_CELLS} cells, are taken")
    for number, row in enumerate(body, start=2):
        if len(row) != len(heads):
            raise Invalid(what, f"line {number} has {len(row)} cells and the header {len(heads)}")
    columns = {
        name: TableColumn(name, unit, tuple(cell_of(row[place]) for row in body))
        for place, (name, unit) in enumerate(heads)
    }
    return BroughtTable(what, columns, len(body))


def table_of(rows: Sequence[Mapping[str, Any]], what: str) -> BroughtTable:
    """A table from rows of a program; a column that a row lacks is empty there."""
    names = list(dict.fromkeys(str(name) for row in rows for name in row))
    heads = {name: _head(what, name) for name in names}
    columns = {
        heads[name][0]: TableColumn(*heads[name], tuple(_plain(row.get(name, "")) for row in rows)) for name in names
    }
    return BroughtTable(what, columns, len(rows), first_line=1)


def cell_of(text: str) -> Cell:
    """What a cell says: a whole number, a number, or words."""
    text = text.strip()
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        return value if math.isfinite(value) else text
    return text


def _plain(value: Any) -> Cell:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    value = value.item() if hasattr(value, "item") else value
    return value if isinstance(value, str | int | float | bool) else str(value)


def _head(what: str, cell: str) -> tuple[str, str]:
    found = _COLUMN.fullmatch(cell.strip())
    if found is None:
        raise Invalid(what, f"line 1: {cell[:200]!r} is no name of a column", "e.g. temperature (K)")
    return found[1].strip(), (found[2] or "").strip()
