"""A process that has collected every test and loaded the program; a fault is put into a forked child of it, in place
of the code of the function that has it, and costs only the tests that are asked.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, FunctionType

import pytest
from _pytest.main import pytest_runtestloop

from assure.running import FEWER, Runner, outcome_of

_OPTIMISED = 0x1
"""Set in the code of functions, not in that of modules and bodies of classes (`inspect.CO_OPTIMIZED`)."""
NOWHERE = 98
"""There is no such function to put a fault into."""


@dataclass(frozen=True)
class Question:
    """Whether these tests notice this fault.

    Args:
        path: the module, from the root.
        made: its text with the fault.
        tests: their names, in order.
        seconds: of processor time that they may take.
    """

    path: str
    made: str
    tests: list[str]
    seconds: float


class Collected:
    """Answers questions about faults inside functions.

    Args:
        runner: of the copy.
        where: files or folders of all tests that may be asked.
        options: of pytest.
    """

    def __init__(self, runner: Runner, where: Sequence[str], *options: str) -> None:
        fork = multiprocessing.get_context("fork")
        self._pipe, theirs = fork.Pipe()
        self._process = fork.Process(target=_collect, args=(theirs, runner.copy, [*options, *where]), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, question: Question) -> str:
        """What comes of the tests: passed, failed, endless, or could not be run."""
        self._pipe.send(question)
        answer: str = self._pipe.recv()
        return answer

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join()


def _collect(pipe: Connection, copy: Path, arguments: list[str]) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    pytest.main([*FEWER, *arguments], plugins=[_Loop(pipe, copy)])


class _Loop:
    """A plug-in of pytest that answers questions where pytest would run the tests."""

    def __init__(self, pipe: Connection, copy: Path) -> None:
        self._pipe, self._copy = pipe, copy

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Answer until nobody asks any more."""
        items = {item.nodeid: item for item in session.items}
        functions = _functions(self._copy)
        gc.collect()
        gc.freeze()
        while True:
            try:
                question: Question = self._pipe.recv()
            except EOFError:
                return True
            work = partial(self._work, question, session, items, functions)
            self._pipe.send(outcome_of(work, question.seconds))

    def _work(
        self,
        question: Question,
        session: pytest.Session,
        items: dict[str, pytest.Item],
        functions: dict[tuple[str, str, int], list[FunctionType]],
    ) -> int:
        target = self._copy / question.path
        pairs = changed(code_of(target, target.read_text("utf-8")), code_of(target, question.made))
        faulty = [(function, new) for old, new in pairs or () for function in functions[_place(old)]]
        for function, new in faulty:
            function.__code__ = new
        if not faulty:
            return NOWHERE
        session.items = [items[name] for name in question.tests]
        try:
            pytest_runtestloop(session)
        except (session.Failed, session.Interrupted):
            return 1
        return int(session.testsfailed > 0)


def code_of(path: Path, source: str) -> CodeType:
    """A module's code as its import makes it."""
    return compile(source, str(path), "exec", dont_inherit=True)


def changed(old: CodeType, new: CodeType) -> list[tuple[CodeType, CodeType]] | None:
    """The functions that differ between two versions of a module, or None if more differs than the insides of
    functions: then it must be imported anew.
    """
    found: list[tuple[CodeType, CodeType]] = []
    return found if _compare(old, new, found, inside=False) else None


def _compare(old: CodeType, new: CodeType, found: list[tuple[CodeType, CodeType]], *, inside: bool) -> bool:
    same, parts = _own(old) == _own(new), list(zip(_parts(old), _parts(new), strict=False))
    if inside or old.co_flags & _OPTIMISED:
        before = len(found)
        whole = all(_compare(a, b, found, inside=True) for a, b in parts)
        if not same or len(found) > before:
            found.append((old, new))
        executed = old.co_name.startswith("<") and old.co_name != "<lambda>" and not inside
        return whole and old.co_freevars == new.co_freevars and not (executed and len(found) > before)
    return same and all(_compare(a, b, found, inside=False) for a, b in parts)


def _own(code: CodeType) -> tuple[object, ...]:
    constants = tuple((type(one), one) for one in code.co_consts if not isinstance(one, CodeType))
    return (
        code.co_name, code.co_code, code.co_names, code.co_varnames, code.co_freevars, repr(constants),
        code.co_exceptiontable, code.co_flags, len(_parts(code)),
    )  # fmt: skip


def _parts(code: CodeType) -> list[CodeType]:
    return [one for one in code.co_consts if isinstance(one, CodeType)]


def _place(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _functions(copy: Path) -> dict[tuple[str, str, int], list[FunctionType]]:
    """Every function of the program that exists, by its place."""
    found: dict[tuple[str, str, int], list[FunctionType]] = defaultdict(list)
    for one in gc.get_objects():
        if type(one) is FunctionType and one.__code__.co_filename.startswith(str(copy)):
            found[_place(one.__code__)].append(one)
    return found
