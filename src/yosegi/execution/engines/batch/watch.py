"""What looks after all jobs of an engine together: their folders often, the scheduler seldom and about all at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from yosegi.core.clock import Clock
from yosegi.core.errors import YosegiError
from yosegi.core.supervision import TaskScope
from yosegi.data.pulling import Offload
from yosegi.execution.engines._waiting import first_of
from yosegi.execution.engines.batch.case import BatchCase
from yosegi.execution.engines.batch.dialect import Dialect
from yosegi.execution.engines.batch.spool import JobSpool

log = logging.getLogger("yosegi.execution")
_SELDOM = 600.0
"""Seconds between two questions to a scheduler that does not answer, at the most."""
_SOON = 5.0
"""Seconds between two questions at the least, however much somebody wants to know."""


@dataclass
class JobWatch:
    """Tells each case what is seen and heard of its job.

    Args:
        cases: those that are waited for now.
        pause: seconds between two questions to the scheduler.
        look: seconds between two looks into folders.
        after_look: called after each look.
        as_users: whether each job is asked about as its own user.
    """

    dialect: Dialect
    spool: JobSpool
    clock: Clock
    scope: TaskScope
    offload: Offload
    cases: Callable[[], Iterable[BatchCase]]
    pause: float
    look: float
    after_look: Callable[[], None]
    as_users: bool = False
    trouble: str = ""
    """Why the scheduler did not answer last; empty if it did."""
    polls: int = 0
    failures: int = 0
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _pause: float = 0.0

    def start(self) -> None:
        """Begin to look and to ask, until the scope ends."""
        self._pause = self.pause
        self.scope.repeat("look into jobs' folders", self._look_on)
        self.scope.repeat("ask the scheduler", self._ask_on)

    def ask_soon(self) -> None:
        """Somebody wants to know what the scheduler says."""
        self._wanted.set()

    def _jobs(self) -> dict[str, BatchCase]:
        return {case.record.name: case for case in self.cases() if case.record is not None}

    async def _look_on(self) -> bool:
        jobs, began = self._jobs(), self.clock.monotonic()
        found = await self.offload(self.spool.look, list(jobs)) if jobs else {}
        for name, evidence in found.items():
            case = jobs[name]
            if case.record is not None and case.record.name == name:
                case.see(evidence, began)
        self.after_look()
        await self.clock.sleep(self.look)
        return True

    async def _ask_on(self) -> bool:
        soon = min(_SOON, self.pause)
        await self.clock.sleep(soon)
        await first_of(self._wanted.wait(), self.clock.sleep(max(0.0, self._pause - soon)))
        self._wanted.clear()
        self._pause = self.pause if await self.ask() else min(_SELDOM, 2 * self._pause)
        return True

    async def ask(self) -> bool:
        """Ask the scheduler about every job that may be there; whether it answered."""
        jobs = self._jobs()
        if not jobs:
            return True
        self.polls += 1
        users = (
            []
            if not self.as_users
            else sorted({case.record.user for case in jobs.values() if case.record is not None and case.record.user})
        )
        try:
            found = await self.dialect.look_up(
                {name: case.record.job if case.record else "" for name, case in jobs.items()}, users
            )
        except YosegiError as error:
            self.trouble = str(error)
            self.failures += 1
            log.warning("the batch scheduler does not answer: %s", error)
            for case in jobs.values():
                case.deaf()
            return False
        self.trouble = ""
        now = self.clock.monotonic()
        for name, case in jobs.items():
            if case.record is not None and case.record.name == name:
                case.hear(found.get(name, ()), now)
        return True
