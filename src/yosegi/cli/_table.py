"""A laboratory's table: recipes in rows, and what was measured of them, blank where nothing was yet."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from yosegi.cli._table_cells import Cells, cells_of
from yosegi.cli._table_columns import Column, ColumnOptions, Role, columns_of
from yosegi.cli._table_text import Decoded, decode
from yosegi.core.errors import Invalid

STANDARD_INPUT = Path("-")


@dataclass(frozen=True, slots=True)
class LabTable:
    """What a file says.

    Attributes:
        name: of the file.
        encoding: how its bytes were read.
        cells: its cells as they stand there.
        columns: what each column is, in order.
    """

    name: str
    encoding: Decoded
    cells: Cells
    columns: tuple[Column, ...]

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.lines)

    @property
    def lines(self) -> list[int]:
        """Line of the file on which each row begins, counted from 1."""
        return self.cells.lines

    @property
    def parameters(self) -> dict[str, list[float] | list[str]]:
        """Columns of the recipes that vary, by name: all numbers, or all words."""
        return self._of(Role.NUMBER, Role.KINDS)

    @property
    def settings(self) -> dict[str, list[float] | list[str]]:
        """Columns of the recipes, by name, those that are the same on every line among them."""
        return self._of(Role.NUMBER, Role.KINDS, Role.CONSTANT)

    def _of(self, *roles: Role) -> dict[str, list[float] | list[str]]:
        return {c.name: c.values for c in self.columns if c.role in roles}  # type: ignore[misc]

    @property
    def outcomes(self) -> dict[str, list[float | None]]:
        """Columns of what was measured, by name; None where nothing was."""
        return {c.name: c.values for c in self.columns if c.role is Role.OBJECTIVE}  # type: ignore[misc]

    def recipe(self, row: int) -> dict[str, float | str]:
        """The recipe on a row, without what is the same on every line."""
        return {name: column[row] for name, column in self.parameters.items()}

    def written(self, row: int) -> dict[str, str]:
        """The recipe on a row as it stands in the file."""
        return {name: self.cells.rows[row][self.cells.header.index(name)] for name in self.parameters}

    def value(self, row: int, outcome: str) -> float | None:
        """What was measured of an outcome on a row."""
        return self.outcomes[outcome][row]

    def measured(self) -> list[int]:
        """Rows on which anything was measured."""
        return [row for row in range(len(self)) if any(c[row] is not None for c in self.outcomes.values())]

    def failed(self) -> list[int]:
        """Rows whose recipe failed: nothing was measured, and a cell says why."""
        said = frozenset[int]().union(*(c.failed for c in self.columns))
        return sorted(said - set(self.measured()))

    def wanting(self) -> list[int]:
        """Rows on which an objective is blank and the recipe did not fail."""
        failed = set(self.failed())
        return [row for row in range(len(self)) if row not in failed and self.lacking(row)]

    def lacking(self, row: int) -> list[str]:
        """Objectives of a row that are not measured yet and did not fail."""
        columns = (c for c in self.columns if c.role is Role.OBJECTIVE)
        return [c.name for c in columns if c.values[row] is None and row not in c.failed]

    def partly(self) -> list[int]:
        """Rows on which one objective is measured and another is not yet."""
        return [row for row in self.measured() if self.lacking(row)]


def read(
    path: Path,
    objectives: Sequence[str] = (),
    ignored: Sequence[str] = (),
    categorical: Sequence[str] = (),
    *,
    encoding: str | None = None,
    asked: ColumnOptions | None = None,
) -> LabTable:
    """Read a table.

    Args:
        path: text with a header; comma, tab, semicolon or bar between cells; `-` is standard input.
        objectives: columns that hold what was measured; none means the last that can.
        ignored: columns that are neither varied nor measured.
        categorical: columns of numbers that are names (`ink 1`, `ink 2`), not amounts.
        encoding: how its bytes are to be read; None finds out.
        asked: all that the caller says of the columns, instead of the three above.

    Raises:
        Invalid: the file is no such table; says on which line and in which column, and what to do.
    """
    return table_of(
        open_table(path, encoding), asked or ColumnOptions(tuple(objectives), tuple(ignored), tuple(categorical))
    )


def open_table(path: Path, encoding: str | None = None) -> tuple[Decoded, Cells]:
    """The cells of a file, before its columns are read; see `read`."""
    name = "standard input" if path == STANDARD_INPUT else path.name
    text = decode(_bytes(path), name, encoding)
    return text, cells_of(text.text, name)


def table_of(opened: tuple[Decoded, Cells], asked: ColumnOptions) -> LabTable:
    """A table from its cells; see `read`."""
    text, cells = opened
    return LabTable(cells.name, text, cells, tuple(columns_of(cells, asked)))


def _bytes(path: Path) -> bytes:
    if path == STANDARD_INPUT:
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise Invalid(
            str(path), f"it cannot be read ({error.strerror})", "Check the name and the permissions"
        ) from error
