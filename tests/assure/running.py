"""Runs tests in forked children of one process that has everything loaded but the program itself.

A mutant costs its tests, and not two seconds of imports each.
"""

from __future__ import annotations

import contextlib
import math
import os
import resource
import select
import signal
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import pytest
from hypothesis import Phase, settings

FEWER = ("-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:anyio", "-x", "-q", "--no-header")
# Nobody reads why a test failed, and to show the values in it can take minutes.
FEWER = (*FEWER, "--tb=native", "--assert=plain")
QUICK = "not slow and not processes and not browser"
MOST_MEMORY = 6 * 2**30
PASSED, FAILED, ENDLESS, TROUBLE = "passed", "failed", "endless", "could not be run"
IDLE = 10.0
"""Seconds on the wall in which neither tests nor a process of theirs works: they wait for what will never come."""

# No example is kept or made smaller: whether there is one is all that is asked, and the same ones each time.
settings.register_profile(
    "assure", derandomize=True, database=None, deadline=None, max_examples=30, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("assure")


class Runner:
    """Runs tests of one copy.

    Args:
        copy: the tree whose `src` and `tests` are run.
        warm: tests to collect beforehand, so that what they import is loaded before the fork.
    """

    def __init__(self, copy: Path, warm: Sequence[str]) -> None:
        self.copy = copy
        self._enter()
        sys.dont_write_bytecode = True
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            code = pytest.main([*FEWER, "--collect-only", *warm])
        if code != 0:
            raise RuntimeError(f"the tests cannot be collected (pytest says {code})")
        own = {path.stem for part in ("src", "tests") for path in (copy / part).iterdir()} | {"tests", "conftest"}
        for name in [name for name in sys.modules if name.partition(".")[0] in own - {"assure"}]:
            del sys.modules[name]

    def move(self, copy: Path) -> None:
        """Run tests of another copy of the same tree from now on, with the same loaded beforehand."""
        sys.path[:] = [one for one in sys.path if not one.startswith(str(self.copy))]
        self.copy = copy
        self._enter()

    def _enter(self) -> None:
        os.chdir(self.copy)
        own = [str(self.copy / "src"), str(self.copy / "tests")]
        sys.path[:0] = own
        # Processes that tests start run this copy too, and not the program that is installed.
        os.environ["PYTHONPATH"] = os.pathsep.join(own)

    def run(self, where: Sequence[str], seconds: float, plugins: Callable[[], list[object]] = list) -> str:
        """What comes of tests in a child that imports the program anew: passed, failed, endless, or could not be run.

        Args:
            where: files or names of tests, and options of pytest.
            seconds: of processor time that they may take.
            plugins: of pytest, made in the child.
        """
        return outcome_of(lambda: int(pytest.main([*FEWER, *where], plugins=plugins())), seconds)


class Only:
    """A plug-in of pytest that runs these tests in this order, and passes if none of them is there.

    Args:
        names: the tests.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._order = {name: number for number, name in enumerate(names)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Choose them."""
        chosen = [item for item in items if item.nodeid in self._order]
        items[:] = sorted(chosen, key=lambda item: self._order[item.nodeid])

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Nothing is left where a fault changes a test's name, and then nothing noticed it."""
        if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED:
            session.exitstatus = pytest.ExitCode.OK


def outcome_of(work: Callable[[], int], seconds: float) -> str:
    """What comes of tests in a forked child.

    Args:
        work: runs the tests and gives pytest's code.
        seconds: of processor time that they may take. Those of whom no process does anything at all for ten seconds
            on the wall count as endless too.
    """
    if (child := os.fork()) == 0:
        os._exit(_quietly(work, seconds))
    handle, spent, idle = os.pidfd_open(child), 0.0, False
    while not (ended := bool(select.select([handle], [], [], IDLE)[0])) and not idle:
        before, spent = spent, _spent(child)
        idle = spent - before < 0.05
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    os.close(handle)
    _, status = os.waitpid(child, 0)
    if not ended or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return ENDLESS
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 1
    # Without the fault these tests can be collected and run: what stops that (2, 3, 4: an import that fails, in a
    # conftest.py too) is the fault. That nothing was collected (5) is no failure of a test.
    return {0: PASSED, 1: FAILED, 2: FAILED, 3: FAILED, 4: FAILED}.get(code, TROUBLE)


def _quietly(work: Callable[[], int], seconds: float) -> int:
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), math.ceil(seconds) + 5))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in (1, 2):
            os.dup2(nowhere, descriptor)
        return work()
    except BaseException:  # noqa: BLE001 - the child of a fork must not go on as its parent
        return 99


def _spent(process: int) -> float:
    """Processor time so far of a process and all that it started, whether they are there or were waited for [s]."""
    found: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text("ascii", errors="replace").rpartition(")")[2].split()
            found[int(stat.parent.name)] = [int(fields[1]), sum(map(int, fields[11:15]))]
    own = {process}
    while more := {one for one, (parent, _) in found.items() if parent in own} - own:
        own |= more
    return sum(found[one][1] for one in own if one in found) / os.sysconf("SC_CLK_TCK")
