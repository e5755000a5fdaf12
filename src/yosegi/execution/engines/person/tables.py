"""What waits for a person as CSV, and what they did: a row a task, a column an input or output.

A cell is JSON where it can be read as such, else text. A last line without an end is still being written.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

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


def proposals_csv(tasks: Iterable[PersonTask]) -> str:
    """What is to be done, oldest first, with empty columns for what is asked back."""
    tasks = list(tasks)
    inputs = list(dict.fromkeys(name for task in tasks for name in task.inputs))
    outputs = [name for name in dict.fromkeys(name for task in tasks for name in task.outputs) if name not in inputs]
    out = io.StringIO()
    rows = csv.DictWriter(out, [KEY, CAPABILITY, *inputs, *outputs, INFEASIBLE, FAILED], lineterminator="\n")
    rows.writeheader()
    for task in tasks:
        cells = {name: _text(value) for name, value in task.inputs.items()}
        rows.writerow({KEY: task.key, CAPABILITY: task.capability} | cells)
    return out.getvalue()


def read_results(text: str, outputs: Mapping[str, frozenset[str]], *, whole: bool) -> list[ResultLine]:
    """The rows that say something.

    Args:
        text: CSV with a column `key`.
        outputs: names of the outputs of the task of each key that waits; of another key all columns are taken.
        whole: whether a last line without an end counts: it does in what was sent, not in a file that is written to.

    Raises:
        Invalid: too large, or no table with a column `key`.
    """
    if len(text) > MOST_BYTES:
        raise Invalid("the results", f"larger than {MOST_BYTES} bytes")
    text = text.removeprefix("\ufeff")
    if not whole:
        text = text[: text.rfind("\n") + 1]
    reader = csv.DictReader(io.StringIO(text), strict=False)
    if text.strip() and KEY not in (reader.fieldnames or ()):
        raise Invalid("the results", f"have no column {KEY}", "give back the file that you were given, filled in")
    found = []
    for row in reader:
        key = (row.pop(KEY, None) or "").strip()
        cells = {name: cell.strip() for name, cell in row.items() if name and isinstance(cell, str) and cell.strip()}
        wanted = outputs.get(key)
        given = {
            name: _value(cell)
            for name, cell in cells.items()
            if name not in (CAPABILITY, INFEASIBLE, FAILED) and (wanted is None or name in wanted)
        }
        result = PersonResult(given, cells.get(INFEASIBLE, ""), cells.get(FAILED, ""))
        if key and (given or result.infeasible or result.failed):
            found.append(ResultLine(reader.line_num, key, result))
    return found


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _value(cell: str) -> Any:
    try:
        return json.loads(cell)
    except ValueError:
        return cell
