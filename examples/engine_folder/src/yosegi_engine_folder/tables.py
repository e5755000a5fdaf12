"""The two files: a row a task, a column an input or output. A cell is JSON where it can be read as such, else text."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from yosegi.core.engine import Work

PROPOSALS, RESULTS = "proposals.csv", "results.csv"
KEY, CAPABILITY = "key", "capability"


def write_proposals(folder: Path, works: Iterable[Work]) -> None:
    """The tasks that are to be done, oldest first; the file is replaced whole."""
    works = list(works)
    inputs = list(dict.fromkeys(name for work in works for name in work.inputs))
    part = folder / f"{PROPOSALS}.part"
    with part.open("w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, [KEY, CAPABILITY, *inputs])
        rows.writeheader()
        for work in works:
            rows.writerow({KEY: work.key, CAPABILITY: work.capability} | {n: _text(v) for n, v in work.inputs.items()})
    part.replace(folder / PROPOSALS)


def read_results(folder: Path) -> dict[str, dict[str, Any]]:
    """What is done, by key; the first row of a key counts. A last line without an end is still being written."""
    try:
        text = (folder / RESULTS).read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    whole = text[: text.rfind("\n") + 1]
    found: dict[str, dict[str, Any]] = {}
    for row in csv.DictReader(whole.splitlines()):
        if key := (row.pop(KEY, None) or "").strip():
            found.setdefault(key, {name: _value(cell) for name, cell in row.items() if name and cell})
    return found


class ResultsTable:
    """Both files as the engine uses them: any row of a key that was asked for may come."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def start(self) -> None:
        """Ask for nothing yet."""
        self.show(())

    def take(self, work: Work, *, again: bool) -> str:
        """Why a task cannot stand in the table: it always can."""
        del work, again
        return ""

    def drop(self, key: str) -> None:
        """A task waits no more; its result stays in the file."""

    def show(self, works: Iterable[Work]) -> None:
        """Write what is to be done."""
        write_proposals(self._folder, works)

    def result(self, key: str) -> dict[str, Any] | None:
        """The first row of a key."""
        return read_results(self._folder).get(key)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _value(cell: str) -> Any:
    try:
        return json.loads(cell)
    except ValueError:
        return cell
