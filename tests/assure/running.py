"""Runs tests in forked children of one process that has everything loaded but the program itself.

A mutant costs its tests, and not two seconds of imports each.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

FEWER = ("-p", "no:cacheprovider", "-p", "no:schemathesis", "-p", "no:anyio", "-x", "-q", "--no-header")
# Nobody reads why a test failed, and to show the values in it can take minutes.
FEWER = (*FEWER, "--tb=native", "--assert=plain")
QUICK = "not slow and not processes and not browser"
MOST_MEMORY = 6 * 2**30
PASSED, FAILED, ENDLESS = "passed", "failed", "endless"


class Runner:
    """Runs tests of one copy.

    Args:
        copy: the tree whose `src` and `tests` are run.
        warm: tests to collect beforehand, so that what they import is loaded before the fork.
    """

    def __init__(self, copy: Path, warm: Sequence[str]) -> None:
        self.copy = copy
        self._fork = multiprocessing.get_context("fork")
        os.chdir(copy)
        sys.path[:0] = [str(copy / "src"), str(copy / "tests")]
        sys.dont_write_bytecode = True
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            code = pytest.main([*FEWER, "--collect-only", *warm])
        if code != 0:
            raise RuntimeError(f"the tests cannot be collected (pytest says {code})")
        own = {path.name for path in (copy / "tests").iterdir()} | {"yosegi", "yosegi_packs", "tests", "conftest"}
        for name in [name for name in sys.modules if name.partition(".")[0] in own - {"assure"}]:
            del sys.modules[name]

    def run(self, tests: Sequence[str], seconds: float, *options: str) -> str:
        """What comes of the tests: passed, failed, or endless."""
        child = self._fork.Process(target=_child, args=([*FEWER, *options, *tests],))
        child.start()
        child.join(seconds)
        outcome = {0: PASSED, None: ENDLESS}.get(child.exitcode, FAILED)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid or 0, signal.SIGKILL)
        child.join()
        return outcome


def _child(arguments: list[str]) -> None:
    os.setsid()
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    code = pytest.main(arguments)
    # Nothing collected (5), a wrong call (4) or an error inside (3) would look like a failure and is none.
    os._exit(int(code) if code in (0, 1, 2) else 99)
