"""Tables for a terminal; apart, as a command that prints none has no need of what draws them."""

from __future__ import annotations

from rich.table import Table

from yosegi.core.sanitize import plain


class Sheet(Table):
    """A table whose cells are text and nothing else."""

    def add(self, *cells: str) -> None:
        """One row."""
        self.add_row(*map(plain, cells))
