"""A world in which tasks have effects that can be counted, and engines that act on it."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from yosegi.core.capability import Capability, Context, Infeasible
from yosegi.core.contract import Contract
from yosegi.core.engine import Outcome, Progress, Stopping, Work
from yosegi.core.states import Effect, Result
from yosegi.data import ObjectStore
from yosegi.data.pulling import inline
from yosegi.execution.engines.process.files import hand_in, taken_in
from yosegi.execution.outcomes import ended_badly
from yosegi.testing.loop import SimulatedClock

FASTEST = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
"""Where simulated time need not wait for a disk: memory, where there is a folder of it; else wherever files go."""


@dataclass
class World:
    """What really happened, whoever remembers it: it outlives every site and engine.

    Args:
        effects: how often each task had its effect.
    """

    effects: Counter[str] = field(default_factory=Counter)

    def twice(self) -> list[str]:
        """Tasks that happened more than once."""
        return [key for key, count in self.effects.items() if count > 1]


@dataclass
class SimulatedEngine:
    """Runs capabilities in simulated time, on a world.

    Args:
        remembers: whether it keeps, as a station does, a durable book of what became of each key.
        book: that book; hand the same one to the engine of a restarted site.
        duration: seconds one task takes.
        point: told of each moment at which a process could die, by name; may raise.
        store: where objects among inputs and outputs lie.
    """

    name: str
    capabilities: dict[str, Capability[Any, Any]]
    world: World
    remembers: bool = False
    book: dict[str, Outcome | None] = field(default_factory=dict)
    duration: float = 1.0
    point: Callable[[str], None] = lambda name: None
    store: ObjectStore | None = None
    unsettled: str = ""
    broken: bool = False
    """Every task has its effect and then fails."""
    mute: bool = False
    """It does not answer when it is asked what became of a task."""
    _held: bool = False
    _running: set[str] = field(default_factory=set)
    _cancelled: set[str] = field(default_factory=set)
    _halted: dict[str, Stopping] = field(default_factory=dict)

    @property
    def contracts(self) -> dict[str, Contract]:
        """What it can do."""
        return {name: capability.contract for name, capability in self.capabilities.items()}

    async def start(self) -> None:
        """Nothing to start."""

    async def run(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """See `Engine.run`."""
        if self.remembers and work.key in self.book:
            known = self.book[work.key]
            if known is not None:
                return known
            if not work.effect.repeatable:
                return Outcome.failed(Effect.UNKNOWN, "interrupted", "it stopped in the middle")
        if work.key in self._cancelled:
            return Outcome.failed(Effect.NONE, "cancelled")
        self.book[work.key] = None
        self._running.add(work.key)
        try:
            self.point("engine before the effect")
            await asyncio.sleep(self.duration / 2)
            if work.key in self._halted:
                outcome = self.book[work.key] = Outcome.failed(Effect.NONE, "stopped")
                return outcome
            self._happen(work)
            self.point("engine after the effect")
            await asyncio.sleep(self.duration / 2)
            if self._halted.get(work.key) == "abort":
                outcome = ended_badly(work.effect, "stopped")
            else:
                # A station remembers only what it has whole: its objects are stored before its book says so.
                outcome = await self._outcome(work)
            self.book[work.key] = outcome
            return outcome
        finally:
            self._running.discard(work.key)

    async def attach(self, work: Work, progress: Callable[[Progress], None]) -> Outcome:
        """See `Engine.attach`: its book says."""
        return await self.run(work, progress)

    def _happen(self, work: Work) -> None:
        """The effect. What may be repeated is counted apart, by attempt: doing it again harms nothing."""
        name, again = work.key, itertools.count(1)
        while work.effect.repeatable and (name == work.key or name in self.world.effects):
            name = f"{work.key}#{next(again)}"
        self.world.effects[name] += 1

    async def query(self, work: Work) -> Outcome:
        """What the world says of a key, which is what a device that can be asked knows."""
        if self.mute:
            return Outcome.failed(Effect.NONE, "failed", "no answer")
        if not self.world.effects[work.query_of]:
            return Outcome.failed(Effect.NONE, "never_happened")
        return await self._outcome(work)

    async def _outcome(self, work: Work) -> Outcome:
        if self.broken:
            return Outcome.failed(Effect.DONE, "failed", "it is broken")
        with TemporaryDirectory(dir=FASTEST) as name:
            folder = Path(name)
            given = hand_in(self.store, work.objects, folder / "in") if self.store is not None else {}
            files = {name: Path(path) for name, path in given.items()}
            context = Context(key=work.key, seed=sum(work.key.encode()), folder=folder, files=files)
            try:
                outputs = self.capabilities[work.capability].run(work.inputs, context)
            except Infeasible as error:
                return Outcome.failed(Effect.DONE, "infeasible", error.why, invalid=True)
            outcome = Outcome(effect=Effect.DONE, result=Result.VALID, outputs=outputs)
            return await taken_in(self.store, outcome, folder, clock=SimulatedClock(), offload=inline)

    async def cancel(self, key: str) -> bool:
        """True if it was not started."""
        if key in self._running or key in self.book:
            return False
        self._cancelled.add(key)
        return True

    async def halt(self, key: str, word: Stopping) -> None:
        """Before its effect it has none; after it a safe stop lets it finish, and an abort leaves it unknown."""
        if key in self._running:
            self._halted[key] = word
        else:
            await self.cancel(key)

    async def safe_stop(self) -> None:
        """Start nothing more, and stop what runs."""
        await self._stop_all("safe_stop")

    async def abort(self) -> None:
        """The same, at once."""
        await self._stop_all("abort")

    async def _stop_all(self, word: Stopping) -> None:
        self._held = True
        for key in self._running:
            self._halted[key] = word

    async def resume(self) -> None:
        """Start again."""
        self._held = False

    async def settle(self, by: str, note: str) -> None:
        """A person has looked."""
        self.unsettled = ""

    async def close(self) -> None:
        """Nothing to end."""

    def statistics(self) -> dict[str, Any]:
        """How many run."""
        return {"running": len(self._running)}
