"""A warm worker: one long-lived process that does one task at a time, so that what is slow to get ready stays ready.

There is never a second task in it, so ending one by force ends nobody else's. Its death is learned with the truth about
the task it had: whether that had begun is what the process said last, in order, before the line to it closed.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from yosegi.core.errors import Unavailable
from yosegi.execution.engines._waiting import first_of
from yosegi.execution.engines.process import _system
from yosegi.execution.engines.process.fork_server import Ending, ForkServer
from yosegi.execution.engines.process.worker_terms import WorkerTerms


class WarmWorker:
    """One process for some capabilities of one module; it has the shape of a `ForkServer`.

    Args:
        entries: `package.module:attribute` of each.
        terms: what the process gets; it is in no sandbox.
        folder: where a task without a folder of its own gets one.
        limited: whether memory and file sizes of the process itself are limited.
    """

    def __init__(
        self,
        entries: tuple[str, ...],
        terms: WorkerTerms,
        *,
        folder: Path,
        limited: bool = True,
    ) -> None:
        self._entries, self._limits, self._folder = entries, terms.limits, folder
        self._server = ForkServer(
            entries,
            terms,
            folder=folder,
            program="yosegi.execution.engines.process._worker",
            options={"limited": limited},
            says_began=True,
        )
        self._listens = self._forced = False
        self._why = ""
        self._number = self._done = 0
        self._aborted = asyncio.Event()
        self._watching: asyncio.Task[Ending] | None = None
        self.children: frozenset[int] = frozenset()
        """None of its own; what a task starts ends with the process."""

    @property
    def alive(self) -> bool:
        """Whether it can take a task."""
        return self._server.alive and not self._forced

    @property
    def pid(self) -> int | None:
        """Its process number while it runs."""
        return self._server.pid

    @property
    def names(self) -> tuple[str, ...]:
        """Name and version of each capability it serves, once it has started."""
        return self._server.names

    async def start(self) -> None:
        """Start the process and wait until its module is imported.

        Raises:
            Unavailable: it cannot be imported, or not in time; says why.
        """
        await self._server.start()

    def begin(self, message: dict[str, Any], progress: Callable[[str], None]) -> tuple[int, asyncio.Future[Ending]]:
        """Hand over a task, once the one before has ended.

        Raises:
            Unavailable: the process has ended; the task was not handed over.
        """
        if self._forced or (self._watching is not None and not self._watching.done()):
            raise Unavailable(self._entries[0], "its worker is busy or has ended")
        self._why, self._listens = "", message["capability"] in self._server.listening
        self._aborted.clear()
        self._done += 1
        place = {"folder": str(self._folder / f"{self._server.prefix}-{self._done}")}
        self._number, ending = self._server.begin(place | message, progress)
        grace = self._limits.grace if message["grace"] is None else message["grace"]
        self._watching = asyncio.create_task(self._watch(ending, message["time_limit"], grace))
        return self._number, self._watching

    async def _watch(self, ending: asyncio.Future[Ending], time_limit: float, grace: float) -> Ending:
        """How it ends: by itself, or by force when its time is over or somebody wants it ended."""
        try:
            async with asyncio.timeout(time_limit):
                if (ended := await first_of(asyncio.shield(ending), self._aborted.wait())) is not None:
                    return replace(ended, why=self._why)
            self._why = self._why or "stopped"
        except TimeoutError:
            self._why = "time_limit"
        self._ask()
        try:
            async with asyncio.timeout(grace):
                ended = await asyncio.shield(ending)
        except TimeoutError:
            self.kill_now()
            ended = await ending
        return replace(ended, why=self._why)

    def _ask(self) -> None:
        if self.pid is not None:
            _system.signal_one(self.pid, signal.SIGTERM)

    def kill(self, number: int, why: str) -> None:
        """End a task by force, and the process with it; its ending says why."""
        if number == self._number and self._watching is not None and not self._watching.done():
            self._why = self._why or why
            self.kill_now()

    def stop(self, number: int, *, abort: bool) -> None:
        """Ask a task to stop; an abort ends it by force after its grace."""
        if number != self._number or self._watching is None or self._watching.done():
            return
        if abort:
            self._aborted.set()
        elif self._listens:
            self._ask()

    def scratch(self) -> list[Path]:
        """Folders of its tasks that are there still."""
        return self._server.scratch()

    def kill_now(self) -> None:
        """End the process, and what it started, by force."""
        self._forced = True
        self._server.kill_now()

    async def close(self) -> None:
        """End the process and everything it started."""
        await self._server.close()
        if self._watching is not None:
            await asyncio.gather(self._watching, return_exceptions=True)

    def __repr__(self) -> str:
        busy = self._watching is not None and not self._watching.done()
        return f"<warm worker of {', '.join(self._entries)}: {'busy' if busy else 'idle' if self.alive else 'ended'}>"
