"""Batch engines of tests, over a Slurm that runs."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from execution import samples, tables
from execution.conftest import HERE
from processes import toys
from yosegi.core.capability import Capability
from yosegi.core.clock import SystemClock
from yosegi.core.engine import Outcome
from yosegi.core.supervision import Supervisor
from yosegi.data import FileStore
from yosegi.execution.engines.batch.dialect import Commands, Dialect
from yosegi.execution.engines.batch.engine import BatchEngine
from yosegi.execution.engines.batch.records import JobRecords
from yosegi.execution.engines.batch.settings import BatchSettings
from yosegi.execution.engines.batch.slurm import SlurmDialect
from yosegi.execution.engines.batch.spool import JobSpool

QUICK: Mapping[str, Any] = {
    "poll_seconds": 0.5, "look_seconds": 0.1, "lag_seconds": 0.5, "save_window_seconds": 2.0, "silence_seconds": 30.0,
    "stop_grace_seconds": 0.1, "start_seconds": 30.0, "meter": "contract", "accounting": "completion",
}  # fmt: skip
"""Patience for a scheduler and a file system on this machine."""
CAPABILITIES: Mapping[str, Capability[Any, Any]] = {
    f"{module.__name__}:{name}": found
    for module in (samples, toys, tables)
    for name, found in vars(module).items()
    if isinstance(found, Capability)
}
"""Everything that the engines of these tests do, by its entry."""


async def unheard(key: str, outcome: Outcome) -> None:
    """Nobody minds what comes late."""


def slurm(variables: Mapping[str, str], **options: Any) -> SlurmDialect:
    return SlurmDialect(Commands(variables=variables, patience=30.0), **{"accounting": "completion", **options})


def batch_engine(
    folder: Path, dialect: Dialect, *, on_late: Any = unheard, clock: Any = None, accounts: Any = None, **settings: Any
) -> BatchEngine:
    """An engine with every sample and toy; its folders are kept from one to the next."""
    known = BatchSettings.read(
        {"dialect": dialect.name, "folder": str(folder / "spool"), "python": sys.executable}
        | QUICK
        | {"import_path": [str(HERE)], "caps": {"nodes": 4}}
        | settings
    )
    found = {c.contract.name: c.contract for c in CAPABILITIES.values()}
    return BatchEngine(
        "cluster", known, dialect, JobRecords(folder / "records"),
        JobSpool(folder / "spool", FileStore(folder / "store")), clock or SystemClock(),
        Supervisor(clock or SystemClock()).scope("engine"), site="riken", contracts=found,
        entries={c.contract.name: entry for entry, c in CAPABILITIES.items()}, on_late=on_late,
        accounts=accounts,
    )  # fmt: skip


@asynccontextmanager
async def opened_engine(folder: Path, dialect: Dialect, **settings: Any) -> AsyncIterator[BatchEngine]:
    engine = batch_engine(folder, dialect, **settings)
    await engine.start()
    try:
        yield engine
    finally:
        await engine.close()
