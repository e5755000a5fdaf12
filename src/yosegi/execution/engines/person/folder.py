"""A folder that somebody keeps, with three files.

`proposals.csv` says what is to be done, `results.csv` what was, and `rejected.csv` what was not taken, or is waited for
no more, and why.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from yosegi.core.engine import PersonTask
from yosegi.execution.engines.person.tables import ResultLine, proposals_csv, read_results

PROPOSALS, RESULTS, REJECTED = "proposals.csv", "results.csv", "rejected.csv"


class PersonFolder:
    """The files of one engine: it alone writes proposals.csv and rejected.csv, and never results.csv."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = ""
        self._rejected: set[tuple[str, str]] = set()

    def __repr__(self) -> str:
        return f"<folder {self._folder}>"

    def open(self) -> None:
        """Make it.

        Raises:
            OSError: it cannot be made or written.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self.write(())

    def write(self, tasks: Iterable[PersonTask]) -> None:
        """What is to be done; the file is replaced whole, so that nobody reads half of it."""
        part = self._folder / f"{PROPOSALS}.part"
        part.write_text(proposals_csv(tasks), encoding="utf-8")
        part.replace(self._folder / PROPOSALS)

    def new_rows(self, outputs: Mapping[str, frozenset[str]]) -> list[ResultLine]:
        """Rows of results.csv, if it has changed since the last look; a line without an end is left for the next."""
        try:
            text = (self._folder / RESULTS).read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return []
        if text == self._seen:
            return []
        self._seen = text
        return read_results(text, outputs, whole=False)

    def reject(self, row: ResultLine, why: str) -> None:
        """Say once why a row was not taken; a corrected row below it is taken."""
        said = (row.key, repr(row.result))
        if said in self._rejected:
            return
        self._rejected.add(said)
        self._write_rejected(row.line, row.key, why)

    def withdrawn(self, key: str, why: str) -> None:
        """Say of a task that left proposals.csv that nobody waits for it, before somebody does it."""
        self._write_rejected("", key, why)

    def _write_rejected(self, line: int | str, key: str, why: str) -> None:
        path = self._folder / REJECTED
        new = not path.exists()
        with path.open("a", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(("line", "key", "why"))
            writer.writerow((line, key, why))
