from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from execution import samples
from yosegi.core.clock import SystemClock
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Work
from yosegi.core.supervision import Supervisor
from yosegi.execution.engines.limits import TaskLimits
from yosegi.execution.engines.process.engine import ProcessEngine
from yosegi.execution.engines.process.worker_terms import WorkerTerms

HERE = Path(__file__).parent.parent
TERMS = {one.name for one in fields(WorkerTerms)}


@pytest.fixture(scope="session")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def work(
    name: str, key: str = "task/home/1", *, limit: float = 20.0, grace: float | None = None, **inputs: Any
) -> Work:
    found = getattr(samples, name)
    return Work(key, found.contract.name, inputs, limit, EffectClass(found.contract.effect), grace=grace)


def process_engine(folder: Path, *, publish: Collection[str] = (), **options: Any) -> ProcessEngine:
    """An engine of some samples, or of all. A warm one starts a worker for each, half a second of a core."""
    entries = {name: at for name, at in samples.names().items() if not publish or at.partition(":")[2] in publish}
    terms: dict[str, Any] = {"limits": TaskLimits(grace=0.1, output=200_000, printed=500_000), "import_path": (HERE,)}
    terms |= {name: options.pop(name) for name in TERMS & options.keys()}
    return ProcessEngine(
        entries,
        folder / "scratch",
        WorkerTerms(**terms),
        clock=SystemClock(),
        scope=Supervisor(SystemClock()).scope("engine"),
        **options,
    )


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie that nobody reaped has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return True


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process does; the test's own time limit ends it."""
    while not condition():
        await asyncio.sleep(0.005)


def can_shut_in() -> bool:
    """Whether bubblewrap is here and may make namespaces."""
    line = ["bwrap", "--ro-bind", "/", "/", "--unshare-pid", "--unshare-net", "--proc", "/proc", "true"]
    return shutil.which("bwrap") is not None and subprocess.run(line, capture_output=True, check=False).returncode == 0
