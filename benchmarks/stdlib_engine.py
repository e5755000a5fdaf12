"""An engine on the standard library's fork server (multiprocessing), to hold ours against: `kind = "forkserver"`.

A process for each task, forked from one that has imported the capability's module, with limits, a scratch folder and an
end by force, as ours; and without what ours does besides: it keeps nothing of what a task prints, asks nobody before it
ends them, and passes no objects and no progress. So it does less, and what it costs is a lower bound.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import resource
import shutil
import signal
from collections.abc import Callable
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Self

from yosegi.core.engine import Outcome, Progress, Stopping, Work
from yosegi.execution.engines.entry_points import load, split_entry
from yosegi.execution.engines.limits import TaskLimits
from yosegi.execution.engines.plugin import EngineServices, EngineSettings
from yosegi.execution.engines.process import _call, _system
from yosegi.execution.outcomes import ended_badly, from_answer, never_began

LIMITS = TaskLimits()


class StdlibEngine:
    """Runs each task in a process of `multiprocessing`'s fork server."""

    remembers = False
    Settings = EngineSettings

    @classmethod
    def open(cls, settings: EngineSettings, services: EngineServices) -> Self:
        return cls(services.name, dict(services.entries), services.folder, settings.slots)

    def __init__(self, name: str, entries: dict[str, str], folder: Path, slots: int) -> None:
        self.name, self._entries, self._folder = name, entries, folder.absolute()
        self._context = multiprocessing.get_context("forkserver")
        self._slots = asyncio.Semaphore(slots)
        self._running: dict[str, ForkServerProcess] = {}
        self._cancelled: set[str] = set()
        self._made = 0
        self._ending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        modules = sorted({split_entry(entry)[0] for entry in self._entries.values()})
        multiprocessing.set_forkserver_preload([*modules, __name__])
        forkserver.ensure_running()

    async def run(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        if work.capability not in self._entries:
            return never_began("not_started", f"{work.capability} does not run here")
        async with self._slots:
            return await self._attempt(work)

    async def _attempt(self, work: Work) -> Outcome:
        self._made += 1
        folder = self._folder / str(self._made)
        mine, its = self._context.Pipe(duplex=False)
        arguments = (self._entries[work.capability], work.key, work.inputs, str(folder), its)
        process = self._running[work.key] = self._context.Process(target=_child, args=arguments, daemon=True)
        try:
            process.start()
            its.close()
            line = await self._answer(mine, work.time_limit)
        finally:
            mine.close()
            self._end(process, folder)
            del self._running[work.key]
        if line:
            return from_answer(line, work.effect, LIMITS.output)
        if work.key in self._cancelled:
            return never_began("cancelled")
        return ended_badly(work.effect, "time_limit" if line is None else "crashed")

    async def _answer(self, connection: Connection, seconds: float) -> bytes | None:
        """What the child says; empty if it ended without, None if its time was over."""
        loop = asyncio.get_running_loop()
        readable = loop.create_future()
        loop.add_reader(connection.fileno(), lambda: readable.done() or readable.set_result(None))
        try:
            async with asyncio.timeout(seconds):
                await readable
            return connection.recv_bytes(LIMITS.output)
        except EOFError:
            return b""
        except TimeoutError:
            return None
        finally:
            loop.remove_reader(connection.fileno())

    def _end(self, process: ForkServerProcess, folder: Path) -> None:
        """It has answered or is to go: it is ended by force, and its end is not waited for."""
        if process.pid is not None:
            _system.kill_group(process.pid, signal.SIGKILL)
        task = asyncio.create_task(self._reap(process, folder))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _reap(self, process: ForkServerProcess, folder: Path) -> None:
        loop, gone = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
        loop.add_reader(process.sentinel, lambda: gone.done() or gone.set_result(None))
        try:
            await gone
        finally:
            loop.remove_reader(process.sentinel)
        process.join()
        process.close()
        with contextlib.suppress(OSError):
            folder.rmdir()

    async def attach(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        return await self.run(work, progress)

    async def query(self, work: Work) -> Outcome:
        return never_began("not_started", "it cannot be asked")

    async def cancel(self, key: str) -> bool:
        return False

    async def halt(self, key: str, word: Stopping) -> None:
        if word == "abort" and key in self._running and (pid := self._running[key].pid) is not None:
            _system.kill_group(pid, signal.SIGKILL)

    async def safe_stop(self) -> None:
        """Nothing that runs here listens."""

    async def abort(self) -> None:
        for key in self._running:
            await self.halt(key, "abort")

    async def resume(self) -> None:
        """Nothing was stopped."""

    async def close(self) -> None:
        await self.abort()
        await asyncio.gather(*self._ending, return_exceptions=True)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def statistics(self) -> dict[str, Any]:
        return {"running": len(self._running), "waiting": 0, "stopped": False}


def _child(entry: str, key: str, inputs: dict[str, Any], folder: str, answer_to: Connection) -> None:
    parent = os.getppid()
    os.setsid()
    _system.die_with(parent)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.umask(0o077)
    for kind, amount in ((resource.RLIMIT_AS, LIMITS.memory), (resource.RLIMIT_FSIZE, LIMITS.file_size)):
        resource.setrlimit(kind, (amount, amount))
    place = Path(folder)
    place.mkdir(mode=0o700)
    os.chdir(place)
    capability = load(entry)
    context = _call.context_of(key, place, lambda fraction, text: None)
    answer_to.send_bytes(_call.answer(capability, inputs, context, LIMITS.output))
