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
        """Give the columns of a table that is too wide their widths, so that no word breaks that has room.

        Where there is no room for all words, the columns are left to the library, which folds them.

        Args:
            width: of the terminal, in columns.
        """
        room = width - 2 * (len(self.columns) - 1)
        whole = [max(map(cell_len, _texts(column)), default=0) for column in self.columns]
        widths = [
            min(_LONGEST_WORD, max((cell_len(word) for cell in _texts(column) for word in cell.split()), default=0))
            for column in self.columns
        ]
        if sum(whole) <= room or sum(widths) > room:
            return
        # Cells come before headers: of many rows each is shorter for it.
        for wanted in ([max(map(cell_len, map(str, column.cells)), default=0) for column in self.columns], whole):
            while (left := room - sum(widths)) and (short := [n for n, most in enumerate(wanted) if widths[n] < most]):
                for n in short[:left]:
                    widths[n] += min(max(1, left // len(short)), wanted[n] - widths[n])
        for column, least in zip(self.columns, widths, strict=True):
            column.width = least


_LONGEST_WORD = 24
"""Columns of a terminal: longer words break."""


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
