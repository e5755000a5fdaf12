"""A pytest plugin: how the tests are shared out among workers, so that all cores are at work until the end.

A file goes to one worker whole (`--dist loadfile`), and files that share a fixture of their package go together: each
worker that has one of them would make it anew, and a federation of processes costs ten seconds. What comes last alone
keeps the other workers waiting, so the files that may take longest begin first.
"""

from __future__ import annotations

import functools
import gc
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xdist.scheduler import LoadFileScheduling

# Hundreds of processes are started: each compiles everything it imports again where compiled modules are not kept.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Matrices are small here: threads of NumPy's that wait for each other take twice the time that the tests need.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# A test's objects are few beside those of all modules: looking for garbage this seldom saves a tenth of the time.
gc.set_threshold(50_000)

_SHARED = re.compile(r'@pytest\.fixture\(scope="package"\)\n(?:async )?def (\w+)\(')


@functools.cache
def unit(path: Path) -> Path:
    """What goes to one worker with a file: itself, or its folder if it asks for a fixture that the folder shares."""
    conftest = path.with_name("conftest.py")
    names = _SHARED.findall(conftest.read_text("utf-8")) if conftest.exists() else ()
    text = path.read_text("utf-8") if names else ""
    return path.parent if any(re.search(rf"[(,] *{name}\b *[:,)]", text) for name in names) else path


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Of `-n auto` three workers for two cores: while one waits for a process or a cluster, another works.

    Of `-n logical` one for each core, for tests that wait for nothing.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if config.option.numprocesses == "logical" else (3 * cores + 1) // 2


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling | None:
    """Of `--dist loadfile`, by `unit`."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Units(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return str(unit(config.rootpath / nodeid.split("::", 1)[0]))

    return Units(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of several workers: files with the longest time limits first, then those with slow tests, the others as they are.

    An order that chance has made stays.
    """
    if not hasattr(config, "workerinput") or config.pluginmanager.has_plugin("randomly"):
        return
    rank: dict[Path, tuple[float, bool]] = {}
    for item in items:
        limit = max((float(mark.args[0]) for mark in item.iter_markers("timeout") if mark.args), default=0.0)
        before = rank.get(unit(item.path), (0.0, False))
        slow = before[1] or item.get_closest_marker("slow") is not None
        rank[unit(item.path)] = (max(before[0], limit), slow)
    items.sort(key=lambda item: rank[unit(item.path)], reverse=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What was imported and collected stays: the garbage collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
