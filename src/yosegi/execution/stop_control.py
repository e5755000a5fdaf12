"""The stop levels of one owner: three words that stop everything it runs for anybody, until somebody releases it.

A stop is carried out first and recorded after, so that a full disk keeps nobody from stopping. Until the ledger has it,
it stands in a file of last resort, from which the next start begins. A release is recorded first: one that cannot be
recorded starts nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from yosegi.core.clock import Clock, timestamp
from yosegi.core.engine import Engine, HoldsWaiting
from yosegi.core.errors import YosegiError
from yosegi.core.supervision import TaskScope
from yosegi.execution.last_resort import LONGEST_REASON, LastResort, StopWord, UnrecordedStop
from yosegi.execution.ports import Published
from yosegi.ledger import Draft, Ledger, Write

log = logging.getLogger("yosegi.execution")

StopLevel = Literal["", "hold", "safe_stop", "abort"]
LEVELS: tuple[StopLevel, ...] = ("", "hold", "safe_stop", "abort")
"""From the weakest to the strongest."""
STREAM, SWITCH = "owner/switch", "owner.switch"
RECORDING = "record a stop"


def engines_of(published: Mapping[str, Published]) -> list[Engine]:
    """Each engine that carries out something that is published, once."""
    return list({id(one.engine): one.engine for one in published.values()}.values())


@dataclass
class StopControl:
    """Stops, records and releases.

    Args:
        scope: keeps what tries again to record a stop.
    """

    ledger: Ledger
    engines: Iterable[Engine]
    clock: Clock
    last_resort: LastResort
    scope: TaskScope
    level: StopLevel = ""
    """Empty while nothing is stopped."""
    unrecorded: UnrecordedStop | None = None
    """What was carried out and is not in the ledger."""
    by: str = ""
    """Who stopped it last, and when (RFC 3339), and the reason given."""
    since: str = ""
    reason: str = ""

    async def start(self) -> None:
        """As it was before a restart, and no weaker than what could not be recorded; engines are told again."""
        entries = self.ledger.read(STREAM)
        self.level = entries[-1].facts["word"] if entries else ""
        if self.level:
            last = entries[-1]
            self.by, self.since, self.reason = last.header.actor, last.time, str((last.body or {}).get("reason", ""))
        self.unrecorded = self.last_resort.read()
        if self.unrecorded is not None:
            self.level = max(self.level, self.unrecorded.word, key=LEVELS.index)
            self.by, self.since, self.reason = self.unrecorded.by, self.unrecorded.at, self.unrecorded.reason
        else:
            self.last_resort.prepare()
        await self._tell()
        self._record_later()

    async def engage(self, level: StopWord, by: str, reason: str) -> None:
        """Start nothing new; with `safe_stop` and `abort` also stop what runs. Only `release` takes a level back.

        Returns when it is done, whether or not it could be recorded: `unrecorded` tells.
        """
        self.level = max(level, self.level, key=LEVELS.index)
        self.by, self.since, self.reason = by, timestamp(self.clock.now()), reason
        await self._tell()
        word: StopWord = level if self.unrecorded is None else max(level, self.unrecorded.word, key=LEVELS.index)
        stop = UnrecordedStop(word=word, by=by, reason=reason[:LONGEST_REASON], at=timestamp(self.clock.now()))
        self.unrecorded = stop
        kept = self.last_resort.keep(stop)
        try:
            await self._record(stop)
        except YosegiError as error:
            where = self.last_resort if kept else "this process alone, and is gone when it ends"
            log.error(
                "everything is stopped (%s), which could not be recorded: %s; it stands in %s", level, error, where
            )
            self._record_later()

    async def release(self, by: str, reason: str) -> None:
        """Record that engines work again, and let them.

        Raises:
            Unavailable: it cannot be recorded; everything stays stopped.
        """
        if self.unrecorded is not None:
            await self._record(self.unrecorded)
        await self._append(Draft(SWITCH, {"held": False, "word": ""}, {"reason": reason}), by)
        self.level = ""
        await asyncio.gather(*(engine.resume() for engine in self.engines))

    async def _tell(self) -> None:
        if self.level == "safe_stop":
            await asyncio.gather(*(engine.safe_stop() for engine in self.engines))
        elif self.level == "abort":
            await asyncio.gather(*(engine.abort() for engine in self.engines))
        elif self.level == "hold":
            await asyncio.gather(*(engine.hold() for engine in self.engines if isinstance(engine, HoldsWaiting)))

    def _record_later(self) -> None:
        if self.unrecorded is not None and not self.scope.is_running(RECORDING):
            self.scope.repeat(RECORDING, self._record_now)

    async def _record_now(self) -> bool:
        if self.unrecorded is not None:
            await self._record(self.unrecorded)
        return False

    async def _record(self, stop: UnrecordedStop) -> None:
        """Take a stop into the ledger, unless it was released, or a stronger one took its place, meanwhile."""
        draft = Draft(SWITCH, {"held": True, "word": self.level or stop.word}, {"reason": stop.reason})
        await self._append(draft, stop.by)
        if self.unrecorded is stop:
            self.unrecorded = None
            self.last_resort.clear()

    async def _append(self, draft: Draft, by: str) -> None:
        await self.ledger.append(Write(STREAM, None, (draft,), charter="", actor=by))
