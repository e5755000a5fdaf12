"""NIMO's files: `candidates.csv` with a row a recipe, `proposals.csv` with those that are to be done.

As NIMO's documentation has it (NIMS-OS, *Basic usage*, https://nims-da.github.io/nimo/): the first columns of
candidates.csv are descriptors and none of their cells is empty; the last ones are objectives, empty until the recipe
was measured, and a measured row has all of them. proposals.csv has a column `actions`, the number of the row counted
from 0 below the header, and the descriptors. Whoever measures writes the objectives into candidates.csv, in place.

The descriptors are the inputs of the capability and the objectives its outputs, by name. There is one capability.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yosegi.core.contract import Contract
from yosegi.core.engine import Work
from yosegi.core.errors import Invalid

CANDIDATES, PROPOSALS, REJECTED = "candidates.csv", "proposals.csv", "rejected.csv"
ACTIONS = "actions"


@dataclass(frozen=True, slots=True)
class Candidates:
    """The table as it was read.

    Args:
        descriptors: names of the first columns.
        objectives: names of the last ones.
        rows: cells of each row, in the order of both.
    """

    descriptors: tuple[str, ...]
    objectives: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def recipe(self, row: int) -> tuple[str, ...]:
        """The descriptors of a row."""
        return self.rows[row][: len(self.descriptors)]

    def measured(self, row: int) -> tuple[str, ...]:
        """The objectives of a row; some may be empty."""
        return self.rows[row][len(self.descriptors) :]

    def is_open(self, row: int) -> bool:
        """Whether nothing was measured of it."""
        return not any(self.measured(row))

    def fits(self, row: int, inputs: dict[str, Any]) -> bool:
        """Whether a row is the recipe that is asked for; numbers are compared as such."""
        return all(_same(cell, inputs[name]) for name, cell in zip(self.descriptors, self.recipe(row), strict=True))


class NimoTable:
    """The files of one capability, of which each task that waits has a row of its own."""

    def __init__(self, folder: Path, contract: Contract) -> None:
        self._folder, self._contract = folder, contract
        self._inputs = frozenset(contract.inputs.get("properties", {}))
        self._outputs = frozenset(contract.outputs.get("properties", {}))
        self._known: Candidates | None = None
        self._rows: dict[str, int] = {}
        self._rejected: set[tuple[int, tuple[str, ...]]] = set()

    def start(self) -> None:
        """Read the table, and ask for nothing yet.

        Raises:
            Invalid: it is not there, is written to, or is not as NIMO has it for this capability.
        """
        if self._read() is None:
            raise Invalid(str(self._folder / CANDIDATES), "is not there, or not whole", "NIMO's table of candidates")
        self.show(())

    def take(self, work: Work, *, again: bool) -> str:
        """Give a task a row; why there is none, empty if there is.

        Args:
            work: the task.
            again: whether it was handed out before, so that its row may have been filled since.
        """
        table = self._read() or self._known
        if table is None:
            return f"{CANDIDATES} cannot be read"
        if work.key in self._rows:
            return ""
        fitting = [row for row in range(len(table.rows)) if table.fits(row, work.inputs)]
        if not fitting:
            return f"{CANDIDATES} has no row with these {', '.join(table.descriptors)}"
        free = [row for row in fitting if row not in self._rows.values() and (again or table.is_open(row))]
        if not free:
            return f"row {fitting[0]} of {CANDIDATES} is measured already, or waits for another task"
        self._rows[work.key] = free[0]
        return ""

    def drop(self, key: str) -> None:
        """A task waits no more."""
        self._rows.pop(key, None)

    def show(self, works: Iterable[Work]) -> None:
        """Write what is to be done, as NIMO's machines read it; the file is replaced whole."""
        table = self._known
        if table is None:
            return
        part = self._folder / f"{PROPOSALS}.part"
        with part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([ACTIONS, *table.descriptors])
            for row in (self._rows[work.key] for work in works if work.key in self._rows):
                writer.writerow([row, *table.recipe(row)])
        part.replace(self._folder / PROPOSALS)

    def result(self, key: str) -> dict[str, Any] | None:
        """The outputs of a task whose row was filled; None while it is not, or not rightly, which is said once."""
        table, row = self._read(), self._rows.get(key)
        if table is None or row is None:
            return None
        cells = table.measured(row)
        if not all(cells):
            return None  # some of them, or none: whoever measures is not done
        outputs = {name: _number(cell) for name, cell in zip(table.objectives, cells, strict=True)}
        try:
            self._contract.check_outputs(outputs)
        except Invalid as error:
            self._reject(row, cells, str(error))
            return None
        return outputs

    # -- parts --------------------------------------------------------------------------------------------------------

    def _read(self) -> Candidates | None:
        """The table; None while it is written to: NIMO writes it in place, so a reader may see a part of it.

        A row is there once it has its end and all its cells, and rows neither go nor change their recipe.

        Raises:
            Invalid: its columns are not those of the capability.
        """
        try:
            text = (self._folder / CANDIDATES).read_text(encoding="utf-8-sig")
        except (FileNotFoundError, UnicodeDecodeError):
            return None
        if not text.endswith("\n"):
            return None
        head, *rows = [tuple(cell.strip() for cell in row) for row in csv.reader(io.StringIO(text)) if row] or [()]
        if self._known is not None and head != (*self._known.descriptors, *self._known.objectives):
            return None
        count = len(self._inputs)
        if self._known is None and (set(head[:count]) != self._inputs or not set(head[count:]) <= self._outputs):
            wanted = f"{', '.join(sorted(self._inputs))}, then some of {', '.join(sorted(self._outputs))}"
            raise Invalid(str(self._folder / CANDIDATES), f"its columns are {', '.join(head)}", f"needed are {wanted}")
        found = Candidates(head[:count], head[count:], tuple(rows))
        if any(len(row) != len(head) or not all(row[:count]) for row in rows) or not self._is_later(found):
            return None
        self._known = found
        return found

    def _is_later(self, found: Candidates) -> bool:
        """Whether a table is the one that is known, perhaps with more rows and results."""
        before = () if self._known is None else range(len(self._known.rows))
        if self._known is None or len(found.rows) < len(self._known.rows):
            return self._known is None
        return all(found.recipe(row) == self._known.recipe(row) for row in before)

    def _reject(self, row: int, cells: tuple[str, ...], why: str) -> None:
        if (row, cells) in self._rejected:
            return
        self._rejected.add((row, cells))
        path = self._folder / REJECTED
        new = not path.exists()
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow((ACTIONS, "why"))
            writer.writerow((row, why))


def _same(cell: str, value: Any) -> bool:
    number = _number(cell)
    if isinstance(number, float) and isinstance(value, int | float) and not isinstance(value, bool):
        return math.isclose(number, float(value), rel_tol=1e-9, abs_tol=1e-12)
    return cell == str(value)


def _number(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell
