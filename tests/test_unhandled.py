"""The test suite's own guard: a task whose exception nobody looks at fails the test that left it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parent
LEAVES_ONE = """
import asyncio

async def fails():
    raise ValueError("lost")

def test_leaves_a_task():
    async def work():
        asyncio.create_task(fails())
        await asyncio.sleep(0.01)
    asyncio.run(work())
"""
LOOKS_AT_IT = """
import asyncio

async def fails():
    raise ValueError("seen")

def test_awaits_its_task():
    async def work():
        await asyncio.gather(asyncio.create_task(fails()), return_exceptions=True)
    asyncio.run(work())
"""


def _run(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_one.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "unhandled", "-p", "no:cacheprovider", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "PYTEST_ADDOPTS": ""}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_task_whose_exception_nobody_looks_at_fails_its_test(tmp_path: Path) -> None:
    ran = _run(tmp_path, LEAVES_ONE)
    assert ran.returncode == 1
    assert "ValueError: lost" in ran.stdout


def test_a_task_whose_exception_is_looked_at_fails_nothing(tmp_path: Path) -> None:
    ran = _run(tmp_path, LOOKS_AT_IT)
    assert ran.returncode == 0, ran.stdout
