"""The twenty-five that must be refused: takes each guard away in a copy, and sees the test that names it fail.

Where several stand behind one another they are taken away together, and the test must fail then.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from assure.running import PASSED, Runner
from assure.workplace import KEPT, ROOT, Found, digest_of, fresh_copy

TABLE = ROOT / "tests/assure/refusals.toml"
PATIENCE = 60.0
"""Seconds. Without its guard a test may hang instead of failing, which is noticed as well."""


@dataclass(frozen=True)
class Guard:
    """The text of a guard in a module, and what stands there when it is taken away."""

    guard: str
    old: str
    new: str


@dataclass(frozen=True)
class Row:
    """A test and the guards that are taken away together. Without any, the test alone."""

    number: int
    refused: str
    level: str
    test: str
    guards: tuple[Guard, ...] = ()

    @property
    def key(self) -> str:
        """What a result holds for: the guards' modules, the test's and the row."""
        state = digest_of(ROOT / path for path in (self.test.partition("::")[0], *(one.guard for one in self.guards)))
        guards = " ".join(f"{one.guard} {one.old} {one.new}" for one in self.guards)
        return f"{self.number} {self.test} {guards} {state}"


def rows() -> list[Row]:
    """The table."""
    found: list[dict[str, Any]] = tomllib.loads(TABLE.read_text("utf-8"))["refusal"]
    return [_row(one, test) for one in found for test in one.get("test", ())]


def _row(one: dict[str, Any], test: dict[str, Any]) -> Row:
    first = [{name: test[name] for name in ("guard", "old", "new")}] if "guard" in test else []
    guards = tuple(Guard(**guard) for guard in [*first, *test.get("also", ())])
    return Row(one["number"], one["refused"], test["level"], test["test"], guards)


def wrong(row: Row) -> Iterator[str]:
    """What about a row no longer fits the sources."""
    file, _, name = row.test.partition("::")
    if not (ROOT / file).exists() or f"def {name.partition('[')[0]}(" not in (ROOT / file).read_text("utf-8"):
        yield f"refusal {row.number}: there is no test {row.test}"
    for one in row.guards:
        if one.old not in (ROOT / one.guard).read_text("utf-8"):
            yield f"refusal {row.number}: {one.guard} has no {one.old.strip()!r}"


class Trial:
    """Takes guards away."""

    def __init__(self) -> None:
        self.found = Found(KEPT / "refusals.jsonl")

    def run(self, until: float, words: Sequence[str] = ()) -> None:
        """Try every guard that was not tried on these sources, until the time (monotonic) is over.

        Args:
            until: when.
            words: rows of these numbers, or whose test has one of them in its name; all, if none is given.
        """
        left = [row for row in rows() if row.key not in self.found.known]
        left = [row for row in left if not words or any(w == str(row.number) or w in row.test for w in words)]
        if not left or time.monotonic() >= until:
            return
        copy = fresh_copy("guards")
        runner = Runner(copy, sorted({row.test.partition("::")[0] for row in left}))
        for row in left:
            if time.monotonic() >= until:
                return
            guards = [one.guard for one in row.guards]
            self.found.add(row.key, outcome=self._try(runner, row), number=row.number, test=row.test, guards=guards)

    def _try(self, runner: Runner, row: Row) -> str:
        if runner.run([row.test], PATIENCE) != PASSED:
            return "fails with its guard"
        if not row.guards:
            return "passes"
        kept = {path: path.read_text("utf-8") for path in (runner.copy / one.guard for one in row.guards)}
        try:
            for one in row.guards:
                target = runner.copy / one.guard
                target.write_text(target.read_text("utf-8").replace(one.old, one.new), "utf-8")
                if target.suffix == ".py":
                    # A copy that cannot be imported would fail every test and show nothing.
                    compile(target.read_text("utf-8"), str(target), "exec")
            return "nothing notices" if runner.run([row.test], PATIENCE) == PASSED else "watched"
        finally:
            for target, source in kept.items():
                target.write_text(source, "utf-8")

    def outcome(self, row: Row) -> str:
        """What is known of a row."""
        known = self.found.known.get(row.key)
        return str(known["outcome"]) if known else "not tried"
