"""A table of candidates as NIMO has it, `candidates.csv`, and what is asked of it, `proposals.csv`.

A row a candidate: its descriptors first, its objectives last, empty where it was not measured. What is asked names the
row, counted from 0 below the header, in a column `actions`, and repeats its descriptors. So NIMO 2.1.8 has them:
`ai_tools/ai_tool_re.py` writes proposals, `output_tools/analysis_output_standard.py` fills objectives in by row.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from yosegi.core.csv_text import csv_rows, json_or_text
from yosegi.core.engine import PersonResult
from yosegi.core.errors import Invalid
from yosegi.execution.engines.person.tables import FAILED, INFEASIBLE

CANDIDATES, ACTIONS = "candidates.csv", "actions"
MOST_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class CandidateColumns:
    """The headings of the columns of a capability.

    Args:
        inputs: heading by name of the input.
        outputs: heading by name of the output.
    """

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]

    @classmethod
    def of(cls, inputs: Iterable[str], outputs: Iterable[str], named: Mapping[str, str]) -> Self:
        """The headings, where `named` says them by the name of an input or output; else the name is the heading.

        Raises:
            Invalid: `named` names what is neither.
        """
        inputs, outputs = list(inputs), list(outputs)
        if unknown := sorted(set(named) - {*inputs, *outputs}):
            raise Invalid("columns", f"{', '.join(unknown)}: no input or output of the capability")
        return cls({one: named.get(one, one) for one in inputs}, {one: named.get(one, one) for one in outputs})


@dataclass(frozen=True, slots=True)
class CandidateTable:
    """Candidates, their descriptors and objectives, as they stood in the file.

    Args:
        descriptors: headings of the columns before the first objective.
        rows: cells of each candidate.
        inputs: position of the column of each input.
        outputs: position of the column of each output.
    """

    descriptors: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]

    @classmethod
    def read(cls, text: str, columns: CandidateColumns) -> Self:
        """The table in the text of a file.

        Raises:
            Invalid: no CSV, its last line has no end, a column is missing or in the wrong place, or a line is empty.
        """
        if not text.endswith("\n"):
            raise Invalid(CANDIDATES, "its last line has no end, so it may be half written", "end the last line")
        header, *rows = (tuple(cell.strip() for cell in row) for _, row in csv_rows(text, CANDIDATES))
        while rows and not any(rows[-1]):
            rows.pop()
        if empty := [number for number, row in enumerate(rows, 2) if not any(row)]:
            why = f"line {empty[0]} is empty, and NIMO counts rows with and without it"
            raise Invalid(CANDIDATES, why, "remove it")
        inputs, outputs = _positions(header, columns.inputs), _positions(header, columns.outputs)
        first = min(outputs.values(), default=len(header))
        if late := [name for name, at in inputs.items() if at > first]:
            raise Invalid(CANDIDATES, f"column {columns.inputs[late[0]]} stands behind an objective", "move it forward")
        return cls(header[:first], tuple(rows), inputs, outputs)

    def is_candidate(self, row: int, inputs: Mapping[str, Any]) -> bool:
        """Whether the descriptors of a row are these inputs."""
        if not 0 <= row < len(self.rows) or set(inputs) - set(self.inputs):
            return False
        cells = self.rows[row]
        return all(at < len(cells) and _same(cells[at], inputs.get(name)) for name, at in self.inputs.items())

    def rows_of(self, inputs: Mapping[str, Any]) -> list[int]:
        """The rows whose descriptors are these inputs: several, where a candidate is to be measured several times."""
        return [row for row in range(len(self.rows)) if self.is_candidate(row, inputs)]

    def is_empty(self, row: int) -> bool:
        """Whether none of its objectives is filled in."""
        return not any(self._filled(row))

    def is_done(self, row: int) -> bool:
        """Whether all of its objectives are filled in, or one says in words why there are none."""
        return self.result(row) is not None

    def result(self, row: int) -> PersonResult | None:
        """What a row says; nothing, while an objective is not filled in.

        NIMO has no word for a candidate without objectives: a cell that begins with `infeasible` or `failed` says so,
        which NIMO reads as not measured.
        """
        filled = self._filled(row)
        for cell in filled:
            word = cell.lower()
            if word.startswith(INFEASIBLE):
                return PersonResult(infeasible=cell)
            if word.startswith(FAILED):
                return PersonResult(failed=cell)
        if not all(filled):
            return None
        return PersonResult({name: json_or_text(cell) for name, cell in zip(self.outputs, filled, strict=True)})

    def proposals(self, rows: Iterable[int]) -> str:
        """NIMO's proposals.csv for these rows, with their descriptors as they stand in the table."""
        out = io.StringIO(newline="")
        writer = csv.writer(out)
        writer.writerow((ACTIONS, *self.descriptors))
        writer.writerows((row, *self.rows[row][: len(self.descriptors)]) for row in rows)
        return out.getvalue()

    def _filled(self, row: int) -> list[str]:
        """The cells of the outputs of a row, empty where NIMO reads nothing (`nan`)."""
        cells = self.rows[row] if 0 <= row < len(self.rows) else ()
        found = [cells[at] if at < len(cells) else "" for at in self.outputs.values()]
        return ["" if cell.lower() == "nan" else cell for cell in found]


def proposed_rows(text: str) -> list[int]:
    """The rows that a proposals.csv asks for.

    Raises:
        Invalid: it is none of NIMO's.
    """
    rows = [row for _, row in csv_rows(text, "proposals.csv") if row]
    try:
        if rows and rows[0][0] != ACTIONS:
            raise ValueError
        return [int(row[0]) for row in rows[1:]]
    except ValueError:
        raise Invalid("proposals.csv", f"has no column {ACTIONS} of row numbers", "remove it") from None


def _positions(header: tuple[str, ...], headings: Mapping[str, str]) -> dict[str, int]:
    """Where the columns stand; a heading that is there twice, or not, is refused."""
    for heading in headings.values():
        if header.count(heading) != 1:
            how = "no" if heading not in header else "more than one"
            raise Invalid(CANDIDATES, f"has {how} column {heading}", "say with `columns` how it is called there")
    return {name: header.index(heading) for name, heading in headings.items()}


def _same(cell: str, value: Any) -> bool:
    """Whether a cell is a value; numbers to nine digits, as a table may be written with fewer than a number has."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return cell == value or json_or_text(cell) == value
    try:
        return math.isclose(float(cell), value, rel_tol=1e-9)
    except ValueError:
        return False
