"""Mutants that nobody can tell from the original, by a table with the reason for each."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass

from assure.workplace import ROOT

TABLE = ROOT / "tests/assure/equivalent.toml"


@dataclass(frozen=True)
class Equivalent:
    """A kind of line, and what may become of it without any difference.

    Args:
        was: what stands in the line.
        why: why nothing can notice.
        path: the module; any, if none is named.
        becomes: what stands in the line with the fault; anything, if nothing is said.
    """

    was: str
    why: str
    path: str = ""
    becomes: str = ""

    def fits(self, path: str, line: str, made: str) -> bool:
        """Whether it speaks of this line with this fault."""
        return path.endswith(self.path) and self.was in line and self.becomes in made


def table() -> list[Equivalent]:
    """All of them."""
    return [Equivalent(**row) for row in tomllib.loads(TABLE.read_text("utf-8"))["equivalent"]]


ROWS = table()


def why(path: str, was: str, made: str) -> str:
    """Why nobody can notice that a line became another, or the empty text."""
    return next((row.why for row in ROWS if row.fits(path, was, made)), "")


def wrong(row: Equivalent) -> str:
    """What about a row no longer fits the sources, or the empty text."""
    paths = [ROOT / "src/yosegi" / row.path] if row.path else (ROOT / "src/yosegi").glob("*/*.py")
    there = any(row.was in path.read_text("utf-8") for path in paths if path.exists())
    return "" if there else f"{row.path or 'no module'} has no line with {row.was!r}"
