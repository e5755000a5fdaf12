"""A table of the report, and runs in the order in which tables list them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.planner.record import Run

Grouped = dict[tuple[str, str], list[Run]]


def group(runs: Sequence[Run]) -> Grouped:
    """Runs by data and planner, sorted by seed, in the order of the data sets and competitors."""
    out: Grouped = {}
    for run in sorted(runs, key=lambda r: r.seed):
        out.setdefault((run.data, run.planner), []).append(run)
    return out


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the report."""

    name: str
    caption: str
    header: tuple[str, ...]
    rows: Sequence[Sequence[object]]

    def markdown(self) -> str:
        """The caption, then the table."""
        lines = ["| " + " | ".join(self.header) + " |", "|" + "---|" * len(self.header)]
        lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in self.rows]
        return f"{self.caption}\n\n" + "\n".join(lines) + f"\n\n([as CSV]({self.name}.csv))\n"

    def save(self, folder: Path) -> None:
        """Write the CSV."""
        with (folder / f"{self.name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(self.header)
            writer.writerows(self.rows)
