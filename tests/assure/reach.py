"""Which tests reach which line: one run under coverage, each test a context of its own."""

from __future__ import annotations

import ast
import importlib
import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import coverage
import pytest

from assure.running import PASSED, QUICK, Runner
from assure.workplace import KEPT, digest_of

LONGEST = 2.0
"""Seconds of processor time of tests that are asked about one fault, by what they took without it."""
SLOWEST = ("--deselect", "tests/governance/test_reasons.py::test_every_code_that_is_used_is_in_the_table")
"""Reads every source and tells of none but itself."""
_IMPORT = -1
LEFT_OUT = {"postgres.py"}
EVERY = ("tests/governance/test_values.py", "tests/governance/test_formats.py")
"""Tests about every module, by whatever names."""


class Reach:
    """Tests by the lines that they reach.

    Args:
        copy: the tree.
        tests: the tests' names and what each takes [s of processor time].
        lines: by module, then line, which tests ran it; -1 stands for the import of the program.
    """

    def __init__(self, copy: Path, tests: list[tuple[str, float]], lines: dict[str, dict[int, list[int]]]) -> None:
        self._copy, self._tests, self._lines = copy, tests, lines

    def at_import(self, path: str, line: int) -> bool:
        """Whether a line runs when the program is imported, in a function too, so that a fault is at work then."""
        return _IMPORT in self._lines.get(path, {}).get(line, ())

    @classmethod
    def of(cls, runner: Runner, rooms: Sequence[str]) -> Reach:
        """Run the tests of these rooms once, or take what an earlier run found if nothing has changed since."""
        kept = KEPT / "reach.json"
        state = digest_of([runner.copy / part / room for room in rooms for part in ("src/yosegi", "tests")])
        found = json.loads(kept.read_text("utf-8")) if kept.exists() else {}
        if found.get("state") != state:
            kept.unlink(missing_ok=True)
            where = [f"tests/{room}" for room in rooms]
            watch = [*where, "-m", QUICK, *SLOWEST]
            if runner.run(watch, 1800, plugins=lambda: [Watcher(runner.copy, rooms, kept)]) != PASSED:
                raise RuntimeError(f"{', '.join(where)}: fail without any fault, or never end: run them by themselves")
            found = json.loads(kept.read_text("utf-8")) | {"state": state}
            kept.write_text(json.dumps(found), "utf-8")
        lines = {path: {int(line): tests for line, tests in each.items()} for path, each in found["lines"].items()}
        return cls(runner.copy, [(name, cost) for name, cost in found["tests"]], lines)

    @property
    def names(self) -> list[str]:
        """Every test."""
        return [name for name, _ in self._tests]

    def of_line(self, path: str, line: int) -> tuple[list[str], float]:
        """Tests that reach the statement at a line of a function, the nearest first, and the patience that
        they are worth [s of processor time]."""
        source = (self._copy / path).read_text("utf-8")
        mine = self._lines.get(path, {})
        found = {test for each in _statement(source, line) for test in mine.get(each, ())}
        return self._chosen(path, found - {_IMPORT})

    def of_module(self, path: str) -> tuple[list[str], float]:
        """Tests that reach a function of a module or stand in a file that names what it defines, the nearest first:
        what stands outside functions runs once, at import, whoever asks.
        """
        source = (self._copy / path).read_text("utf-8")
        inside = {line for first, last in _functions(source) for line in range(first, last + 1)}
        found = {test for line, tests in self._lines.get(path, {}).items() if line in inside for test in tests}
        named = re.compile(r"\b(" + "|".join(sorted({Path(path).stem, *_defined(source)})) + r")\b")
        files = (self._copy / "tests").glob("*/test_*.py")
        naming = {*EVERY} | {str(file.relative_to(self._copy)) for file in files if _has(file, named)}
        found |= {number for number, name in enumerate(self.names) if name.partition("::")[0] in naming}
        return self._chosen(path, found - {_IMPORT})

    def _chosen(self, path: str, tests: set[int]) -> tuple[list[str], float]:
        room, name = path.removeprefix("src/yosegi/").split("/")
        own, beside = f"tests/{room}/test_{name}", f"tests/{room}/"

        def nearness(number: int) -> tuple[int, float]:
            test, cost = self._tests[number]
            if test.startswith(EVERY):
                return -1, cost
            return (0 if test.startswith(own) else 1 if test.startswith(beside) else 2), cost

        # One case of each test before the others: what many cases say, one mostly says too.
        cases: Counter[str] = Counter()
        turns = {}
        for number in sorted(tests, key=nearness):
            turns[number] = cases[test := self._tests[number][0].partition("[")[0]]
            cases[test] += 1
        spent, chosen = 0.0, []
        for number in sorted(turns, key=lambda one: (turns[one] > 0 <= nearness(one)[0], nearness(one))):
            spent += self._tests[number][1]
            chosen.append(self._tests[number][0])
            if spent > LONGEST:
                break
        return chosen, 2 + 3 * spent


class Watcher:
    """A plug-in of pytest that measures what each test reaches and takes, and writes it to a file.

    Args:
        copy: the tree.
        rooms: whose modules are watched.
        target: the file.
    """

    def __init__(self, copy: Path, rooms: Sequence[str], target: Path) -> None:
        self._copy, self._target = copy, target
        self._costs: list[tuple[str, float]] = []
        modules = [str(copy / "src/yosegi" / room / "*.py") for room in rooms]
        self._coverage = coverage.Coverage(data_file=None, include=modules, config_file=False)
        self._coverage.start()
        for room in rooms:
            for module in sorted((copy / "src/yosegi" / room).glob("*.py")):
                if module.name not in LEFT_OUT:
                    importlib.import_module(f"yosegi.{room}.{module.stem}".removesuffix(".__init__"))
        self._coverage.switch_context("collecting")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """One test is one context."""
        self._coverage.switch_context(str(len(self._costs)))
        began = time.process_time()
        result: Any = yield
        self._costs.append((item.nodeid, round(time.process_time() - began, 4)))
        return result

    def pytest_sessionfinish(self) -> None:
        """Write it all."""
        self._coverage.stop()
        data, lines = self._coverage.get_data(), {}
        for file in data.measured_files():
            each = {
                line: sorted(int(context or _IMPORT) for context in contexts if context != "collecting")
                for line, contexts in data.contexts_by_lineno(file).items()
            }
            lines[str(Path(file).relative_to(self._copy))] = each
        self._target.write_text(json.dumps({"tests": self._costs, "lines": lines}), "utf-8")


def _statement(source: str, line: int) -> range:
    """The lines of the innermost statement at a line; of one that holds others, its head."""
    found = range(line, line + 1)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0):
            body = getattr(node, "body", None)
            end = body[0].lineno - 1 if body else node.end_lineno or line
            if line <= max(end, node.lineno):
                found = range(node.lineno, max(end, node.lineno) + 1)
    return found


def _functions(source: str) -> list[tuple[int, int]]:
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [(node.body[0].lineno, node.end_lineno or 0) for node in nodes]


def _defined(source: str) -> set[str]:
    nodes = ast.parse(source).body
    return {node.name for node in nodes if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.name[0] != "_"}


def _has(file: Path, named: re.Pattern[str]) -> bool:
    return named.search(file.read_text("utf-8")) is not None
