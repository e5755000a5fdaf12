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
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assure import equivalent
from assure.collected import Collected, Question, changed, code_of
from assure.reach import SLOWEST, Reach
from assure.running import ENDLESS, FAILED, PASSED, QUICK, TROUBLE, Only, Runner
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


@dataclass(frozen=True)
class Mutant:
    """One fault.

    Args:
        path: the module, from the root.
        kind: the operator's name.
        number: which of its places in the module.
        line: where.
        place: digest of the function or statement around it, and which of the kind's places in there: what was found
            out about it holds while that text is the same.
    """

    path: str
    kind: str
    number: int
    line: int
    place: str

    @property
    def room(self) -> str:
        """Which room it is in."""
        return self.path.split("/")[2]

    def made(self, source: str) -> str | None:
        """The module with the fault, or None if that place cannot have it."""
        if self.kind == DROP:
            return _without(source, self.number)
        from cosmic_ray.mutating import mutate_code
        from cosmic_ray.plugins import get_operator

        try:
            found: str | None = mutate_code(source, get_operator(self.kind)(), self.number)
        except AttributeError:
            # cosmic-ray 8.7 cannot replace an exception whose name has a dot.
            return None
        return found

    def change(self) -> tuple[str, str]:
        """The first line that differs: as it is, and with the fault."""
        source = (ROOT / self.path).read_text("utf-8")
        lines = zip(source.splitlines(), (self.made(source) or source).splitlines(), strict=False)
        return next(((was.strip(), is_.strip()) for was, is_ in lines if was != is_), ("", ""))


def mutants_of(path: Path) -> Iterator[Mutant]:
    """Every mutant of a module."""
    source, name = path.read_text("utf-8"), str(path.relative_to(ROOT))
    skipped, around = _annotations(source), _around(source)
    for kind, places in _places(source):
        seen: Counter[str] = Counter()
        for number, (line, column) in enumerate(places):
            if not any(first <= (line, column) < last for first, last in skipped):
                yield Mutant(name, kind, number, line, f"{around[line]} {seen[around[line]]}")
                seen[around[line]] += 1


def _places(source: str) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Every kind, and where a module has places for it."""
    yield DROP, [(statement.lineno, statement.col_offset) for statement in _droppable(source)]
    # Only here, as below: the ordinary tests read what this module writes, without the environment of make assure.
    import parso
    from cosmic_ray.ast import ast_nodes
    from cosmic_ray.plugins import get_operator, operator_names

    nodes = list(ast_nodes(parso.parse(source)))
    for kind in operator_names():
        if KINDS.fullmatch(kind):
            operator = get_operator(kind)()
            found = [place for node in nodes if _fits(kind, node) for place in operator.mutation_positions(node)]
            yield kind, [start for start, _ in found]


def _around(source: str) -> dict[int, str]:
    """By line, a digest of the function that it is in, or else of the statement."""
    found: dict[int, str] = defaultdict(str)
    lines, waiting = source.splitlines(), [("", ast.parse(source).body)]
    while waiting:
        name, body = waiting.pop()
        for node in body:
            mine = f"{name}.{getattr(node, 'name', '')}"
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", ()))])
            last = node.end_lineno or first
            if isinstance(node, ast.ClassDef):
                waiting.append((mine, node.body))
                last = node.body[0].lineno - 1
            text = "\n".join([mine, *lines[first - 1 : last]])
            found.update(dict.fromkeys(range(first, last + 1), hashlib.sha256(text.encode()).hexdigest()[:16]))
    return found


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
    gone = "\n" * ((node.end_lineno or node.lineno) - node.lineno)
    return "".join([*lines[: node.lineno - 1], f"{indent}pass\n{gone}", *lines[node.end_lineno :]])


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
    return sorted(mutants, key=lambda mutant: _chance(mutant)[8:])


def _chance(mutant: Mutant) -> bytes:
    return hashlib.sha256(f"{mutant.path} {mutant.kind} {mutant.number}".encode()).digest()


def is_fresh(mutant: Mutant) -> bool:
    """Whether it is in the half of all mutants whose survivors nobody looked at while tests were written."""
    return _chance(mutant) >= b"\x80"


class Study:
    """Tries mutants, and remembers: one that was killed stays killed while the function that it is in is the same, one
    that survived is tried again when the tests that reach it have changed.
    """

    def __init__(self) -> None:
        self.found = Found(KEPT / "mutants.jsonl")

    def known(self, mutant: Mutant) -> str | None:
        """What was found last: killed, endless, survived, unreached, impossible; or None."""
        row = self.found.known.get(_key(mutant))
        return row["outcome"] if row else None

    def run(self, mutants: list[Mutant], until: float) -> None:
        """Try what is not known yet, until all is or the time (monotonic) is over."""
        unknown = [mutant for mutant in mutants if self.known(mutant) in (None, "survived", "unreached")]
        if not unknown or time.monotonic() >= until:
            return
        tried = Attempt()
        for mutant in unknown:
            if time.monotonic() >= until:
                return
            if equivalent.why(mutant.path, *mutant.change()):
                if self.known(mutant) is None:
                    self.found.add(_key(mutant), outcome="survived", path=mutant.path, line=mutant.line)
                continue
            asked = tried.asked(mutant)
            if self.found.known.get(_key(mutant), {}).get("asked") == asked.digest:
                continue
            began = time.monotonic()
            row = {"outcome": tried.of(mutant, asked), "asked": asked.digest, "path": mutant.path, "line": mutant.line}
            self.found.add(_key(mutant), **row, kind=mutant.kind, took=round(time.monotonic() - began, 2))


def _key(mutant: Mutant) -> str:
    return f"{mutant.path} {mutant.place} {mutant.kind}"


@dataclass(frozen=True)
class Asked:
    """How a mutant is tried.

    Args:
        made: the module with the fault; None where the fault is none.
        inside: whether it is inside a function.
        tests: who is asked, in order.
        seconds: of processor time that they may take.
        digest: of the tests and all that they are made of.
    """

    made: str | None
    inside: bool = False
    tests: tuple[str, ...] = ()
    seconds: float = 0.0
    digest: str = ""


class Attempt:
    """A copy in which mutants are tried."""

    def __init__(self) -> None:
        where = [f"tests/{room}" for room in ROOMS]
        self._copy = fresh_copy()
        self._runner = Runner(self._copy, where)
        self._reach = Reach.of(self._runner, ROOMS)
        self._collected = Collected(self._runner, where, "-m", QUICK, *SLOWEST)

    def asked(self, mutant: Mutant) -> Asked:
        """Who is asked about a mutant."""
        target = self._copy / mutant.path
        source = target.read_text("utf-8")
        made = mutant.made(source)
        if made is None or _same(made, source):
            return Asked(None)
        inside = changed(code_of(target, source), code_of(target, made)) is not None
        inside = inside and not self._reach.at_import(mutant.path, mutant.line)
        tests, seconds = self._reach.of_line(mutant.path, mutant.line) if inside else self._reach.of_module(mutant.path)
        return Asked(made, inside, tuple(tests), seconds, self._digest(tests))

    def _digest(self, tests: Sequence[str]) -> str:
        files = {self._copy / test.partition("::")[0] for test in tests}
        beside = {file for folder in {file.parent for file in files} for file in folder.glob("*.py")}
        shared = {file for file in beside if not file.name.startswith("test_")}
        return digest_of(sorted(files | shared)) + hashlib.sha256(" ".join(sorted(tests)).encode()).hexdigest()[:8]

    def of(self, mutant: Mutant, asked: Asked) -> str:
        """What comes of one."""
        if asked.made is None:
            return "impossible"
        if not asked.tests:
            return "unreached"
        outcome = TROUBLE
        if asked.inside:
            outcome = self._collected.ask(Question(mutant.path, asked.made, list(asked.tests), asked.seconds))
        if outcome == TROUBLE:
            outcome = self._anew(mutant, asked)
        return {PASSED: "survived", FAILED: "killed", ENDLESS: "endless"}.get(outcome, "survived")

    def _anew(self, mutant: Mutant, asked: Asked) -> str:
        """What comes of one that stands outside functions, so that the program is imported with it."""
        target = self._copy / mutant.path
        source, files = target.read_text("utf-8"), sorted({test.partition("::")[0] for test in asked.tests})
        target.write_text(str(asked.made), "utf-8")
        try:
            return self._runner.run(files, asked.seconds + 10, plugins=lambda: [Only(asked.tests)])
        finally:
            target.write_text(source, "utf-8")
