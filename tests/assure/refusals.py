"""What must be refused: takes each guard away in a copy, and sees the test that names it fail.

Where several stand behind one another they are taken away together, and the test must fail then.
"""

from __future__ import annotations

import multiprocessing
import time
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assure.running import PASSED, Runner
from assure.workplace import KEPT, ROOT, Found, altered, another_copy, digest_of, fresh_copy

TABLE = ROOT / "tests/assure/refusals.toml"
PATIENCE = 60.0
"""Seconds. Without its guard a test may hang instead of failing, which is noticed as well."""


@dataclass(frozen=True)
class Guard:
    """The text of a guard in a module, and what stands there when it is taken away."""

    guard: str
    old: str
    new: str

    def without(self, source: str) -> str:
        """The module's text without it."""
        return source.replace(self.old, self.new)


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
        source = (ROOT / one.guard).read_text("utf-8")
        if one.old not in source:
            yield f"refusal {row.number}: {one.guard} has no {one.old.strip()!r}"
        elif not _compiles(one.guard, one.without(source)):
            yield f"refusal {row.number}: {one.guard} is no Python without {one.old.strip()!r}"


def _compiles(path: str, source: str) -> bool:
    """Whether a changed module can be imported; one that cannot would fail every test and show nothing."""
    if not path.endswith(".py"):
        return True
    try:
        compile(source, path, "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


class Trial:
    """Takes guards away."""

    def __init__(self) -> None:
        self.found = Found(KEPT / "refusals.jsonl")

    def run(self, until: float, words: Sequence[str] = (), at_once: int = 1) -> None:
        """Try every guard that was not tried on these sources, until the time (monotonic) is over.

        Args:
            until: when.
            words: rows of these numbers, or whose test has one of them in its name; all, if none is given.
            at_once: how many rows, each in a copy and a process of its own.
        """
        left = [row for row in rows() if row.key not in self.found.known]
        left = [row for row in left if not words or any(w == str(row.number) or w in row.test for w in words)]
        # Those of one test beside one another: that it passes is seen once.
        left.sort(key=lambda row: row.test)
        if not left or time.monotonic() >= until:
            return
        first, keys = fresh_copy("guards"), {row: row.key for row in left}
        copies = [first, *(another_copy(first, f"guards-{number}") for number in range(1, at_once))]
        runner = Runner(copies[0], sorted({row.test.partition("::")[0] for row in left}))
        fork = multiprocessing.get_context("fork")
        free = fork.SimpleQueue()
        for copy in copies:
            free.put(str(copy))
        # What was loaded here is there in each of them, since they are forks.
        with ProcessPoolExecutor(len(copies), fork, initializer=_take, initargs=(runner, free, until)) as workers:
            for row, outcome in workers.map(_tried, left):
                if outcome:
                    guards = [one.guard for one in row.guards]
                    self.found.add(keys[row], outcome=outcome, number=row.number, test=row.test, guards=guards)

    def outcome(self, row: Row) -> str:
        """What is known of a row."""
        known = self.found.known.get(row.key)
        return str(known["outcome"]) if known else "not tried"


@dataclass
class _Worker:
    """What a process of the pool has: a copy to itself, and which tests pass in it as it stands."""

    runner: Runner
    until: float
    passing: dict[str, bool] = field(default_factory=dict)


_worker: list[_Worker] = []


def _take(runner: Runner, free: multiprocessing.queues.SimpleQueue[str], until: float) -> None:
    runner.move(Path(free.get()))
    _worker.append(_Worker(runner, until))


def _tried(row: Row) -> tuple[Row, str]:
    worker = _worker[0]
    if time.monotonic() >= worker.until:
        return row, ""
    return row, outcome_with(worker.runner, worker.passing, row)


def outcome_with(runner: Runner, passing: dict[str, bool], row: Row) -> str:
    """What comes of a row.

    Args:
        runner: of a copy.
        passing: whether tests pass in that copy as it stands; what is not known is tried and noted there.
        row: to try.
    """
    if row.test not in passing:
        passing[row.test] = runner.run([row.test], PATIENCE) == PASSED
    if not passing[row.test]:
        return "fails with its guard"
    if not row.guards:
        return "passes"
    targets = [runner.copy / one.guard for one in row.guards]
    with altered(targets):
        for one, target in zip(row.guards, targets, strict=True):
            target.write_text(made := one.without(target.read_text("utf-8")), "utf-8")
            if not _compiles(one.guard, made):
                return "cannot be tried"
        return "nothing notices" if runner.run([row.test], PATIENCE) == PASSED else "watched"
