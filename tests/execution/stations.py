"""A station and its site's engine in one process, with a link that does what a test asks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from execution import samples
from yosegi.core.capability import Capability
from yosegi.core.clock import Clock
from yosegi.core.engine import Outcome, Stopping
from yosegi.core.errors import Unavailable
from yosegi.core.supervision import Supervisor
from yosegi.execution.engines.station.documents import WorkOffer
from yosegi.execution.engines.station.engine import StationEngine
from yosegi.execution.station import DirectExecutor, IntentLog, Pace, Station
from yosegi.execution.station.executor import Report
from yosegi.trust.keys import by_id
from yosegi.trust.signer import Ed25519Signer

STATION_KEY, SITE_KEY = Ed25519Signer.from_seed(b"s" * 32), Ed25519Signer.from_seed(b"h" * 32)
CAPABILITIES: dict[str, Capability[Any, Any]] = {
    found.contract.name: found for found in vars(samples).values() if isinstance(found, Capability)
}


@dataclass
class DirectLink:
    """Calls the engine at once. `fault(number)` may lose a call (`lost`) or its answer (`answer_lost`)."""

    engine: Callable[[bytes], Any]
    clock: Clock
    fault: Callable[[int], str] = lambda number: ""
    up: bool = True
    calls: int = 0
    sent: list[bytes] = field(default_factory=list)

    async def exchange(self, call: bytes, *, timeout: float) -> bytes:
        self.calls += 1
        number = self.calls
        self.sent.append(call)
        await self.clock.sleep(0.001)
        if not self.up or self.fault(number) == "lost":
            raise Unavailable("the site", "out of reach")
        answer: bytes = await self.engine(call)
        if not self.up or self.fault(number) == "answer_lost":
            raise Unavailable("the site", "the answer was lost")
        return answer


class SlowExecutor(DirectExecutor):
    """Takes its time, on the clock, before and after the effect; `point` is told of each moment and may raise."""

    def __init__(self, state: Path, clock: Clock, *, seconds: float = 1.0) -> None:
        super().__init__(CAPABILITIES, state)
        self.clock, self.seconds = clock, seconds
        self.point: Callable[[str], None] = lambda name: None
        self.done: list[str] = []
        self.stops: list[str] = []

    def stop(self, word: Stopping) -> None:
        self.stops.append(word)

    async def do(self, offer: WorkOffer, report: Report) -> Outcome:
        self.point("after started")
        await self.clock.sleep(self.seconds / 2)
        outcome = await super().do(offer, report)
        self.done.append(offer.key)
        self.point("after the effect")
        await self.clock.sleep(self.seconds / 2)
        return outcome


async def unheard(key: str, outcome: Outcome) -> None:
    """Nobody minds what comes late."""


def make_engine(clock: Clock, **options: Any) -> StationEngine:
    contracts = {name: found.contract for name, found in CAPABILITIES.items()}
    return StationEngine(
        "robot",
        STATION_KEY.public,
        contracts,
        clock,
        Supervisor(clock).scope("engine"),
        site="nims",
        signer=options.pop("signer", SITE_KEY),
        grace=30.0,
        on_late=options.pop("on_late", unheard),
        **options,
    )


def make_station(folder: Path, link: Any, executor: Any, clock: Clock, **pace: float) -> Station:
    return Station(
        "robot", "nims", STATION_KEY, by_id([SITE_KEY.public]), link, IntentLog(folder, clock), executor, clock,
        lambda key: None, seed=1, pace=Pace(**pace),
    )  # fmt: skip


@asynccontextmanager
async def station_engine(folder: Path, clock: Clock, *, executor: Any = None) -> AsyncIterator[StationEngine]:
    """An engine whose station runs beside it."""
    engine = make_engine(clock)
    executor = executor or DirectExecutor(CAPABILITIES, folder)
    station = make_station(folder, DirectLink(engine.handle, clock), executor, clock)
    task = asyncio.create_task(station.run())
    try:
        yield engine
    finally:
        station.leave()
        await task
        await executor.close()
        station.log.close()
