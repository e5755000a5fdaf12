"""A table's text as a header and rows of cells: `sep=` lines, comments, separators, quotes, a line of units."""

from __future__ import annotations

import csv
import io
import itertools
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from yosegi.cli._table_numbers import shape
from yosegi.core.errors import Invalid

_DELIMITERS = (",", "\t", ";", "|")
_CALLED = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
_SEP = re.compile(r"\ufeff?\"?sep=(\\t|.)\"?\s*", re.IGNORECASE)
_EDGES = " \t\r\n\u00a0\u3000\u200b\ufeff"
_UNIT = re.compile(r"[\[(].{1,12}[\])]|[-–—]|")


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells as they stand in a file, without spaces at their ends.

    Attributes:
        name: of the file.
        header: names of the columns, distinct.
        rows: one list of cells a recipe.
        lines: line of the file on which each row begins, counted from 1.
        delimiter: what parts the cells.
        notes: what else was found and left out, for people.
    """

    name: str
    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    delimiter: str
    notes: list[str] = field(default_factory=list)

    def column(self, name: str) -> list[str]:
        """The cells of a column."""
        place = self.header.index(name)
        return [row[place] for row in self.rows]

    def where(self, row: int, name: str) -> str:
        """Where a cell is, for people."""
        return f"{self.name}, line {self.lines[row]}, column {self.header.index(name) + 1} ({name})"


@dataclass(frozen=True, slots=True)
class _Record:
    """A record of the file: where it begins, its cells, and whether it begins with `#`."""

    number: int
    cells: list[str]

    @property
    def remark(self) -> bool:
        return self.cells[0].startswith("#")


def cells_of(text: str, name: str) -> Cells:
    """A table's text as cells.

    Raises:
        Invalid: it is no table; says on which line, and what to do.
    """
    skipped, delimiter = 0, None
    if told := _SEP.fullmatch(text.splitlines()[0] if text.strip() else ""):
        delimiter = "\t" if told[1] == "\\t" else told[1]
        skipped = 1
        text = text.split("\n", 1)[1] if "\n" in text else ""
    lines, delimiter = _best(text, name, delimiter, skipped)
    header, rows, notes = _parts(lines)
    if not rows:
        raise Invalid(name, "it has no rows below a header", "Write column names first, then one recipe a line")
    cells = _without_blank_columns(
        Cells(
            name, [_tidy(c) for c in header.cells], [r.cells for r in rows], [r.number for r in rows], delimiter, notes
        )
    )
    cells = _indexed(cells)
    _check_first_line(cells, header.number)
    if len(cells.header) == 1:
        why = f"a table needs a column to vary and a column to measure, and {cells.header[0]!r} is all there is"
        raise Invalid(name, why, "Part the cells by commas, tabs, semicolons or bars")
    _check_header(cells, header.number)
    for number, row in zip(cells.lines, cells.rows, strict=True):
        if len(row) != len(cells.header):
            why = f"it has {len(row)} cells, and the header has {len(cells.header)}"
            todo = f"A blank cell still needs its separator, and a cell with a {_called(delimiter)} in it needs quotes"
            raise Invalid(f"{name}, line {number}", why, todo)
    return _without_units(cells)


def _best(text: str, name: str, told: str | None, skipped: int) -> tuple[list[_Record], str]:
    """The lines by the separator that gives most lines the same number of cells, at least two.

    Where several do, by the one that gives more cells that are numbers, then more cells.
    """
    found: list[tuple[tuple[float, float, int, int], list[_Record], str]] = []
    fault: Invalid | None = None
    for place, delimiter in enumerate([told] if told else _DELIMITERS):
        try:
            lines = _records(text, name, delimiter, skipped)
        except Invalid as error:
            fault = fault or error
            continue
        counts = [len(line.cells) for line in lines if not line.remark]
        usual = max(set(counts), key=counts.count, default=0)
        alike = counts.count(usual) / len(counts) if usual > 1 else 0.0
        found.append(((alike, _share_of_numbers(lines[1:200]), usual, -place), lines, delimiter))
    if not found or (fault and max(one[0] for one in found)[0] < 1.0):
        raise fault or Invalid(name, "it has no rows below a header", "Write column names first")
    _, lines, delimiter = max(found, key=lambda one: one[0])
    return lines, delimiter


def _share_of_numbers(lines: Sequence[_Record]) -> float:
    filled = [cell for line in lines for cell in line.cells if cell]
    return sum(shape(cell) is not None for cell in filled) / max(len(filled), 1)


def _records(text: str, name: str, delimiter: str, skipped: int) -> list[_Record]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    out: list[_Record] = []
    began = 1
    try:
        while True:
            began = reader.line_num + 1
            cells = [cell.strip(_EDGES) for cell in next(reader)]
            if any(cells):
                out.append(_Record(began + skipped, cells))
    except StopIteration:
        return out
    except csv.Error as error:
        where = f"{name}, line {began + skipped}"
        if "unexpected end" in str(error) or "limit" in str(error):
            raise Invalid(
                where, "a quote opens here and never closes", 'Close it, or write "" for one quote'
            ) from error
        why = "a cell has text after its closing quote" if "expected after" in str(error) else str(error)
        raise Invalid(where, why, 'Put the whole cell in quotes, and write "" for one quote') from error


def _parts(lines: Sequence[_Record]) -> tuple[_Record, list[_Record], list[str]]:
    """Header, rows and remarks: lines that begin with `#`, unless all lines below the header do."""
    bare = [line for line in lines if not line.remark]
    if not bare:
        return (lines[0] if lines else _Record(1, [""])), list(lines[1:]), []
    above = list(itertools.takewhile(lambda line: line.remark, lines))
    header = _header_in(above, bare)
    rest = [line for line in lines if line.number > header.number]
    if header is bare[0] and rest and all(line.remark for line in rest):
        return header, rest, []
    remarks = [line for line in lines if line.remark and line is not header]
    shown = ", ".join(str(line.number) for line in remarks[:5]) + (", …" if len(remarks) > 5 else "")
    notes = [f"lines that begin with # left out: {shown}"] if remarks else []
    if header.remark:
        header = replace(header, cells=[header.cells[0].lstrip("#").strip(_EDGES), *header.cells[1:]])
        if not header.cells[0]:
            header = replace(header, cells=["#", *header.cells[1:]])
    return header, [line for line in rest if not line.remark], notes


def _header_in(above: Sequence[_Record], bare: Sequence[_Record]) -> _Record:
    """The first line without `#`, or the last with one, where that fits and the former holds a number."""
    if above and len(above[-1].cells) == len(bare[0].cells) > 1 and any(shape(c) for c in bare[0].cells):
        return above[-1]
    return bare[0]


def _tidy(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(name.split()))


def _without_blank_columns(cells: Cells) -> Cells:
    """The table without columns that have neither a name nor a cell, as spreadsheets leave behind their last one."""
    width = len(cells.header)
    rows = [row[:width] if len(row) > width and not any(row[width:]) else row for row in cells.rows]
    if any(len(row) != width for row in rows):
        return replace(cells, rows=rows)
    kept = [i for i in range(width) if cells.header[i] or any(row[i] for row in rows)]
    return replace(cells, header=[cells.header[i] for i in kept], rows=[[row[i] for i in kept] for row in rows])


def _indexed(cells: Cells) -> Cells:
    """A first column without a name that counts the rows, as pandas writes it, gets the name `index`."""
    if cells.header[0] or "index" in cells.header:
        return cells
    first = [row[0] for row in cells.rows]
    if first in ([str(i + start) for i in range(len(first))] for start in (0, 1)):
        return replace(cells, header=["index", *cells.header[1:]])
    return cells


def _check_header(cells: Cells, line: int) -> None:
    for column, name in enumerate(cells.header):
        where = f"{cells.name}, line {line}, column {column + 1}"
        if not name:
            raise Invalid(where, "the column has no name", "Give it one, or delete the column")
        if cells.header.index(name) != column:
            raise Invalid(where, f"the name {name!r} stands twice", "Rename one of the two")


def _check_first_line(cells: Cells, line: int) -> None:
    """Refuse a first line that is a recipe: it has numbers wherever the lines below have them, and no name there."""
    numbers = [head for head in cells.header if shape(head)]
    below = [[row[place] for row in cells.rows if place < len(row)] for place in range(len(cells.header))]
    names = [
        head
        for head, column in zip(cells.header, below, strict=True)
        if head and not shape(head) and head not in (*column, "failed") and _is_of_numbers(column)
    ]
    if names or not numbers or not (len(numbers) == len(cells.header) or any(map(_is_of_numbers, below))):
        return
    made = cells.delimiter.join([*(f"column{n}" for n in range(1, len(cells.header))), "measured"])
    raise Invalid(
        f"{cells.name}, line {line}",
        f"it holds numbers where a header has names ({', '.join(numbers[:4])}{', …' if len(numbers) > 4 else ''}), "
        "so it looks like a recipe and would be lost",
        f"Write a line of column names above it, e.g. {made}; if it is the header, give each number in it a letter",
    )


def _is_of_numbers(column: Sequence[str]) -> bool:
    filled = [cell for cell in column if cell]
    return bool(filled) and 2 * sum(shape(cell) is not None for cell in filled) >= len(filled)


def _without_units(cells: Cells) -> Cells:
    """The table without a line of units below its header: `°C, min, %`, while the next line holds numbers there."""
    if len(cells.rows) < 2:
        return cells
    first, second = cells.rows[0], cells.rows[1]
    units = [c for c in first if c and shape(f"1{c}")]
    if not units or not all(shape(f"1{c}") or _UNIT.fullmatch(c) for c in first) or any(shape(c) for c in first):
        return cells
    if not all(shape(below) for unit, below in zip(first, second, strict=True) if unit and shape(f"1{unit}") and below):
        return cells
    said = f"line {cells.lines[0]} taken as units: {', '.join(first)}"
    return replace(cells, rows=cells.rows[1:], lines=cells.lines[1:], notes=[*cells.notes, said])


def _called(delimiter: str) -> str:
    return _CALLED.get(delimiter, repr(delimiter))
