"""The twenty-five that must be refused: takes each guard away in a copy, and sees the test that names it fail."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from assure.running import PASSED, Runner
from assure.workplace import KEPT, ROOT, Found, digest_of, fresh_copy

TABLE = ROOT / "tests/assure/refusals.toml"
PATIENCE = 60.0
"""Seconds. Without its guard a test may hang instead of failing, which is noticed as well."""


@dataclass(frozen=True)
class Row:
    """One guard and the test that watches it. Without a guard of its own, the test alone."""

    number: int
    refused: str
    level: str
    test: str
    guard: str = ""
    old: str = ""
    new: str = ""

    @property
    def key(self) -> str:
        """What a result holds for: the guard's module, the test's and the row."""
        state = digest_of([ROOT / self.test.partition("::")[0], *([ROOT / self.guard] if self.guard else [])])
        return f"{self.number} {self.test} {self.guard} {self.old} {state}"


def rows() -> list[Row]:
    """The table."""
    found: list[dict[str, Any]] = tomllib.loads(TABLE.read_text("utf-8"))["refusal"]
    return [Row(number=one["number"], refused=one["refused"], **test) for one in found for test in one.get("test", ())]


def wrong(row: Row) -> Iterator[str]:
    """What about a row no longer fits the sources."""
    file, _, name = row.test.partition("::")
    if not (ROOT / file).exists() or f"def {name.partition('[')[0]}(" not in (ROOT / file).read_text("utf-8"):
        yield f"refusal {row.number}: there is no test {row.test}"
    if row.guard and row.old not in (ROOT / row.guard).read_text("utf-8"):
        yield f"refusal {row.number}: {row.guard} has no {row.old.strip()!r}"


class Trial:
    """Takes guards away."""

    def __init__(self) -> None:
        self.found = Found(KEPT / "refusals.jsonl")

    def run(self, until: float) -> None:
        """Try every guard that was not tried on these sources, until the time (monotonic) is over."""
        left = [row for row in rows() if row.key not in self.found.known]
        if not left or time.monotonic() >= until:
            return
        copy = fresh_copy("guards")
        runner = Runner(copy, sorted({row.test.partition("::")[0] for row in left}))
        for row in left:
            if time.monotonic() >= until:
                return
            self.found.add(row.key, outcome=self._try(runner, row), number=row.number, test=row.test, guard=row.guard)

    def _try(self, runner: Runner, row: Row) -> str:
        if runner.run([row.test], PATIENCE) != PASSED:
            return "fails with its guard"
        if not row.guard:
            return "passes"
        target = runner.copy / row.guard
        source = target.read_text("utf-8")
        target.write_text(source.replace(row.old, row.new), "utf-8")
        try:
            # A copy that cannot be imported would fail every test and show nothing.
            compile(target.read_text("utf-8"), str(target), "exec")
            return "nothing notices" if runner.run([row.test], PATIENCE) == PASSED else "watched"
        finally:
            target.write_text(source, "utf-8")

    def outcome(self, row: Row) -> str:
        """What is known of a row."""
        known = self.found.known.get(row.key)
        return str(known["outcome"]) if known else "not tried"
