"""Mutants of the rooms that trust rests on: small faults made one at a time, and whether a test notices.

The faults are cosmic-ray's, of the kinds that Offutt, Lee, Rothermel, Untch and Zapf found sufficient ("An Experimental
Determination of Sufficient Mutant Operators", ACM TOSEM 5(2), 1996): one replacement of each operator and comparison
and its boundary, constants, conditions, loops, exceptions, decorators; and one of our own, which drops a `raise` or a
call whose value nobody uses, i.e. takes a guard away.
"""

from __future__ import annotations

import ast
import hashlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import parso
from cosmic_ray.ast import ast_nodes
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

from assure.running import ENDLESS, PASSED, QUICK, Runner
from assure.tests_of import SLOWEST, tests_of
from assure.workplace import KEPT, ROOT, Found, digest_of, fresh_copy

ROOMS = ("trust", "governance", "ledger")
LEFT_OUT = {"__init__.py", "postgres.py"}
"""A list of names; and a store whose tests need a server (in the ordinary tests it passes the suite of both stores)."""
KINDS = re.compile(
    r"core/(NumberReplacer|AddNot|ZeroIterationForLoop|ExceptionReplacer|RemoveDecorator|ReplaceOrWithAnd|"
    r"ReplaceAndWithOr|ReplaceTrueWithFalse|ReplaceFalseWithTrue|ReplaceUnaryOperator_Delete_Not|"
    r"ReplaceUnaryOperator_USub_UAdd|ReplaceContinueWithBreak|ReplaceBreakWithContinue|"
    r"ReplaceComparisonOperator_(NotEq_Eq|Eq_NotEq|Is_IsNot|IsNot_Is|Lt_LtE|LtE_Lt|Gt_GtE|GtE_Gt)|"
    r"ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|Mod_Mul|FloorDiv_Mul|Pow_Mul|LShift_RShift|RShift_LShift|"
    r"BitOr_BitAnd|BitAnd_BitOr|BitXor_BitOr))"
)
DROP = "house/Drop"
PATIENCE = 120.0
"""Seconds after which the tests of a mutant count as endless: ten times what the longest take on a busy machine."""


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Args:
        path: the module, from the root.
        kind: the operator's name.
        number: which of its places.
        line: where.
    """

    path: str
    kind: str
    number: int
    line: int

    @property
    def room(self) -> str:
        """Which room it is in."""
        return self.path.split("/")[2]

    def made(self, source: str) -> str | None:
        """The module with the fault, or None if that place cannot have it."""
        if self.kind == DROP:
            return _without(source, self.number)
        found: str | None = mutate_code(source, get_operator(self.kind)(), self.number)
        return found


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Every mutant of a module."""
    source, name = path.read_text("utf-8"), str(path.relative_to(ROOT))
    skipped = _annotations(source)
    for number, statement in enumerate(_droppable(source)):
        yield Mutant(name, DROP, number, statement.lineno)
    nodes = list(ast_nodes(parso.parse(source)))
    for kind in operator_names():
        if not KINDS.fullmatch(kind):
            continue
        operator = get_operator(kind)()
        places = [place for node in nodes if _fits(kind, node) for place in operator.mutation_positions(node)]
        for number, ((line, column), _) in enumerate(places):
            if not any(first <= (line, column) < last for first, last in skipped):
                yield Mutant(name, kind, number, line)


def _fits(kind: str, node: Any) -> bool:
    """Whether an arithmetic operator is one: the stars of parameters and calls are none."""
    return "BinaryOperator" not in kind or node.parent is None or node.parent.type.endswith(("_expr", "term", "power"))


def _droppable(source: str) -> list[ast.stmt]:
    return [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Raise) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
    ]


def _without(source: str, number: int) -> str:
    node = _droppable(source)[number]
    lines = source.splitlines(keepends=True)
    indent = " " * node.col_offset
    return "".join([*lines[: node.lineno - 1], f"{indent}pass\n", *lines[node.end_lineno :]])


def _same(made: str, source: str) -> bool:
    """Whether a fault is none: the module does not change, or is no Python any more."""
    try:
        return ast.unparse(ast.parse(made)) == ast.unparse(ast.parse(source))
    except SyntaxError:
        return True


def _annotations(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Ranges of annotations, which are never evaluated or fail at import, and of the texts of `__all__`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        parts: list[ast.expr | None] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            parts = [node.returns, *(a.annotation for a in ast.walk(node.args) if isinstance(a, ast.arg))]
        elif isinstance(node, ast.AnnAssign):
            parts = [node.annotation]
        found += [
            ((part.lineno, part.col_offset), (part.end_lineno or 0, part.end_col_offset or 0)) for part in parts if part
        ]
    return found


def in_turn(words: list[str]) -> list[Mutant]:
    """All mutants in an order that looks random and is always the same, so that any beginning is a fair sample."""
    paths = [path for room in ROOMS for path in sorted((ROOT / "src/yosegi" / room).glob("*.py"))]
    chosen = [path for path in paths if path.name not in LEFT_OUT and (not words or any(w in str(path) for w in words))]
    mutants = [mutant for path in chosen for mutant in mutants_of(path)]
    return sorted(mutants, key=lambda m: hashlib.sha256(f"{m.path} {m.kind} {m.number}".encode()).digest())


class Study:
    """Tries mutants, and remembers: one that was killed stays killed while its module is the same, one that survived
    is tried again when the room's tests have changed.
    """

    def __init__(self) -> None:
        self.found = Found(KEPT / "mutants.jsonl")
        paths = [path for room in ROOMS for path in (ROOT / "src/yosegi" / room).glob("*.py")]
        self._modules = {str(path.relative_to(ROOT)): digest_of([path]) for path in paths}
        self._tests = {room: digest_of([ROOT / "tests" / room]) for room in ROOMS}

    def _keys(self, mutant: Mutant) -> tuple[str, str]:
        killed = f"{mutant.path} {self._modules[mutant.path]} {mutant.kind} {mutant.number}"
        return killed, f"{killed} {self._tests[mutant.room]}"

    def known(self, mutant: Mutant) -> str | None:
        """What an earlier run found: killed, survived, impossible; or None."""
        killed, survived = self._keys(mutant)
        row = self.found.known.get(killed) or self.found.known.get(survived)
        return row["outcome"] if row else None

    def run(self, mutants: list[Mutant], until: float) -> None:
        """Try what is not known yet, until all is or the time (monotonic) is over."""
        left = [mutant for mutant in mutants if self.known(mutant) is None]
        if not left or time.monotonic() >= until:
            return
        copy = fresh_copy()
        runner = Runner(copy, [f"tests/{room}" for room in ROOMS])
        rooms = [f"tests/{room}" for room in sorted({mutant.room for mutant in left})]
        if runner.run(rooms, 900, "-m", QUICK, *SLOWEST) != PASSED:
            raise RuntimeError(f"{', '.join(rooms)}: fail without any mutant, or never end")
        for mutant in left:
            if time.monotonic() >= until:
                return
            outcome = self._try(runner, copy, mutant)
            killed, survived = self._keys(mutant)
            key = survived if outcome == "survived" else killed
            self.found.add(key, outcome=outcome, path=mutant.path, kind=mutant.kind, line=mutant.line)

    def _try(self, runner: Runner, copy: Path, mutant: Mutant) -> str:
        target = copy / mutant.path
        source = target.read_text("utf-8")
        made = mutant.made(source)
        if made is None or _same(made, source):
            return "impossible"
        target.write_text(made, "utf-8")
        try:
            first, rest = tests_of(mutant.path)
            for tests in (first, rest):
                if not tests:
                    continue
                outcome = runner.run(tests, PATIENCE, "-m", QUICK, *SLOWEST)
                if outcome != PASSED:
                    return "endless" if outcome == ENDLESS else "killed"
            return "survived"
        finally:
            target.write_text(source, "utf-8")
