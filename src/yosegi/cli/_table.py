"""A laboratory's table: recipes in rows, what was measured in the last columns, blank where nothing was yet."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from yosegi.core.errors import Invalid

BLANK = frozenset({"", "nan", "na", "n/a", "null", "none", "-"})
"""Cells, in small letters, that say that nothing was measured."""

_ENCODINGS = ("utf-8-sig", "cp932")  # spreadsheets in Japan still save the second
_DELIMITERS = (",", "\t", ";")


@dataclass(frozen=True, slots=True)
class Table:
    """What a file says.

    Attributes:
        path: where it was read.
        parameters: columns of the recipes, by name: all numbers, or all words.
        outcomes: columns of what was measured, by name; None where nothing was.
        lines: line of the file on which each row stands, counted from 1.
    """

    path: Path
    parameters: dict[str, list[float] | list[str]]
    outcomes: dict[str, list[float | None]]
    lines: list[int]

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.lines)

    def recipe(self, row: int) -> dict[str, float | str]:
        """The recipe on a row."""
        return {name: column[row] for name, column in self.parameters.items()}

    def measured(self) -> list[int]:
        """Rows on which anything was measured."""
        return [row for row in range(len(self)) if any(c[row] is not None for c in self.outcomes.values())]


@dataclass(frozen=True, slots=True)
class _Raw:
    """Cells as they stand in the file."""

    path: Path
    header: list[str]
    rows: list[list[str]]
    lines: list[int]

    def where(self, row: int, column: int) -> str:
        return f"{self.path.name}, line {self.lines[row]}, column {column + 1} ({self.header[column]})"


def read(
    path: Path, objectives: Sequence[str] = (), ignored: Sequence[str] = (), categorical: Sequence[str] = ()
) -> Table:
    """Read a table.

    Args:
        path: a CSV file with a header; comma, tab or semicolon between cells; UTF-8 or Shift JIS.
        objectives: columns that hold what was measured; none means the last one.
        ignored: columns that are neither.
        categorical: columns of numbers that are names (`ink 1`, `ink 2`), not amounts.

    Raises:
        Invalid: the file is no such table; says on which line and in which column, and what to do.
    """
    raw = _cells(path)
    known = [name for name in raw.header if name not in ignored]
    for name in (*objectives, *ignored, *categorical):
        if name not in raw.header:
            raise Invalid(path.name, f"there is no column {name!r}", f"Columns: {', '.join(raw.header)}")
    wanted = list(objectives) or known[-1:]
    parameters = [name for name in known if name not in wanted]
    if not wanted or not parameters:
        raise Invalid(path.name, "a table needs a column to vary and a column to measure", "Name them in the header")
    return Table(
        path,
        {name: _parameter(raw, raw.header.index(name), name in categorical) for name in parameters},
        {name: _outcome(raw, raw.header.index(name)) for name in wanted},
        raw.lines,
    )


def _cells(path: Path) -> _Raw:
    text = _text(path)
    first = text.split("\n", 1)[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    rows, lines = [], []
    for cells in reader:
        if any(cell.strip() for cell in cells):
            rows.append([cell.strip() for cell in cells])
            lines.append(reader.line_num)
    if len(rows) < 2:
        raise Invalid(path.name, "it has no rows below a header", "Write column names first, then one recipe a line")
    raw = _Raw(path, rows[0], rows[1:], lines[1:])
    _check_header(raw, lines[0])
    for line, cells in zip(raw.lines, raw.rows, strict=True):
        if len(cells) != len(raw.header):
            why = f"it has {len(cells)} cells, and the header has {len(raw.header)}"
            raise Invalid(f"{path.name}, line {line}", why, "A blank cell still needs its separator")
    return raw


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Invalid(
            str(path), f"it cannot be read ({error.strerror})", "Check the name and the permissions"
        ) from error
    for encoding in _ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid(path.name, "it is neither UTF-8 nor Shift JIS text", "Save it as CSV (UTF-8) and try again")


def _check_header(raw: _Raw, line: int) -> None:
    for column, name in enumerate(raw.header):
        where = f"{raw.path.name}, line {line}, column {column + 1}"
        if not name:
            raise Invalid(where, "the column has no name", "Give it one, or delete the column")
        if raw.header.index(name) != column:
            raise Invalid(where, f"the name {name!r} stands twice", "Rename one of the two")
    if all(_number(name) is not None for name in raw.header):
        raise Invalid(
            f"{raw.path.name}, line {line}", "it holds numbers only", "Put a header with column names above it"
        )


def _parameter(raw: _Raw, column: int, categorical: bool) -> list[float] | list[str]:
    """Numbers where at least half of the cells are, else words; a stray word among numbers is an error."""
    cells = [row[column] for row in raw.rows]
    for row, cell in enumerate(cells):
        if cell.lower() in BLANK:
            raise Invalid(raw.where(row, column), "a recipe needs a value here", "Fill the cell, or delete the row")
    numbers = [_number(cell) for cell in cells]
    found = sum(number is not None for number in numbers)
    if categorical or 2 * found < len(cells):
        return cells
    for row, number in enumerate(numbers):
        if number is None:
            raise Invalid(
                raw.where(row, column),
                f"{cells[row]!r} is not a number, as {found} of the column's {len(cells)} cells are",
                f"Correct it, or name the column's values as words: --categorical {raw.header[column]!r}",
            )
    return [number for number in numbers if number is not None]


def _outcome(raw: _Raw, column: int) -> list[float | None]:
    found: list[float | None] = []
    for row, cells in enumerate(raw.rows):
        blank = cells[column].lower() in BLANK
        number = None if blank else _number(cells[column])
        if number is None and not blank:
            why = f"{cells[column]!r} is neither a number nor blank"
            raise Invalid(raw.where(row, column), why, "Leave it blank if it was not measured")
        found.append(number)
    return found


def _number(cell: str) -> float | None:
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
