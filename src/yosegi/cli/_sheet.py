"""Tables for a terminal; apart, as a command that prints none has no need of what draws them.

Widths are those that a terminal shows: a character of Japanese takes two columns. A cell is never cut: words break
where they end, and text without blanks, as Japanese is written, wherever its column does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from yosegi.core.sanitize import plain


class Sheet(Table):
    """A table whose cells are text and nothing else."""

    def add_column(self, *header: Any, **how: Any) -> None:
        """One column; see `rich.table.Table.add_column`."""
        super().add_column(*header, **{"overflow": "fold"} | how)

    def add(self, *cells: str) -> None:
        """One row."""
        self.add_row(*map(plain, cells))

    def keep_words(self, width: int) -> None:
        """Let no column but the last break a word that it could show whole, where all of them have the room.

        Args:
            width: of the terminal, in columns.
        """
        columns = self.columns[:-1]
        longest = [
            min(_LONGEST_WORD, max((cell_len(word) for cell in _texts(column) for word in cell.split()), default=0))
            for column in columns
        ]
        if sum(longest) + 2 * len(columns) + _LEAST_LAST <= width:
            for column, least in zip(columns, longest, strict=True):
                column.min_width = max(column.min_width or 0, least)


_LONGEST_WORD, _LEAST_LAST = 24, 10
"""Columns of a terminal: longer words break, and the last column has at least so many."""


def _texts(column: Column) -> Iterator[str]:
    return (str(cell) for cell in (column.header, *column.cells))


def padded(text: str, width: int) -> str:
    """A text and blanks up to a width of columns."""
    return text + " " * max(0, width - cell_len(text))


def indented(text: str, width: int, indent: str) -> str:
    """A text in lines of at most so many columns, each after an indent."""
    console = Console(width=width, highlight=False, markup=False)
    lines = Text(plain(text)).wrap(console, max(1, width - cell_len(indent)), overflow="fold")
    return "\n".join(f"{indent}{line.plain.rstrip()}" for line in lines)
