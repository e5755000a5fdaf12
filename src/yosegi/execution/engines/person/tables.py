"""What waits for a person as CSV, and what they did: a row a task, a column an input or output.

A cell is JSON where it can be read as such, else text. A last line without an end is still being written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from yosegi.core.csv_text import csv_lines, csv_rows, first_twice, json_or_text
from yosegi.core.engine import PersonResult, PersonTask
from yosegi.core.errors import Invalid

KEY, CAPABILITY, INFEASIBLE, FAILED = "key", "capability", "infeasible", "failed"
MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ResultLine:
    """One row of a table of results: its line in the file, the task's key, and what it says."""

    line: int
    key: str
    result: PersonResult


def proposals_csv(tasks: Iterable[PersonTask], text: Callable[[str], str] = str) -> str:
    """What is to be done, oldest first, with empty columns for what is asked back.

    Args:
        tasks: what waits.
        text: how a text of whoever asked stands in a cell: as it is for programs, else as `spreadsheet_cell` says it.
    """

    def told(value: Any) -> str:
        return text(value) if isinstance(value, str) else json.dumps(value)

    tasks = list(tasks)
    inputs = list(dict.fromkeys(name for task in tasks for name in task.inputs))
    outputs = [name for name in dict.fromkeys(name for task in tasks for name in task.outputs) if name not in inputs]
    head = (KEY, CAPABILITY, *inputs, *outputs, INFEASIBLE, FAILED)
    cells = [
        {KEY: task.key, CAPABILITY: task.capability} | {n: told(v) for n, v in task.inputs.items()} for task in tasks
    ]
    return csv_lines([head, *([row.get(name, "") for name in head] for row in cells)])


def read_results(text: str, outputs: Mapping[str, frozenset[str]], *, whole: bool) -> list[ResultLine]:
    """The rows that say something.

    Args:
        text: CSV with a column `key`.
        outputs: names of the outputs of the task of each key that waits; of another key all columns are taken.
        whole: whether a last line without an end counts: it does in what was sent, not in a file that is written to.

    Raises:
        Invalid: too large, no CSV, no column `key`, or a column twice.
    """
    if len(text) > MOST_BYTES:
        raise Invalid("the results", f"larger than {MOST_BYTES} bytes")
    if not whole:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
    rows = ((line, row) for line, row in csv_rows(text, "the results") if row)
    _, header = next(rows, (0, []))
    if text.strip() and KEY not in header:
        raise Invalid("the results", f"have no column {KEY}", "give back the file that you were given, filled in")
    if (twice := first_twice(name for name in header if name)) is not None:
        raise Invalid("the results", f"have column {twice} twice", "leave one of them")
    found = []
    for line, row in rows:
        cells = {name: cell.strip() for name, cell in zip(header, row, strict=False) if name and cell.strip()}
        key = cells.pop(KEY, "")
        wanted = outputs.get(key)
        given = {
            name: json_or_text(cell)
            for name, cell in cells.items()
            if name not in (CAPABILITY, INFEASIBLE, FAILED) and (wanted is None or name in wanted)
        }
        result = PersonResult(given, cells.get(INFEASIBLE, ""), cells.get(FAILED, ""))
        if key and (given or result.infeasible or result.failed):
            found.append(ResultLine(line, key, result))
    return found
