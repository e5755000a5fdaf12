"""The stop levels of one owner: three words that stop everything it runs for anybody, until somebody releases it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from yosegi.core.clock import Clock, timestamp
from yosegi.core.engine import Engine
from yosegi.execution.ports import Published
from yosegi.ledger import Draft, Ledger, Write

StopLevel = Literal["", "hold", "safe_stop", "abort"]
LEVELS: tuple[StopLevel, ...] = ("", "hold", "safe_stop", "abort")
"""From the weakest to the strongest."""
STREAM = "owner/switch"


def engines_of(published: Mapping[str, Published]) -> list[Engine]:
    """Each engine that carries out something that is published, once."""
    return list({id(one.engine): one.engine for one in published.values()}.values())


@dataclass
class StopControl:
    """Stops first and records it after, so that a full disk keeps nobody from stopping."""

    ledger: Ledger
    engines: Iterable[Engine]
    clock: Clock
    level: StopLevel = ""
    """Empty while nothing is stopped."""
    by: str = ""
    """Who stopped it last, and when (RFC 3339), and the reason given."""
    since: str = ""
    reason: str = ""

    async def start(self) -> None:
        """As it was before a restart: engines are told again."""
        entries = self.ledger.read(STREAM)
        self.level = entries[-1].facts["word"] if entries else ""
        if self.level:
            last = entries[-1]
            self.by, self.since, self.reason = last.header.actor, last.time, str((last.body or {}).get("reason", ""))
        await self._tell()

    async def engage(self, level: StopLevel, by: str, reason: str) -> None:
        """Start nothing new; with `safe_stop` and `abort` also stop what runs. Only `release` takes a level back."""
        self.level = max(level, self.level, key=LEVELS.index)
        self.by, self.since, self.reason = by, timestamp(self.clock.now()), reason
        await self._tell()
        await self._record(by, reason)

    async def release(self, by: str, reason: str) -> None:
        """Let engines start work again."""
        self.level = ""
        await asyncio.gather(*(engine.resume() for engine in self.engines))
        await self._record(by, reason)

    async def _tell(self) -> None:
        if self.level == "safe_stop":
            await asyncio.gather(*(engine.safe_stop() for engine in self.engines))
        elif self.level == "abort":
            await asyncio.gather(*(engine.abort() for engine in self.engines))

    async def _record(self, by: str, reason: str) -> None:
        draft = Draft("owner.switch", {"held": bool(self.level), "word": self.level}, {"reason": reason})
        await self.ledger.append(Write(STREAM, None, (draft,), charter="", actor=by))
