"""The engine of this machine: each task in a supervised process of its own, or in a warm worker of its capability.

A process of its own is forked from one that has imported the capability's module; the two are told apart here only
where they are made.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Self

from yosegi.core import canonical
from yosegi.core.clock import Clock
from yosegi.core.contract import EffectClass
from yosegi.core.engine import Outcome, Progress, Stopping, Work
from yosegi.core.errors import Corrupt, Invalid, NotFound, Unavailable
from yosegi.core.supervision import TaskScope
from yosegi.data import ObjectStore
from yosegi.execution.engines.entry_points import split_entry
from yosegi.execution.engines.plugin import EngineServices
from yosegi.execution.engines.process._call import seed_of
from yosegi.execution.engines.process._sandbox import PROGRAM
from yosegi.execution.engines.process.files import hand_in, taken_in
from yosegi.execution.engines.process.fork_server import Ending, ForkServer
from yosegi.execution.engines.process.settings import ProcessSettings
from yosegi.execution.engines.process.warm import WarmWorker
from yosegi.execution.engines.process.worker_terms import WorkerTerms
from yosegi.execution.outcomes import ended_badly, from_answer, never_began

_AGAIN_AFTER = 5.0
"""Seconds for which a failed import is not tried again."""
_KILL_GRACE = 10.0
"""Seconds after the last moment of a task in which its worker must have reported its end."""

Worker = ForkServer | WarmWorker
"""What has imported a module and does tasks of its capabilities."""


@dataclass
class _Case:
    work: Work
    turn: asyncio.Future[bool]
    server: Worker | None = None
    number: int = 0
    cancelled: bool = False
    files: dict[str, str] = field(default_factory=dict)
    ending: asyncio.Future[Ending] | None = None
    left: bool = False

    @property
    def folder(self) -> Path | None:
        """Its scratch folder, from the moment its end is known until its files are in the store."""
        over = self.ending is not None and self.ending.done() and not self.ending.cancelled()
        return self.ending.result().folder if over and self.ending is not None else None


@dataclass
class _Module:
    """What does the tasks of one module, or of one capability where workers are warm; started when first needed.

    Args:
        full: whether it has as many tasks as it can take.
    """

    entries: tuple[str, ...]
    server: Worker | None = None
    full: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    failed: str = ""
    failed_at: float = 0.0


class ProcessEngine:
    """Runs capabilities in processes of this machine.

    Args:
        entries: `package.module:attribute` of each capability, by its name and version.
        folder: for scratch folders; emptied at the start.
        terms: what each worker gets.
        slots: tasks at a time.
        store: where objects among inputs and outputs lie; None where there are none.
        worker: a process for each task, or one warm process for each capability, which takes one task at a time.
        name: the engine's.
        printed_to: a file to which what tasks print is added; None where it is not kept.
    """

    remembers = False
    Settings = ProcessSettings

    @classmethod
    def open(cls, settings: ProcessSettings, services: EngineServices) -> Self:
        """See `EngineKind.open`."""
        return cls(
            services.entries,
            services.folder,
            settings.terms(services.folder, services.home),
            clock=services.clock,
            scope=services.scope,
            slots=settings.slots,
            store=services.store,
            worker=settings.worker,
            name=services.name,
        )

    def __init__(
        self,
        entries: Mapping[str, str],
        folder: Path,
        terms: WorkerTerms,
        *,
        clock: Clock,
        scope: TaskScope,
        slots: int = 2,
        store: ObjectStore | None = None,
        worker: Literal["per_task", "warm"] = "per_task",
        name: str = "process",
        printed_to: Path | None = None,
    ) -> None:
        self._printed_to = printed_to
        self.name, self._store, self._worker = name, store, worker
        self._entries, self._folder, self._slots, self._clock = dict(entries), folder.absolute(), slots, clock
        self._terms, self._limits = terms, terms.limits
        self._modules: dict[str, _Module] = {}
        for entry in self._entries.values():
            module = self._modules.setdefault(self._place(entry), _Module(()))
            module.entries = (*module.entries, entry)
        self._cases: dict[str, _Case] = {}
        self._waiting: deque[_Case] = deque()
        self._running = 0
        self._stopped = False
        self._given = 0
        self._counts = {"ended": 0, "failed": 0, "restarts": 0}
        self._scope = scope
        self._sweeping: set[asyncio.Future[None]] = set()
        self._warming: list[asyncio.Future[None]] = []
        self._closed = False

    def _place(self, entry: str) -> str:
        """What the tasks of an entry share a worker with: those of its module, or its own alone."""
        return entry if self._worker == "warm" else split_entry(entry)[0]

    def _module(self, work: Work) -> _Module:
        return self._modules[self._place(self._entries[work.capability])]

    async def start(self) -> None:
        """Empty the scratch folder and start importing.

        Raises:
            Invalid: workers are to be shut in, and what does that is not installed.
        """
        if self._terms.sandbox is not None and shutil.which(PROGRAM) is None:
            raise Invalid(f"engine {self.name}", f"sandbox: there is no {PROGRAM} here", "install bubblewrap")
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._warming = [
            self._scope.spawn(f"import for {place}", partial(self._warm, module))
            for place, module in self._modules.items()
        ]

    async def _warm(self, module: _Module) -> None:
        with contextlib.suppress(Unavailable):
            await self._server(module)

    async def run(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """See `Engine.run`."""
        if work.capability not in self._entries:
            return never_began("not_started", f"{work.capability} does not run here")
        if work.key in self._cases:
            return never_began("not_started", f"{work.key} is running already")
        case = self._cases[work.key] = _Case(work, asyncio.get_running_loop().create_future())
        try:
            self._waiting.append(case)
            self._pump()
            if not await case.turn:
                return never_began("cancelled", "taken back while it waited")
            try:
                outcome = await self._attempt(case, progress)
            finally:
                self._running -= 1
                self._module(work).full = False
                self._pump()
        finally:
            self._drop(case)
        self._counts["ended" if not outcome.reason else "failed"] += 1
        return outcome

    async def attach(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """As `run`: this engine remembers nothing."""
        return await self.run(work, progress)

    async def query(self, work: Work) -> Outcome:
        """See `Engine.query`: the capability's query function, in a process like any task."""
        return await self.run(work, lambda progress: None)

    def _drop(self, case: _Case) -> None:
        self._cases.pop(case.work.key, None)
        if case in self._waiting:
            self._waiting.remove(case)
        elif case.turn.cancelled():
            self._pump()

    def _pump(self) -> None:
        for case in list(self._waiting):
            if self._running >= self._slots or self._stopped:
                return
            module = self._module(case.work)
            if case.turn.done():
                self._waiting.remove(case)
            elif not module.full:
                self._waiting.remove(case)
                self._running += 1
                module.full = self._worker == "warm"
                case.turn.set_result(True)

    async def _attempt(self, case: _Case, progress: Callable[[Progress], None]) -> Outcome:
        """One attempt, between handing its objects in and taking them in."""
        self._given += 1
        given = self._folder / f"in-{self._given}"
        try:
            try:
                if case.work.objects and self._store is not None:
                    case.files = await asyncio.to_thread(hand_in, self._store, case.work.objects, given)
            except (NotFound, Corrupt, Unavailable) as error:
                return never_began("not_started", str(error))
            outcome = await self._run(case, progress)
            if case.folder is None:
                return outcome
            return await taken_in(self._store, outcome, case.folder, clock=self._clock, offload=asyncio.to_thread)
        finally:
            if (case.left or self._worker == "warm") and case.folder is not None:
                self._tidy(case.folder)
            case.ending = None
            if case.work.objects:
                self._tidy(given)

    async def _run(self, case: _Case, progress: Callable[[Progress], None]) -> Outcome:
        """Have a worker do it; of one that a warm worker proves not to have begun, once more."""
        again = self._worker == "warm"
        while True:
            try:
                case.server = server = await self._server(self._module(case.work))
                if case.cancelled:
                    return never_began("cancelled", "taken back before it started")
                case.number, ending = server.begin(self._message(case), partial(_report, case.work.key, progress))
            except Unavailable as error:
                return never_began("not_started", str(error))
            case.ending = ending
            ended = await self._ended(case, server, ending)
            if not again or ended.started is not False or ended.why:
                return self._outcome(case, ended)
            again = False

    def _message(self, case: _Case) -> dict[str, Any]:
        work = case.work
        return {
            "attribute": split_entry(self._entries[work.capability])[1], "capability": work.capability,
            "key": work.key, "seed": seed_of(work.query_of or work.key), "inputs": work.inputs,
            "time_limit": work.time_limit, "grace": work.grace, "files": case.files, "query_of": work.query_of,
            "printed_to": None if self._printed_to is None else str(self._printed_to),
        }  # fmt: skip

    async def _ended(self, case: _Case, server: Worker, ending: asyncio.Future[Ending]) -> Ending:
        work = case.work
        try:
            grace = self._limits.grace if work.grace is None else work.grace
            async with asyncio.timeout(work.time_limit + grace + _KILL_GRACE):
                return await asyncio.shield(ending)
        except TimeoutError:
            # The worker itself does not answer: end it, and with it whatever it holds.
            server.kill_now()
            return replace(await ending, why="time_limit")
        except asyncio.CancelledError:
            server.kill(case.number, "cancelled")
            raise

    def _outcome(self, case: _Case, ended: Ending) -> Outcome:
        effect = case.work.effect
        if ended.started is False:
            return never_began("cancelled" if ended.why == "cancelled" else "not_started", ended.tail)
        if ended.answer:
            return from_answer(ended.answer, effect, self._limits.output)
        if ended.why == "cancelled":
            return never_began("cancelled", "ended on request; it has no effect outside itself")
        said = f"; the last it printed: {ended.tail.strip()[-500:]}" if ended.tail.strip() else ""
        if ended.why == "time_limit":
            return ended_badly(effect, "time_limit", f"ended after {case.work.time_limit:g} seconds{said}")
        if ended.why == "stopped":
            return ended_badly(effect, "stopped", f"ended by force: it did not stop when it was asked to{said}")
        if ended.why:
            return ended_badly(effect, ended.why, f"more than {self._limits.output} bytes answered, or printed "
                               f"more than {self._limits.printed}")  # fmt: skip
        if ended.status == 0 and ended.started:
            return ended_badly(effect, "bad_output", f"ended without an answer{said}")
        return ended_badly(effect, "crashed", _how(ended) + said)

    async def _server(self, module: _Module) -> Worker:
        """The module's worker; a dead one is replaced.

        Raises:
            Unavailable: it cannot be started.
        """
        if module.server is not None and module.server.alive:
            return module.server
        async with module.lock:
            if self._closed:
                raise Unavailable(module.entries[0], "the engine is closed", "it is started again with the site")
            if module.server is not None:
                if module.server.alive:
                    return module.server
                await module.server.close()
                for folder in module.server.scratch():
                    self._tidy(folder)
                module.server = None
                self._counts["restarts"] += 1
            if module.failed and self._clock.monotonic() - module.failed_at < _AGAIN_AFTER:
                raise Unavailable(module.entries[0], module.failed, "it is tried again in some seconds")
            server = self._made(module)
            try:
                await server.start()
            except Unavailable as error:
                module.failed, module.failed_at = error.why, self._clock.monotonic()
                raise
            module.server, module.failed = server, ""
            return server

    def _made(self, module: _Module) -> Worker:
        if self._worker == "warm":
            return WarmWorker(module.entries, self._terms, folder=self._folder)
        return ForkServer(module.entries, self._terms, folder=self._folder, on_left=self._on_left)

    def _on_left(self, folder: Path) -> None:
        """A task left something in its folder; what are outputs may be on the way into the store."""
        for case in self._cases.values():
            if case.folder == folder:
                case.left = True
                return
        self._tidy(folder)

    def _tidy(self, folder: Path) -> None:
        task = self._scope.spawn("remove a task's folder", partial(asyncio.to_thread, _remove, folder))
        self._sweeping.add(task)
        task.add_done_callback(self._sweeping.discard)

    async def cancel(self, key: str) -> bool:
        """See `Engine.cancel`: proved while it waits; a `pure` task is ended at any moment."""
        case = self._cases.get(key)
        if case is None:
            return False
        if not case.turn.done():
            case.turn.set_result(False)
            return True
        if case.server is None:
            case.cancelled = True
            return True
        if case.work.effect is EffectClass.PURE:
            case.server.kill(case.number, "cancelled")
            return True
        return False

    async def halt(self, key: str, word: Stopping) -> None:
        """See `Engine.halt`. What takes no `context` cannot hear: a safe stop lets it finish."""
        case = self._cases.get(key)
        if case is None:
            return
        if not case.turn.done():
            case.turn.set_result(False)
        elif case.server is None:
            case.cancelled = True
        else:
            case.server.stop(case.number, abort=word == "abort")

    async def safe_stop(self) -> None:
        """See `Engine.safe_stop`."""
        await self._stop_all("safe_stop")

    async def abort(self) -> None:
        """See `Engine.abort`."""
        await self._stop_all("abort")

    async def _stop_all(self, word: Stopping) -> None:
        self._stopped = True
        for key, case in list(self._cases.items()):
            if case.turn.done():
                await self.halt(key, word)

    async def resume(self) -> None:
        """Start again."""
        self._stopped = False
        self._pump()

    async def close(self) -> None:
        """End every process."""
        self._stopped = self._closed = True
        for warming in self._warming:
            warming.cancel()
        await asyncio.gather(*self._warming, return_exceptions=True)
        for case in list(self._waiting):
            if not case.turn.done():
                case.turn.set_result(False)
        for module in self._modules.values():
            async with module.lock:
                if module.server is not None:
                    await module.server.close()
        await asyncio.gather(*self._sweeping, return_exceptions=True)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    def statistics(self) -> dict[str, Any]:
        """See `Engine.statistics`."""
        servers = [module.server for module in self._modules.values() if module.server is not None]
        return {
            "slots": self._slots,
            "running": self._running,
            "waiting": len(self._waiting),
            "stopped": self._stopped,
            "processes": sum(1 + len(server.children) for server in servers if server.alive),
            **self._counts,
        }

    def __repr__(self) -> str:
        return f"<process engine: {self._running} of {self._slots} slots busy, {len(self._waiting)} waiting>"


def _report(key: str, progress: Callable[[Progress], None], text: str) -> None:
    try:
        fraction, words = canonical.loads(text)
        progress(Progress(key, min(1.0, max(0.0, float(fraction))), str(words)[:200]))
    except (Invalid, ValueError, TypeError):
        return  # it is decoration from an untrusted process; the outcome is what counts


def _how(ended: Ending) -> str:
    if ended.started is None:
        return "the process that held it ended"
    if ended.status < 0:
        try:
            return f"ended by {signal.Signals(-ended.status).name}"
        except ValueError:
            return f"ended by signal {-ended.status}"
    return f"exited with status {ended.status}"


def _remove(folder: Path) -> None:
    """Remove a folder even if its task took the rights to it away."""
    for parent, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            Path(parent).chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
