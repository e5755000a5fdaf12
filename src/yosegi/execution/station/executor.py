"""The hand of a station: what does one thing at a time with its instrument."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from yosegi.core import canonical
from yosegi.core.capability import Capability
from yosegi.core.clock import SystemClock
from yosegi.core.engine import Outcome, Stopping
from yosegi.core.errors import Invalid, Unavailable, YosegiError
from yosegi.data import ObjectStore
from yosegi.data.pulling import inline
from yosegi.execution.engines._waiting import first_of
from yosegi.execution.engines.limits import TaskLimits
from yosegi.execution.engines.process import _system
from yosegi.execution.engines.process._call import answer, context_of
from yosegi.execution.engines.process.files import hand_in, taken_in
from yosegi.execution.engines.process.fork_server import Ending, ForkServer
from yosegi.execution.engines.station.documents import WorkOffer
from yosegi.execution.outcomes import ended_badly, from_answer, never_began

Report = Callable[[float, str], None]


class StationExecutor(Protocol):
    """Does tasks, one after another, each within its time."""

    async def do(self, offer: WorkOffer, report: Report) -> Outcome:
        """Do the task and say how it ended; never raises for a failure of the task."""
        ...

    def stop(self, word: Stopping) -> None:
        """Ask what runs to reach its safe state; after an abort it is ended by force when its grace is over."""
        ...

    async def close(self) -> None:
        """End every process this hand started."""
        ...


class DirectExecutor:
    """Calls the functions in the station's own process and thread: for a simulated instrument, and for tests.

    Args:
        capabilities: by name and version.
        state: the instrument's durable folder.
    """

    def __init__(
        self, capabilities: Mapping[str, Capability[Any, Any]], state: Path, store: ObjectStore | None = None
    ) -> None:
        self._capabilities, self._state, self._store = dict(capabilities), state, store
        self._scratch = state / "scratch"

    async def do(self, offer: WorkOffer, report: Report) -> Outcome:
        """See `Hand.do`."""
        capability = self._capabilities.get(offer.capability)
        if capability is None:
            return never_began("not_started", f"{offer.capability} is not at this station")
        self._scratch.mkdir(parents=True, exist_ok=True)
        limits = TaskLimits()
        try:
            files = _handed_in(self._store, offer, self._scratch)
            context = context_of(offer.query_of or offer.key, self._scratch, report, self._state, files=files)
            with contextlib.chdir(self._scratch):
                line = answer(capability, offer.inputs, context, limits.output, query=offer.query_of is not None)
            outcome = from_answer(line, offer.effect, limits.output)
            return await taken_in(self._store, outcome, self._scratch, clock=SystemClock(), offload=inline)
        except YosegiError as error:
            return never_began("not_started", str(error))
        finally:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def stop(self, word: Stopping) -> None:
        """Nothing can run while this is called."""

    async def close(self) -> None:
        """Nothing is open."""


class ProcessExecutor:
    """One long-lived process that holds the instrument, so that a hung or fallen driver takes no station with it.

    The process is replaced when a task ends it or must be ended by force.

    Args:
        entries: `package.module:attribute` of each capability.
        state: the instrument's durable folder.
        store: the station's objects; None where it has none.
    """

    def __init__(
        self,
        entries: Sequence[str],
        state: Path,
        *,
        limits: TaskLimits | None = None,
        import_path: tuple[Path, ...] = (),
        store: ObjectStore | None = None,
    ) -> None:
        self._store = store
        self._entries, self._state, self._import_path = tuple(entries), state.absolute(), import_path
        self._limits = limits or TaskLimits()
        self._server: ForkServer | None = None
        self._why = ""
        self._running = ""
        self._aborted = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The process that holds the instrument."""
        return self._server.pid if self._server is not None else None

    async def start(self) -> None:
        """Start the process, so that what cannot be imported is known before there is work.

        Raises:
            Unavailable: it cannot be started; says why.
        """
        await self._ready()

    async def do(self, offer: WorkOffer, report: Report) -> Outcome:
        """See `Hand.do`."""
        given, scratch = self._state / "given", self._state / "scratch"
        message = {
            "capability": offer.capability, "key": offer.key, "inputs": offer.inputs, "query_of": offer.query_of,
        }  # fmt: skip
        self._why, self._running = "", offer.capability
        self._aborted.clear()
        try:
            await asyncio.to_thread(_removed, given, scratch)
            message["files"] = await asyncio.to_thread(_handed_in, self._store, offer, given)
            outcome = await self._done(offer, message, report)
            return await taken_in(self._store, outcome, scratch, clock=SystemClock(), offload=asyncio.to_thread)
        except YosegiError as error:
            return never_began("not_started", str(error))
        finally:
            self._running = ""
            await asyncio.to_thread(_removed, given, scratch)

    async def _done(self, offer: WorkOffer, message: dict[str, Any], report: Report) -> Outcome:
        try:
            server = await self._ready()
            if offer.capability not in server.names:
                return never_began("not_started", f"{offer.capability} is not at this station")
            _, ending = server.begin(message, lambda text: _pass_on(text, report))
        except Unavailable as error:
            return never_began("not_started", str(error))
        ended = await self._within(server, ending, offer)
        if ended.started:
            return from_answer(ended.answer, offer.effect, self._limits.output)
        if self._why:
            said = "was told to stop" if self._why == "stopped" else f"may take {offer.time_limit:g} seconds"
            return ended_badly(offer.effect, self._why, f"ended by force; it {said}")
        return ended_badly(offer.effect, "crashed", "the process that holds the instrument ended")

    async def _ready(self) -> ForkServer:
        if self._server is not None and self._server.alive:
            return self._server
        if self._server is not None:
            await self._server.close()
        self._state.mkdir(parents=True, exist_ok=True)
        self._server = ForkServer(
            self._entries,
            self._limits,
            self._import_path,
            folder=self._state,
            program="yosegi.execution.station._worker",
        )
        await self._server.start()
        return self._server

    async def _within(self, server: ForkServer, ending: asyncio.Future[Ending], offer: WorkOffer) -> Ending:
        """How it ends: by itself, or by force when its time is over or somebody wants it ended."""
        try:
            async with asyncio.timeout(offer.time_limit):
                if (ended := await first_of(asyncio.shield(ending), self._aborted.wait())) is not None:
                    return ended
            self._why = "stopped"
        except TimeoutError:
            self._why = "time_limit"
        self._ask(server)
        try:
            async with asyncio.timeout(self._limits.grace if offer.grace is None else offer.grace):
                return await asyncio.shield(ending)
        except TimeoutError:
            server.kill_now()
            return replace(await ending, why=self._why)

    def _ask(self, server: ForkServer) -> None:
        if server.pid is not None:
            _system.signal_one(server.pid, signal.SIGTERM)

    def stop(self, word: Stopping) -> None:
        """See `Hand.stop`."""
        if word == "abort":
            self._aborted.set()
        elif self._server is not None and self._running in self._server.listening:
            self._ask(self._server)

    async def close(self) -> None:
        """See `Hand.close`."""
        if self._server is not None:
            await self._server.close()


def _handed_in(store: ObjectStore | None, offer: WorkOffer, folder: Path) -> dict[str, str]:
    return hand_in(store, offer.objects or {}, folder / "in") if store is not None else {}


def _removed(*folders: Path) -> None:
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)


def _pass_on(text: str, report: Report) -> None:
    try:
        fraction, words = canonical.loads(text)
        report(min(1.0, max(0.0, float(fraction))), str(words)[:200])
    except (Invalid, ValueError, TypeError):
        return  # decoration from a process that is not trusted
