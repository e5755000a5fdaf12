"""An event loop whose time passes only when nothing is left to do: a week in a second, the same each time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
EPOCH = datetime(2026, 4, 1, tzinfo=UTC)


class Stuck(Exception):
    """Nothing can ever happen again, and the work is not done."""


class _NoWait(selectors.DefaultSelector):
    """Never waits; moves the loop's time forward instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise Stuck("every task waits and no timer is set")
        self.now += max(0.0, timeout)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on simulated time."""

    def __init__(self) -> None:
        self._selector_of_time = _NoWait()
        super().__init__(self._selector_of_time)

    def time(self) -> float:
        """Seconds since the loop was made."""
        return self._selector_of_time.now

    def leap(self, seconds: float) -> None:
        """Let time pass in which nothing happens, as on machines that sleep; what fell due meanwhile happens late."""
        self._selector_of_time.now += seconds


class SimulatedClock:
    """The clock of one site on a simulated loop; `skew` is by how many seconds it is wrong."""

    def __init__(self, skew: float = 0.0) -> None:
        self.skew = skew

    def now(self) -> datetime:
        """The time of day as this site believes it."""
        return EPOCH + timedelta(seconds=asyncio.get_running_loop().time() + self.skew)

    def monotonic(self) -> float:
        """The loop's time."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Let simulated time pass."""
        await asyncio.sleep(seconds)


def run_simulated(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end on simulated time."""
    loop = SimulatedLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
