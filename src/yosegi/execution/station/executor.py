"""What does one thing at a time with a station's instrument."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from yosegi.core import canonical
from yosegi.core.capability import Capability
from yosegi.core.clock import SystemClock
from yosegi.core.engine import Outcome, Stopping
from yosegi.core.errors import Invalid, Unavailable, YosegiError
from yosegi.data import ObjectStore
from yosegi.data.pulling import inline
from yosegi.execution.engines.limits import TaskLimits
from yosegi.execution.engines.process._call import answer, context_of
from yosegi.execution.engines.process.files import hand_in, taken_in
from yosegi.execution.engines.process.warm import WarmWorker
from yosegi.execution.engines.process.worker_terms import WorkerTerms
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
        """End every process this executor started."""
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
        """See `StationExecutor.do`."""
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
        self._entries, self._state = tuple(entries), state.absolute()
        self._limits = limits or TaskLimits()
        self._terms = WorkerTerms(self._limits, import_path)
        self._worker: WarmWorker | None = None
        self._number = 0

    @property
    def pid(self) -> int | None:
        """The process that holds the instrument."""
        return self._worker.pid if self._worker is not None else None

    async def start(self) -> None:
        """Start the process, so that what cannot be imported is known before there is work.

        Raises:
            Unavailable: it cannot be started; says why.
        """
        await self._ready()

    async def do(self, offer: WorkOffer, report: Report) -> Outcome:
        """See `StationExecutor.do`."""
        given, scratch = self._state / "given", self._state / "scratch"
        message = {
            "capability": offer.capability, "key": offer.key, "inputs": offer.inputs, "query_of": offer.query_of,
            "time_limit": offer.time_limit, "grace": offer.grace, "folder": str(scratch), "state": str(self._state),
        }  # fmt: skip
        try:
            await asyncio.to_thread(_removed, given, scratch)
            message["files"] = await asyncio.to_thread(_handed_in, self._store, offer, given)
            outcome = await self._done(offer, message, report)
            return await taken_in(self._store, outcome, scratch, clock=SystemClock(), offload=asyncio.to_thread)
        except YosegiError as error:
            return never_began("not_started", str(error))
        finally:
            self._number = 0
            await asyncio.to_thread(_removed, given, scratch)

    async def _done(self, offer: WorkOffer, message: dict[str, Any], report: Report) -> Outcome:
        try:
            worker = await self._ready()
            if offer.capability not in worker.names:
                return never_began("not_started", f"{offer.capability} is not at this station")
            self._number, ending = worker.begin(message, lambda text: _pass_on(text, report))
        except Unavailable as error:
            return never_began("not_started", str(error))
        ended = await asyncio.shield(ending)
        if ended.answer:
            return from_answer(ended.answer, offer.effect, self._limits.output)
        if ended.started is False:
            return never_began("not_started", ended.tail)
        if ended.why:
            said = "was told to stop" if ended.why == "stopped" else f"may take {offer.time_limit:g} seconds"
            return ended_badly(offer.effect, ended.why, f"ended by force; it {said}")
        return ended_badly(offer.effect, "crashed", "the process that holds the instrument ended")

    async def _ready(self) -> WarmWorker:
        if self._worker is not None and self._worker.alive:
            return self._worker
        if self._worker is not None:
            await self._worker.close()
        self._state.mkdir(parents=True, exist_ok=True)
        self._worker = WarmWorker(self._entries, self._terms, folder=self._state, limited=False)
        await self._worker.start()
        return self._worker

    def stop(self, word: Stopping) -> None:
        """See `StationExecutor.stop`."""
        if self._worker is not None and self._number:
            self._worker.stop(self._number, abort=word == "abort")

    async def close(self) -> None:
        """See `StationExecutor.close`."""
        if self._worker is not None:
            await self._worker.close()


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
